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

export function itemAt<T>(list: Chunked<T>, index: number): T | undefined {
  return list[Math.floor(index / chunkSize)]?.[index % chunkSize];
}

/** Returns the list with some items replaced. */
export function withItems<T>(list: Chunked<T>, changes: ReadonlyMap<number, T>): Chunked<T> {
  if (changes.size === 0) return list;
  const chunks = [...list];
  const copied = new Map<number, T[]>();
  for (const [index, item] of changes) {
    const place = Math.floor(index / chunkSize);
    const chunk = copied.get(place) ?? [...(list[place] ?? [])];
    chunk[index % chunkSize] = item;
    copied.set(place, chunk);
    chunks[place] = chunk;
  }
  return chunks;
}
