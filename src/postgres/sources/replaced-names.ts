import { LongSql } from '../sql/long-text.ts';
import { readWindow } from '../sql/byte-source.ts';
import { mayReplace, readReplacesLines, type ReplacesLine } from '../sql/replaces-directive.ts';
import { SqlText } from '../sql/sql-text.ts';
import { isRepeatable, isSql, type Migration, type SqlMigration } from './migration.ts';
import {
  describeRange,
  hasNameWithin,
  isAfter,
  isNumbered,
  isWithin,
  overlaps,
  toTag,
  type ReplacedRange,
} from './name-range.ts';
import { refusalFor, type Refuse } from './refusal.ts';

/** The characters of a file in which its first lines are looked for. */
const headLength = 64 * 1024;

/**
 * Adds to each squash file what it replaces, and checks that it can: the folder has none of these files, and no two lines name
 * the same one.
 *
 * @throws BootError `MIGRATION_FILES_INVALID`
 */
export async function addReplacedNames(
  plugin: string,
  files: readonly Migration[],
): Promise<readonly Migration[]> {
  const refuse = refusalFor(plugin);
  const found: Squashing[] = [];
  for (const file of files) {
    const lines = isSql(file) ? await readFirstLines(file) : [];
    if (lines.length === 0) continue;
    if (isRepeatable(file)) {
      throw refuse(`${file.name} replaces other files, and is repeatable`, {
        hint: 'Move it to a folder of files that run once: it has one row for all its runs.',
      });
    }
    const ranges = lines.map((line) => parseRange(file.name, line, refuse));
    found.push({ file, ranges });
  }
  if (found.length === 0) return files;
  for (const squashing of found) refuseRest(squashing, files, refuse);
  refuseOverlaps(found, refuse);
  const replaces = new Map(found.map(({ file, ranges }) => [file, ranges]));
  return files.map((file) => {
    const ranges = replaces.get(file);
    return ranges ? { ...file, replaces: ranges } : file;
  });
}

/** A squash file, and what it replaces. */
interface Squashing {
  readonly file: Migration;
  readonly ranges: readonly ReplacedRange[];
}

/** Only the first lines count, so that a file of data is not read for them. One that comes later is found in the survey. */
async function readFirstLines({ sql }: SqlMigration): Promise<readonly ReplacesLine[]> {
  const head =
    sql instanceof LongSql
      ? await sql.open(async (source) => readWindow(source, 0, headLength).text)
      : sql.text.slice(0, headLength);
  if (!mayReplace.test(head)) return [];
  return readReplacesLines(new SqlText(head)).filter(({ isAtBeginning }) => isAtBeginning);
}

const form =
  'Write the first and the last name, -- slipway: replaces 0000_init..0099_last, or one name. Behind it may stand how many files they are: (100 files).';

function parseRange(file: string, { names, line }: ReplacesLine, refuse: Refuse): ReplacedRange {
  const [, written = '', count] = /^(.*?)\s*(?:\(\s*(\d{1,6})\s+files?\s*\))?$/i.exec(names) ?? [];
  const ends = written.split('..').map((name) => toTag(name.trim()));
  const [from = '', to = from] = ends;
  const place = `line ${line} of ${file}, "-- slipway: replaces${names === '' ? '' : ` ${names}`}",`;
  if (ends.length > 2 || from === '' || to === '') {
    throw refuse(`${place} names no migrations`, { hint: form });
  }
  if (count !== undefined && Number(count) === 0) {
    throw refuse(`${place} replaces 0 files`, { hint: form });
  }
  const range = { from, to, ...(count !== undefined && { count: Number(count) }) };
  if (from !== to && !isNumbered(range)) {
    throw refuse(`${place} has a range between names that have no numbers of one kind`, {
      hint: 'A range needs names that begin with numbers. Write a line for each name.',
    });
  }
  if (from !== to && isAfter(from, to)) {
    throw refuse(`${place} is backwards`, { hint: `Write ${to}..${from}.` });
  }
  return range;
}

function refuseRest(
  { file, ranges }: Squashing,
  files: readonly Migration[],
  refuse: Refuse,
): void {
  const own = toTag(file.name);
  for (const range of ranges) {
    const isRange = range.from !== range.to;
    if (isWithin(own, range) || (isRange && !isAfter(own, range.to))) {
      throw refuse(`${file.name} replaces ${describeRange(range)}, and does not come after it`, {
        hint: `Give it a name that comes after it, such as ${range.to}_squash. The names show an older release what was replaced.`,
      });
    }
    const left = files.find((other) => other !== file && hasNameWithin(other, range));
    if (left) {
      throw refuse(
        `${file.name} replaces ${describeRange(range)}, and the folder still has ${left.name}`,
        {
          hint: `Remove ${left.name}, if ${file.name} has all that it makes. A new file needs a name that comes after ${range.to}. Where another source has names in the range, name each replaced file in a line of its own.`,
        },
      );
    }
  }
}

function refuseOverlaps(squashes: readonly Squashing[], refuse: Refuse): void {
  const all = squashes.flatMap(({ file, ranges }) => ranges.map((range) => ({ file, range })));
  for (const [at, { file, range }] of all.entries()) {
    const other = all.slice(0, at).find((each) => overlaps(each.range, range));
    if (!other) continue;
    const where = other.file === file ? 'its other line' : other.file.name;
    throw refuse(
      `${file.name} replaces ${describeRange(range)}, and ${where} replaces ${describeRange(other.range)}`,
      { hint: 'Each migration can be replaced once: let the ranges not overlap.' },
    );
  }
}
