import type { HistoryRow } from './migration-history.ts';

type Key = string | number;

/** A file, and the row that says it is applied. */
export interface Pair<File> {
  readonly file: File;
  readonly row: HistoryRow;
}

/** Pairs files with rows one to one, by one likeness after the other; each takes only what the ones before have left. */
export class HistoryPairing<File> {
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
  pairBy(keysOf: (file: File) => Iterable<Key>, keyOf: (row: HistoryRow) => Key | null): void {
    // Nothing to pair, and keys may be dear.
    if (this.#rows.length === 0) return;
    const waiting = new Map<Key, HistoryRow[]>();
    for (const row of this.#rows) {
      const key = keyOf(row);
      if (key !== null) waiting.set(key, [...(waiting.get(key) ?? []), row]);
    }
    const taken = new Set<HistoryRow>();
    this.#files = this.#files.filter((file) => {
      const row = takeFirst(waiting, keysOf(file));
      if (!row) return true;
      taken.add(row);
      this.pairs.push({ file, row });
      return false;
    });
    this.#rows = this.#rows.filter((row) => !taken.has(row));
  }

  /** Drops rows that were written once more for the same run: by processes without a lock, or by two versions of Drizzle. */
  dropRepeats(): void {
    const seen = new Set(this.pairs.flatMap(({ row }) => signsOf(row)));
    this.#rows = this.#rows.filter((row) => {
      const [first] = signsOf(row);
      const isRepeat = first !== undefined && seen.has(first);
      for (const sign of signsOf(row)) seen.add(sign);
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

/** The signs of a run, the surest first. Drizzle 1.x keeps whole seconds where 0.x kept milliseconds. */
function signsOf({ name, createdAt, hash }: HistoryRow): readonly string[] {
  return [
    ...(name === null ? [] : [`name ${name}`]),
    ...(createdAt === null ? [] : [`time ${wholeSecond(createdAt)} ${hash}`]),
  ];
}

/** A time without its milliseconds. */
export function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
