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
  /** Whether nothing comes behind it. */
  readonly isLast: boolean;
}

/** Reads whole characters, of about so many bytes, and both characters of a line end or none. */
export function readWindow(source: ByteSource, start: number, length: number): TextWindow {
  const bytes = source.read(start, Math.min(start + length, source.size));
  const isLast = start + bytes.length >= source.size;
  let cut = isLast ? bytes.length : endOfCharacters(bytes);
  if (!isLast && cut > 1 && bytes[cut - 1] === 0x0d) cut -= 1;
  return { text: bytes.toString('utf8', 0, cut), end: start + cut, isLast };
}

/** Where the last whole character ends; the end of bytes that are not UTF-8. */
export function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    // Neither one of several bytes, nor the first of them.
    if (byte < 0x80) break;
    if (byte >= 0xc0) return countBytes(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** How many bytes a character has, which is in its first one. */
function countBytes(first: number): number {
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}
