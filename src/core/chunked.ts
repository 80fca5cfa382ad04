/**
 * An immutable list. A change copies one small chunk and the list of chunks, not every item, so that the cost of a boot
 * stays linear with a thousand plugins.
 */
export type Chunked<T> = readonly (readonly T[])[];

const chunkSize = 32;

export function toChunked<T>(items: readonly T[]): Chunked<T> {
  const chunks: (readonly T[])[] = [];
  for (let start = 0; start < items.length; start += chunkSize) {
    chunks.push(items.slice(start, start + chunkSize));
  }
  return chunks;
}

/** The next version of a list in the making. It copies a chunk when an item of it first changes. */
export class ChunkedDraft<T> {
  readonly #before: Chunked<T>;
  #after: Chunked<T>;

  constructor(list: Chunked<T>) {
    this.#before = list;
    this.#after = list;
  }

  get(index: number): T | undefined {
    return this.#after[Math.floor(index / chunkSize)]?.[index % chunkSize];
  }

  set(index: number, item: T): void {
    if (this.#after === this.#before) this.#after = [...this.#before];
    const chunks = this.#after as T[][];
    const place = Math.floor(index / chunkSize);
    const chunk = chunks[place] ?? [];
    const own = chunk === this.#before[place] ? [...chunk] : chunk;
    own[index % chunkSize] = item;
    chunks[place] = own;
  }

  /** The list with the changes so far. Call it once, at the end. */
  finish(): Chunked<T> {
    return this.#after;
  }
}
