import { compareNames, compareNumbers } from '../compare-versions.ts';
import { noMigrationOf, withoutSql, type FileFormat, type Mark } from './file-format.ts';

/**
 * sql-migrate: `-- +migrate Up`, with the option `notransaction`, `Down`, `StatementBegin` and `StatementEnd`, with exactly these
 * letters and blanks; a file may have several of both. Every `.sql` file is a migration, and its id is its whole name. Numbers at
 * the beginning of names count as numbers, and names without one come last.
 *
 * Read from https://github.com/rubenv/sql-migrate/blob/master/sqlparse/sqlparse.go and `Migration.Less` in migrate.go.
 */
export const sqlMigrate: FileFormat = {
  tool: 'sql-migrate',
  upMark: '-- +migrate Up',
  readName(name) {
    if (!/\.sql$/i.test(name)) return { kind: 'other' };
    if (!name.endsWith('.sql')) return noMigrationOf('sql-migrate', '20240102030405-init.sql');
    const digits = /^\d+/.exec(name)?.[0];
    const numbers = digits === undefined ? [] : [BigInt(digits)];
    return { kind: 'migration', historyName: withoutSql(name), version: name, numbers };
  },
  compare(one, other) {
    if (one.numbers.length !== other.numbers.length) {
      return other.numbers.length - one.numbers.length;
    }
    return compareNumbers(one.numbers, other.numbers) || compareNames(one.name, other.name);
  },
  createReader() {
    let isOpen = false;
    return {
      readMark(line): Mark | undefined {
        if (!/^--\s*\+migrate\b/i.test(line)) return undefined;
        // sql-migrate takes what is written in another way for a comment, and its SQL for that of the mark before.
        const [, command, options = ''] = /^-- \+migrate (\S+)(.*)$/.exec(line) ?? [];
        const words = options.split(/\s+/);
        switch (command) {
          case 'Up':
            return { kind: 'up', noTransaction: words.includes('notransaction') };
          case 'Down':
            return { kind: 'down' };
          case 'StatementBegin':
            isOpen = true;
            return { kind: 'note' };
          case 'StatementEnd':
            isOpen = false;
            return { kind: 'note' };
          default:
            return {
              kind: 'refused',
              because: 'has a mark that sql-migrate does not read',
              hint: 'It reads "-- +migrate Up", "-- +migrate Down", StatementBegin and StatementEnd, with exactly these letters and blanks.',
            };
        }
      },
      findOpenEnd() {
        return isOpen
          ? { because: 'has a StatementBegin without its StatementEnd', hint: 'Add it.' }
          : undefined;
      },
    };
  },
};
