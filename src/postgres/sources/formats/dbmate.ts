import { compareNames } from '../compare-versions.ts';
import { noMigrationOf, withoutSql, type FileFormat } from './file-format.ts';

/**
 * dbmate: `-- migrate:up` and `-- migrate:down`, each with options such as `transaction:false`; a file may have several of both.
 * Names begin with digits, the version. Files run in the order of their names as texts.
 *
 * Read from https://github.com/amacneil/dbmate/blob/main/pkg/dbmate/migration.go and `FindMigrations` in db.go beside it.
 */
export const dbmate: FileFormat = {
  tool: 'dbmate',
  upMark: '-- migrate:up',
  readName(name) {
    if (!/\.sql$/i.test(name)) return { kind: 'other' };
    const version = /^(\d+).*\.sql$/s.exec(name)?.[1];
    if (version === undefined) return noMigrationOf('dbmate', '20240102030405_init.sql');
    return { kind: 'migration', historyName: withoutSql(name), version, numbers: [] };
  },
  compare: (one, other) => compareNames(one.name, other.name),
  createReader() {
    let hasDown = false;
    return {
      readMark(line) {
        const found = /^--\s*migrate:(up|down)(?:\s*$|\s+(\S.*))/.exec(line);
        if (!found) return undefined;
        const [, direction, options = ''] = found;
        if (direction === 'up') {
          hasDown = false;
          return { kind: 'up', noTransaction: readOptions(options).get('transaction') === 'false' };
        }
        if (hasDown) return secondDown;
        hasDown = true;
        return { kind: 'down' };
      },
    };
  },
};

const secondDown = {
  kind: 'refused',
  because: 'has a second "-- migrate:down" in a row, which dbmate refuses',
  hint: 'Keep one of them.',
} as const;

/** Pairs such as `transaction:false`; the last one of a name counts, and what is no pair does not. */
function readOptions(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(/\s+/).map((pair) => pair.split(':'));
  return new Map(
    pairs.flatMap(([key, value, ...more]) =>
      key === undefined || value === undefined || more.length > 0 ? [] : [[key, value] as const],
    ),
  );
}
