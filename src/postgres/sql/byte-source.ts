/** Bytes of UTF-8 that can be read from any place: a file, which is never in memory as a whole. */
export interface ByteSource {
  readonly size: number;
  /** @throws BootError `MIGRATION_FILES_INVALID` when they cannot be read any more */
  read(start: number, end: number): Buffer;
}

/** A stretch of a text that was read as a whole. */
export interface TextWindow {
  readonly text: string;
  /** Where it ends, in bytes. */
  readonly end: number;
  /** Whether it reaches the end of the source. */
  readonly isLast: boolean;
}

/** Reads about `length` bytes: whole characters, and both characters of a line end or neither. */
export function readWindow(source: ByteSource, start: number, length: number): TextWindow {
  const bytes = source.read(start, Math.min(start + length, source.size));
  const isLast = start + bytes.length >= source.size;
  let cut = isLast ? bytes.length : countWholeBytes(bytes);
  if (!isLast && cut > 1 && bytes[cut - 1] === 0x0d) cut -= 1;
  return { text: bytes.toString('utf8', 0, cut), end: start + cut, isLast };
}

/** Counts the bytes up to the end of the last whole character. Of bytes that are not UTF-8, counts all. */
export function countWholeBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    // Neither one of several bytes, nor the first of them.
    if (byte < 0x80) break;
    if (byte >= 0xc0) return countBytes(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Reads from the first byte of a character how many bytes it has. */
function countBytes(first: number): number {
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}
