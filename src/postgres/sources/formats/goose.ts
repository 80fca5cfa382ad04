import { compareNumbers } from '../compare-versions.ts';
import {
  noMigrationOf,
  withoutSql,
  type FileFormat,
  type FileName,
  type Mark,
  type MarkReader,
} from './file-format.ts';

/**
 * goose: `-- +goose Up`, `Down`, `StatementBegin`, `StatementEnd`, `NO TRANSACTION`, `ENVSUB ON` and `ENVSUB OFF`, in any case of
 * letters. A name begins with the version, a number, and `_`. Migrations in Go run in the same order.
 *
 * Read from https://github.com/pressly/goose/blob/main/internal/sqlparser/parser.go, `NumericComponent` in migration.go and
 * provider_collect.go.
 */
export const goose: FileFormat = {
  tool: 'goose',
  upMark: '-- +goose Up',
  readName(name): FileName {
    const [, version, extension] = /^(\d+)_.*\.(sql|go)$/s.exec(name) ?? [];
    const isTest = name.endsWith('_test.go');
    if (version === undefined || isTest || BigInt(version) === 0n) {
      const isSql = /\.sql$/i.test(name);
      return isSql ? noMigrationOf('goose', '00001_init.sql') : { kind: 'other' };
    }
    const number = BigInt(version);
    return {
      kind: 'migration',
      historyName: withoutSql(name).replace(/\.go$/, ''),
      version: String(number),
      numbers: [number],
      ...(extension === 'go' && { code: 'Go' }),
    };
  },
  compare: (one, other) => compareNumbers(one.numbers, other.numbers),
  createReader: () => createReader(),
};

const moveIt = 'Correct the mark, as goose would ask for it too.';

function createReader(): MarkReader {
  let section: 'none' | 'up' | 'down' = 'none';
  let isOpen = false;
  let isSubstituted = false;
  const refuse = (because: string): Mark => ({ kind: 'refused', because, hint: moveIt });
  const marks: Readonly<Record<string, () => Mark>> = {
    up() {
      if (section !== 'none') return refuse('has a second "-- +goose Up"');
      section = 'up';
      return { kind: 'up' };
    },
    down() {
      if (section !== 'up') return refuse('has "-- +goose Down" without an "-- +goose Up" before');
      if (isOpen) return refuse('has "-- +goose Down" before the StatementEnd');
      section = 'down';
      return { kind: 'down' };
    },
    statementbegin() {
      if (section === 'none' || isOpen) return refuse('has a StatementBegin in the wrong place');
      isOpen = true;
      return { kind: 'note' };
    },
    statementend() {
      if (!isOpen) return refuse('has a StatementEnd without a StatementBegin');
      isOpen = false;
      return { kind: 'note' };
    },
    'no transaction': () => ({ kind: 'noTransaction' }),
    'envsub on'() {
      isSubstituted = true;
      return { kind: 'note' };
    },
    'envsub off'() {
      isSubstituted = false;
      return { kind: 'note' };
    },
  };
  return {
    readMark(line) {
      if (!/^\s*--/.test(line) || !line.includes('+goose')) return undefined;
      const word = line.replaceAll('--', '').replace('+goose', '').trim();
      const mark = Object.hasOwn(marks, word.toLowerCase()) ? marks[word.toLowerCase()] : undefined;
      // goose refuses a mark that does not begin its line.
      if (!mark || /^[ \t]/.test(line)) return refuse('has a line that goose does not understand');
      return mark();
    },
    findFault(line) {
      if (!isSubstituted || !line.includes('$')) return undefined;
      return {
        because: 'has ENVSUB ON, which puts environment variables into its SQL',
        hint: 'Write the value into the file, or use a migration that is a function: Slipway runs the text as it is.',
      };
    },
    findOpenEnd() {
      return isOpen
        ? { because: 'has a StatementBegin without its StatementEnd', hint: moveIt }
        : undefined;
    },
  };
}
