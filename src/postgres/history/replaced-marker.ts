import { isRecord } from '../../core/foreign-value.ts';
import { contains, hasNameWithin, toTag, type NameRange } from '../sources/name-range.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { historyTable, quoteHistory, wholeSecond, type HistoryRow } from './migration-history.ts';

/** Migrations that a squash file stands for. */
export interface Replacement extends NameRange {
  /** The name of the squash file, without `.sql`. */
  readonly by: string;
}

/** A row that `repair.forget()` has deleted. */
type ForgottenRow = Pick<HistoryRow, 'name' | 'createdAt'>;

/**
 * The migrations whose rows are gone from a history although they have run. It is kept as a line of JSON in the comment on the
 * table: a release that still has these files reads it, and does not run them again. Drizzle does not see it, while a row of a
 * name that no folder has would keep Drizzle 1.x from taking over a table of 0.x.
 */
export interface ReplacedMarker {
  readonly ranges: readonly Replacement[];
  readonly forgotten: readonly ForgottenRow[];
}

export const nothingReplaced: ReplacedMarker = { ranges: [], forgotten: [] };

const mark = 'slipway: replaced ';
const markedLine = new RegExp(`^${mark}({.*})$`, 'm');

/** A history table whose comment has a marker. */
export interface CommentedHistory {
  readonly schema: string;
  readonly comment: string;
}

/** An SQL expression of type json that gives the {@link CommentedHistory}s. Every role may read comments. */
export const markedHistoriesSql = `(select coalesce(json_agg(json_build_object('schema', n.nspname, 'comment', d.description)), '[]')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = c.oid and d.objsubid = 0
    where c.relname = '${historyTable}' and position('${mark}' in d.description) > 0)`;

/** Reads the marker in a comment; an empty one when there is none, or when it was edited by hand. */
export function readReplaced(comment: string | null | undefined): ReplacedMarker {
  const written = markedLine.exec(comment ?? '')?.[1];
  if (written === undefined) return nothingReplaced;
  try {
    const { ranges, forgotten } = JSON.parse(written) as Record<string, unknown>;
    return { ranges: listOf(ranges, isReplacement), forgotten: listOf(forgotten, isForgottenRow) };
  } catch {
    return nothingReplaced;
  }
}

function listOf<T>(value: unknown, isOne: (each: unknown) => each is T): readonly T[] {
  return Array.isArray(value) ? value.filter(isOne) : [];
}

function isReplacement(value: unknown): value is Replacement {
  return isRecord(value) && ['from', 'to', 'by'].every((key) => typeof value[key] === 'string');
}

function isForgottenRow(value: unknown): value is ForgottenRow {
  if (!isRecord(value)) return false;
  const { name, createdAt } = value;
  return (
    (name === null || typeof name === 'string') &&
    (createdAt === null || typeof createdAt === 'number')
  );
}

/** Adds to a marker what a squash file replaces. Ranges in it are no longer needed by themselves. */
export function addRanges(
  marker: ReplacedMarker,
  by: string,
  ranges: readonly NameRange[],
): ReplacedMarker {
  const kept = marker.ranges.filter((old) => ranges.every((range) => !contains(range, old)));
  return { ...marker, ranges: [...kept, ...ranges.map(({ from, to }) => ({ from, to, by }))] };
}

/** Adds to a marker what a file replaces; the same marker when it replaces nothing. */
export function addReplacedBy(marker: ReplacedMarker, file: Migration): ReplacedMarker {
  const ranges = isSql(file) ? file.replaces : undefined;
  return ranges ? addRanges(marker, toTag(file.name), ranges) : marker;
}

/** Adds deleted rows to a marker, each once. */
export function addForgotten(marker: ReplacedMarker, rows: readonly HistoryRow[]): ReplacedMarker {
  const known = new Set(marker.forgotten.map(signRow));
  const added = rows.flatMap((row) => {
    if (known.has(signRow(row))) return [];
    known.add(signRow(row));
    return [{ name: row.name, createdAt: row.createdAt }];
  });
  return { ...marker, forgotten: [...marker.forgotten, ...added] };
}

function signRow({ name, createdAt }: ForgottenRow): string {
  return `${createdAt} ${name}`;
}

/**
 * Writes a marker into the comment on a history, in place of an older one. The rest of the comment stays. Only the owner of the
 * table may do that.
 */
export function commentSql(
  schema: string,
  comment: string | null | undefined,
  marker: ReplacedMarker,
): { readonly comment: string; readonly sql: string } {
  const kept = (comment ?? '').replace(markedLine, '').trimEnd();
  const line = mark + JSON.stringify(marker);
  const whole = kept === '' ? line : `${kept}\n${line}`;
  return {
    comment: whole,
    sql: `comment on table ${quoteHistory(schema)} is ${quoteLiteral(whole)}`,
  };
}

/** A pending file that has run in this database. */
export interface ReplacedFile {
  readonly name: string;
  /** The squash file that stands for it; undefined when `repair.forget()` has deleted its row. */
  readonly by?: string;
}

/** Finds the files among these that have run, by a marker. */
export function findReplaced(
  files: readonly Pick<Migration, 'name' | 'historyName' | 'when'>[],
  { ranges, forgotten }: ReplacedMarker,
): readonly ReplacedFile[] {
  if (ranges.length === 0 && forgotten.length === 0) return [];
  const names = new Set(forgotten.map(({ name }) => name));
  // Between the formats: the name of a folder of 1.x has no milliseconds.
  const seconds = new Set(
    forgotten.flatMap(({ name, createdAt }) =>
      name !== null || createdAt === null ? [] : wholeSecond(createdAt),
    ),
  );
  return files.flatMap((file): readonly ReplacedFile[] => {
    const { name, historyName, when } = file;
    const range = ranges.find((each) => hasNameWithin(file, each));
    if (range) return [{ name, by: range.by }];
    return names.has(historyName) || seconds.has(wholeSecond(when)) ? [{ name }] : [];
  });
}
