import { listNames } from '../../core/printable.ts';
import { isNumberOfName, listHashes, readTime } from '../sources/migration-identity.ts';
import type { MigrationIdentity, SqlMigration } from '../sources/migration.ts';
import {
  contains,
  describeRange,
  hasTagWithin,
  isWithin,
  readCounter,
  toTag,
  type ReplacedRange,
} from '../sources/name-range.ts';
import { wholeSecond, type HistoryRow } from './migration-history.ts';
import { nameRow } from './name-row.ts';
import type { ReplacedMarker, Replacement } from './replaced-marker.ts';

/** The parts of a file that show what it replaces. */
export type SquashableFile = Pick<MigrationIdentity, 'historyName' | 'when' | 'hash'> &
  Partial<Pick<SqlMigration, 'name' | 'format' | 'sql' | 'replaces'>>;

/** A file whose work was done by others: it is not run, and its row takes the place of theirs. */
export interface Squash<File> {
  readonly file: File;
  /** The rows that it replaces, repeated ones too. */
  readonly rows: readonly HistoryRow[];
  /** Why it can neither replace them nor run; left out when it replaces them. */
  readonly obstacle?: SquashObstacle;
}

interface SquashObstacle {
  /** Behind the name of the file. */
  readonly message: string;
  readonly hint: string;
}

/**
 * Finds the squash files whose replaced migrations are in a history. A file that has its own row is applied, and one that finds
 * nothing of what it replaces runs like any other.
 */
export function planSquashes<File extends SquashableFile>(
  files: readonly File[],
  rows: readonly HistoryRow[],
  marker: ReplacedMarker,
  schema: string,
): readonly Squash<File>[] {
  const squashes: Squash<File>[] = [];
  const taken = new Set<HistoryRow>();
  for (const file of files) {
    const ranges = file.replaces ?? [];
    if (ranges.length === 0 || isApplied(file, rows, marker, schema)) continue;
    const free = rows.filter((row) => !taken.has(row));
    const others = files.filter((other) => other !== file);
    const history: Search = { file, ranges, rows: free, others, marker };
    const squash = canUseNames(history) ? byName(history) : byCount(history);
    if (squash.rows.length === 0) continue;
    for (const row of squash.rows) taken.add(row);
    squashes.push({ file, ...squash });
  }
  return squashes;
}

interface Search {
  readonly file: SquashableFile;
  readonly ranges: readonly ReplacedRange[];
  readonly rows: readonly HistoryRow[];
  /** The other files of the plugin. */
  readonly others: readonly SquashableFile[];
  readonly marker: ReplacedMarker;
}

type Found = Omit<Squash<unknown>, 'file'>;

/** Whether a history has the row of the file itself. The `when` of a squash file may be that of the last file it replaces. */
function isApplied(
  file: SquashableFile,
  rows: readonly HistoryRow[],
  { ranges }: ReplacedMarker,
  schema: string,
): boolean {
  if (rows.some(({ name }) => name === file.historyName)) return true;
  const sameTime = rows.filter(({ createdAt }) => createdAt === file.when);
  if (sameTime.length === 0) return false;
  const isKnown = ranges.some(({ by }) => by === toTag(file.name ?? ''));
  const hashes = new Set(listHashes(file, schema));
  return sameTime.some(({ name, hash }) => name === null && (isKnown || hashes.has(hash)));
}

/** The tags of a folder of 0.x are in no history; and a table of 0.x has times, which the names of 1.x begin with. */
function canUseNames({ file, ranges, rows }: Search): boolean {
  if (file.format === '0.x' || isOfJournal(file)) return false;
  if (rows.some(({ name }) => name !== null)) return true;
  return ranges.every(({ from, to }) => !Number.isNaN(readTime(from) + readTime(to)));
}

/** Whether the name in the history is made of the time in a journal. In a list of several sources the format does not say it. */
function isOfJournal({ name, historyName }: SquashableFile): boolean {
  return !Object.is(readTime(toTag(name ?? historyName)), readTime(historyName));
}

function byName({ ranges, rows, others, marker }: Search): Found {
  // Another source may have a file between the times of the range.
  const isOther = makeIsKnown(others);
  const found = ranges.map((range) => ({
    range,
    rows: rows.filter((row) => isRowWithin(row, range) && !isOther(row)),
  }));
  const all = [...new Set(found.flatMap((each) => each.rows))];
  if (all.length === 0) return { rows: [] };
  // An earlier squash file whose row is here stands for what it has replaced.
  const earlier = marker.ranges.filter(({ by }) => all.some((row) => isRowOf(row, by)));
  const missing = found.flatMap((each) => listMissing(each.range, each.rows, earlier));
  if (missing.length === 0) return { rows: all };
  const message = `replaces ${describeAll(ranges)}, of which the database has ${listNames(all.map(nameRow))}, and lacks ${listNames(missing)}`;
  return { rows: all, obstacle: { message, hint: deployBefore } };
}

const deployBefore =
  'Deploy the last release before the squash on this database first: it applies the rest. If there never was a file of a missing number, say how many files the range has: 0000_init..0099_last (99 files).';

/** A row without a name is found by its time, to the second, when the range has times. */
function isRowWithin({ name, createdAt }: HistoryRow, range: ReplacedRange): boolean {
  if (name !== null) return hasTagWithin(name, range);
  const second = createdAt === null ? NaN : wholeSecond(createdAt);
  return readTime(range.from) <= second && second <= readTime(range.to);
}

function isRowOf({ name, createdAt }: HistoryRow, tag: string): boolean {
  return name === null
    ? createdAt !== null && wholeSecond(createdAt) === readTime(tag)
    : hasTagWithin(name, { from: tag, to: tag });
}

/** Lists what a range has and the history does not, as far as names say it. */
function listMissing(
  range: ReplacedRange,
  rows: readonly HistoryRow[],
  earlier: readonly Replacement[],
): readonly string[] {
  const isThere = (tag: string): boolean =>
    rows.some((row) => isRowOf(row, tag)) || earlier.some((each) => isWithin(tag, each));
  const ends = [...new Set([range.from, range.to])].filter((tag) => !isThere(tag));
  if (range.count !== undefined) {
    const count = countRows(rows);
    if (ends.length > 0 || count === range.count) return ends;
    return [`${range.count} files, since it has ${count}`];
  }
  const [first, last] = [readCounter(range.from), readCounter(range.to)];
  if (first === undefined || last === undefined || range.from === range.to) return ends;
  const numbers = new Set(rows.map(({ name }) => readCounter(name ?? '')));
  const covered = earlier.map((each) => [readCounter(each.from), readCounter(each.to)] as const);
  const named = new Set(ends.map(readCounter));
  const width = /\d+/.exec(range.from)?.[0].length ?? 0;
  const gaps: string[] = [];
  for (let number = first; number <= last; number += 1) {
    const isCovered = covered.some(([from = NaN, to = NaN]) => from <= number && number <= to);
    if (numbers.has(number) || named.has(number) || isCovered) continue;
    gaps.push(String(number).padStart(width, '0'));
  }
  return [...ends, ...gaps];
}

/**
 * Finds the rows of a table without names: those that no other file has, and that are not newer than the squash file. They are
 * the replaced ones when they are as many as the range has numbers, or as the file says.
 */
function byCount({ file, ranges, rows, others, marker }: Search): Found {
  const isOther = makeIsKnown(others);
  const unknown = rows.filter((row) => !isOther(row));
  // Names of plain files have no time that could be older.
  const hasTime = (file.format === '0.x' || isOfJournal(file)) && !isNumberOfName(file.when);
  const isOld = ({ createdAt }: HistoryRow): boolean =>
    !hasTime || (createdAt !== null && wholeSecond(createdAt) <= file.when);
  const old = unknown.filter(isOld);
  const count = countRows(old);
  const expected = countFiles(ranges, marker.ranges);
  const isOwn = count === 1 && expected !== 1 && old[0]?.createdAt === file.when;
  // Its own row, of another text: it was edited since.
  if (count === 0 || isOwn) return { rows: [] };
  const what = `replaces ${describeAll(ranges)}`;
  if (expected === undefined) {
    const message = `${what}, and the names in its history do not say whether it has all of them`;
    const hint = `Say how many files they are: ${describeAll(ranges)} (${count} files), if ${count} is right.`;
    return { rows: old, obstacle: { message, hint } };
  }
  if (count === expected) return { rows: old };
  const newer = countRows(unknown) - count;
  const more = newer === 0 ? '' : `, and ${newer} newer than it`;
  const message = `${what}, which is ${countWord(expected, 'migration')}; the database has ${countWord(count, 'row')} of no other file${more}: ${listNames(old.map(nameRow))}`;
  const hint =
    count < expected
      ? `Deploy the last release before the squash on this database first: it applies the rest. If there never were ${expected} files, say how many: ${describeAll(ranges)} (${count} files). The "when" of the squash file must not be older than theirs.`
      : `Find out which rows are of other files, such as one of another branch. If all of them are replaced, say how many files there were: ${describeAll(ranges)} (${count} files).`;
  return { rows: old, obstacle: { message, hint } };
}

/** Whether a row surely has one of these files: by its name, or by its time, to the second between the formats. */
function makeIsKnown(files: readonly SquashableFile[]): (row: HistoryRow) => boolean {
  const names = new Set(files.map(({ historyName }) => historyName));
  const times = new Set(files.flatMap(({ when }) => [when, wholeSecond(when)]));
  return ({ name, createdAt }) =>
    (name !== null && names.has(name)) ||
    (createdAt !== null && (times.has(createdAt) || times.has(wholeSecond(createdAt))));
}

/** Counts the migrations of ranges in a history; undefined when their names do not say it. */
function countFiles(
  ranges: readonly ReplacedRange[],
  replaced: readonly Replacement[],
): number | undefined {
  let sum = 0;
  for (const range of ranges) {
    const count = range.count ?? countRange(range, replaced);
    if (count === undefined) return undefined;
    sum += count;
  }
  return sum;
}

/** An earlier squash file in the range has one row for all that it has replaced. */
function countRange(range: ReplacedRange, replaced: readonly Replacement[]): number | undefined {
  if (range.from === range.to) return 1;
  const [first, last] = [readCounter(range.from), readCounter(range.to)];
  if (first === undefined || last === undefined) return undefined;
  let count = last - first + 1;
  const squashers = new Set<string>();
  const covered = new Set<number>();
  for (const each of replaced) {
    if (!isWithin(each.by, range) || !contains(range, each)) continue;
    const [from, to] = [readCounter(each.from), readCounter(each.to)];
    if (from === undefined || to === undefined) continue;
    for (let number = from; number <= to; number += 1) covered.add(number);
    squashers.add(each.by);
  }
  count -= covered.size;
  for (const by of squashers) if (covered.has(readCounter(by) ?? NaN)) count += 1;
  return count;
}

/** Counts rows; those that processes without a lock wrote twice count once. */
function countRows(rows: readonly HistoryRow[]): number {
  return new Set(rows.map(({ name, createdAt, hash }) => name ?? `${createdAt} ${hash}`)).size;
}

function describeAll(ranges: readonly ReplacedRange[]): string {
  return listNames(ranges.map(describeRange));
}

function countWord(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
