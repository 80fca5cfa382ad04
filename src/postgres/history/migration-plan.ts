import { listHashes, isEdited } from '../sources/migration-identity.ts';
import { wholeSecond, type HistoryRow } from './migration-history.ts';
import { planSquashes, type Squash, type SquashableFile } from './plan-squash.ts';
import { planRepeatable, splitRepeatable, type Pair } from './repeatable-plan.ts';
import { nothingReplaced, type ReplacedMarker } from './replaced-marker.ts';

/** The files of a folder compared with the rows of a history. */
export interface MigrationPlan<File> {
  /** The files that the history does not know, in their order; those that replace others as well. */
  readonly pending: readonly File[];
  /** Of the pending ones, those that are not run, because the history has what they replace. */
  readonly squashes: readonly Squash<File>[];
  /** Of the pending ones, those that stand before a file that is applied. */
  readonly outOfOrder: readonly File[];
  /** The files that are applied, each with its row. */
  readonly applied: readonly Pair<File>[];
  /** Applied, and changed since. */
  readonly edited: readonly File[];
  /**
   * Applied by their text alone: the row says another name or time. Most are renamed; one may be new, with the text of a file
   * that is gone.
   */
  readonly moved: readonly Pair<File>[];
  /** Rows that no file matches. */
  readonly unknown: readonly HistoryRow[];
  /** Of the pending ones, the repeatable files that have run before, with another text. */
  readonly repeats: readonly File[];
  /** Repeatable files that would be pending, if the database were not ahead: their texts may be older than what is there. */
  readonly held: readonly File[];
}

/**
 * Compares a folder with its history as two sets, so that a file merged late with an older `when` is not skipped. Files and
 * rows are paired one to one: by name, by time, then by hash. What is paired is never run again, whatever else of the row
 * is different or missing.
 *
 * @param schema What `"public".` may have been turned into before the hash was taken.
 * @param replaced What the comment on the history says of rows that are gone.
 */
export function planMigrations<File extends SquashableFile>(
  files: readonly File[],
  rows: readonly HistoryRow[],
  schema: string,
  replaced: ReplacedMarker = nothingReplaced,
): MigrationPlan<File> {
  const { once, repeatable } = splitRepeatable(files, rows);
  const plan = planOnce(once.files, once.rows, schema, replaced);
  if (!repeatable) return plan;
  const { applied, pending, ...others } = planRepeatable(repeatable, plan.unknown);
  return {
    ...plan,
    ...others,
    applied: [...plan.applied, ...applied],
    pending: [...plan.pending, ...pending],
  };
}

/** Plans the files that run once. */
function planOnce<File extends SquashableFile>(
  files: readonly File[],
  rows: readonly HistoryRow[],
  schema: string,
  replaced: ReplacedMarker,
): MigrationPlan<File> {
  const done = pairInOrder(files, rows);
  if (done) return { ...nothingToDo, applied: done };
  const squashes = planSquashes(files, rows, replaced, schema);
  const squashing = new Set(squashes.map(({ file }) => file));
  // A new file with the text of a replaced one has not run.
  const forgotten = new Set(squashes.flatMap((squash) => squash.rows));
  const pairing = new HistoryPairing(
    files.filter((file) => !squashing.has(file)),
    rows.filter((row) => !forgotten.has(row)),
  );
  pairing.pairBy(
    ({ historyName }) => [historyName],
    ({ name }) => name,
  );
  pairing.pairBy(
    ({ when, hash }) => [`${when} ${hash}`],
    ({ createdAt, hash }) => `${createdAt} ${hash}`,
  );
  pairing.dropRepeats();
  pairing.pairBy(
    ({ when }) => [when],
    ({ createdAt }) => createdAt,
  );
  // Between the formats: the name of a folder of 1.x has no milliseconds.
  pairing.pairBy(
    ({ when }) => [wholeSecond(when)],
    ({ createdAt }) => createdAt,
  );
  pairing.pairBy(
    ({ when }) => [when],
    ({ createdAt }) => createdAt && wholeSecond(createdAt),
  );
  const known = pairing.pairs.length;
  pairing.pairBy(
    ({ hash }) => [hash],
    ({ hash }) => hash,
  );
  pairing.pairBy(
    (file) => listHashes(file, schema),
    ({ hash }) => hash,
  );
  const isApplied = new Set(pairing.pairs.map(({ file }) => file));
  const isPending = new Set([...pairing.files, ...squashing]);
  const lastApplied = files.findLastIndex((file) => isApplied.has(file));
  return {
    pending: files.filter((file) => isPending.has(file)),
    squashes,
    outOfOrder: files
      .slice(0, lastApplied + 1)
      .filter((file) => !isApplied.has(file) && !squashing.has(file)),
    applied: pairing.pairs,
    edited: pairing.pairs
      .filter(({ file, row }) => isEdited(file, row.hash, schema))
      .map(({ file }) => file),
    moved: pairing.pairs
      .slice(known)
      .filter(({ row: { name, createdAt } }) => name !== null || createdAt !== null),
    unknown: pairing.rows,
    repeats: [],
    held: [],
  };
}

const nothingToDo = {
  pending: [],
  squashes: [],
  outOfOrder: [],
  edited: [],
  moved: [],
  unknown: [],
  repeats: [],
  held: [],
} as const;

/**
 * Pairs each file with the row in its place. That is how a history looks at nearly every boot, and so it costs no table of keys.
 *
 * @returns undefined when any row is another one, or says less or more of its file than the others do of theirs.
 */
function pairInOrder<File extends SquashableFile>(
  files: readonly File[],
  rows: readonly HistoryRow[],
): readonly Pair<File>[] | undefined {
  if (files.length !== rows.length) return undefined;
  const isNamed = rows[0]?.name != null;
  const pairs: Pair<File>[] = [];
  for (const [at, row] of rows.entries()) {
    const file = files[at];
    const name = isNamed ? file?.historyName : null;
    if (file?.when !== row.createdAt || file.hash !== row.hash || row.name !== name)
      return undefined;
    pairs.push({ file, row });
  }
  return pairs;
}

type Key = string | number;

/** Pairs files with rows one to one, by one likeness after the other; each takes only what the ones before have left. */
class HistoryPairing<File> {
  readonly pairs: Pair<File>[] = [];
  #files: readonly File[];
  #rows: readonly HistoryRow[];

  constructor(files: readonly File[], rows: readonly HistoryRow[]) {
    this.#files = files;
    this.#rows = rows;
  }

  /** The files that have no row, in their order. */
  get files(): readonly File[] {
    return this.#files;
  }
  /** The rows that have no file. */
  get rows(): readonly HistoryRow[] {
    return this.#rows;
  }

  /** Pairs each file with the first row that has one of its keys; a row whose key is null has none. */
  pairBy(readKeys: (file: File) => Iterable<Key>, readKey: (row: HistoryRow) => Key | null): void {
    // Nothing to pair, and keys may be dear.
    if (this.#rows.length === 0) return;
    const waiting = new Map<Key, HistoryRow[]>();
    for (const row of this.#rows) {
      const key = readKey(row);
      if (key !== null) waiting.set(key, [...(waiting.get(key) ?? []), row]);
    }
    const taken = new Set<HistoryRow>();
    this.#files = this.#files.filter((file) => {
      const row = takeFirst(waiting, readKeys(file));
      if (!row) return true;
      taken.add(row);
      this.pairs.push({ file, row });
      return false;
    });
    this.#rows = this.#rows.filter((row) => !taken.has(row));
  }

  /** Drops rows that were written once more for the same run: by processes without a lock, or by two versions of Drizzle. */
  dropRepeats(): void {
    const seen = new Set(this.pairs.flatMap(({ row }) => listSigns(row)));
    this.#rows = this.#rows.filter((row) => {
      const [first] = listSigns(row);
      const isRepeat = first !== undefined && seen.has(first);
      for (const sign of listSigns(row)) seen.add(sign);
      return !isRepeat;
    });
  }
}

function takeFirst(
  waiting: ReadonlyMap<Key, HistoryRow[]>,
  keys: Iterable<Key>,
): HistoryRow | undefined {
  for (const key of keys) {
    const row = waiting.get(key)?.shift();
    if (row) return row;
  }
  return undefined;
}

/** The signs of a run, the surest first. */
function listSigns({ name, createdAt, hash }: HistoryRow): readonly string[] {
  return [
    ...(name === null ? [] : [`name ${name}`]),
    ...(createdAt === null ? [] : [`time ${wholeSecond(createdAt)} ${hash}`]),
  ];
}
