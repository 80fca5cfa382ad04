import { compareNames } from '../compare-versions.ts';
import { noMigrationOf, type FileFormat, type FileName } from './file-format.ts';

/**
 * node-pg-migrate: the first comments `-- Up Migration` and `-- Down Migration`, in any case of letters; a file without them is a
 * way up as a whole. Its SQL files always run in a transaction. Every file is a migration, and names begin with a number: of 17
 * digits it is a time in UTC, else ms or a counter. `1_a.up.sql` may have its way down in `1_a.down.sql`.
 *
 * Read from https://github.com/salsita/node-pg-migrate/tree/main/src: sqlMigration.ts, migrationLoader.ts, and
 * utils/fileNameUtils.ts and utils/comparators.ts.
 */
export const nodePgMigrate: FileFormat = {
  tool: 'node-pg-migrate',
  readName(name, all): FileName {
    const [, base, direction = '', extension = ''] =
      /^(?!\.)(.*?)(\.up|\.down)?\.(sql|[cm]?[jt]s)$/is.exec(name) ?? [];
    if (base === undefined || /\.d\.[cm]?ts$/.test(name)) return { kind: 'other' };
    const isSql = extension.toLowerCase() === 'sql';
    if (isSql && direction === '.down' && all.has(`${base}.up.sql`)) return { kind: 'other' };
    const digits = /^\d+/.exec(name)?.[0];
    if (digits === undefined || (isSql && direction === '.down')) {
      return noMigrationOf('node-pg-migrate', '1714521600000_init.sql');
    }
    const historyName = isSql ? base : base + direction;
    return {
      kind: 'migration',
      historyName,
      version: historyName,
      numbers: [readNumber(digits)],
      ...(!isSql && { code: /ts$/i.test(extension) ? 'TypeScript' : 'JavaScript' }),
    };
  },
  compare(one, other) {
    const [a = 0n, b = 0n] = [one.numbers[0], other.numbers[0]];
    if (a !== b) return a < b ? -1 : 1;
    return (
      one.name.localeCompare(other.name, undefined, order) || compareNames(one.name, other.name)
    );
  },
  createReader() {
    const seen = new Set<string>();
    return {
      readMark(line) {
        const found = /^\s*--[\s-]*(up|down)\s+migration/i.exec(line)?.[1]?.toLowerCase();
        const kind = found === 'up' || found === 'down' ? found : undefined;
        // Only the first of each kind counts.
        if (!kind || seen.has(kind)) return undefined;
        seen.add(kind);
        return { kind };
      },
      findOpenEnd() {
        if (!seen.has('down') || seen.has('up')) return undefined;
        return {
          because:
            'has a Down Migration and no Up Migration, so that node-pg-migrate runs all of it',
          hint: 'Put "-- Up Migration" before the part that is to run.',
        };
      },
    };
  },
};

const order = {
  usage: 'sort',
  numeric: true,
  sensitivity: 'variant',
  ignorePunctuation: true,
} as const;

/** 17 digits are a time: `20240102030405678`. */
function readNumber(digits: string): bigint {
  if (digits.length !== 17) return BigInt(digits);
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(digits) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  return Number.isNaN(time) ? BigInt(digits) : BigInt(time);
}
