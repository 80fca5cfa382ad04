import type { ByteSource } from '../../sql/byte-source.ts';
import { LongSql } from '../../sql/long-text.ts';
import { nextTurn } from '../../sql/time-slices.ts';
import type { Refuse } from '../refusal.ts';
import type { FileFormat, FileSettings } from './file-format.ts';
import { noTransactionLine, UpReader, type UpPart, type UpRange } from './up-part.ts';

/**
 * The way up of a file that is too long for one string. Its marks are looked for when it is read for the first time, which is
 * when it is pending.
 *
 * @param refuse Makes the error of a file that cannot run.
 */
export function readLongUpPart(
  file: LongSql,
  format: FileFormat,
  settings: FileSettings,
  refuse: (refusal: NonNullable<UpPart['refusal']>) => ReturnType<Refuse>,
): LongSql {
  let known: UpPart | undefined;
  return new LongSql(
    (use) =>
      file.open(async (source) => {
        known ??= await findUpPart(source, format, settings);
        if (known.refusal) throw refuse(known.refusal);
        return use(blankOut(source, known));
      }),
    file.open,
  );
}

/** The bytes that are looked through before everything else in this process may have a turn. */
const pieceBytes = 1024 * 1024;

/** The bytes of a line that are looked at as one text. */
const longestLine = 64 * 1024;

/** Marks are in ASCII, so the bytes are read one by one as characters, and places are those of bytes. */
async function findUpPart(
  source: ByteSource,
  format: FileFormat,
  settings: FileSettings,
): Promise<UpPart> {
  const reader = new UpReader(format, settings);
  let isBegin = true;
  for (let start = 0; start < source.size;) {
    const text = source.read(start, Math.min(start + pieceBytes, source.size)).toString('latin1');
    const isLast = start + text.length >= source.size;
    let at = 0;
    while (at < text.length) {
      const lineEnd = text.indexOf('\n', at) + 1;
      // The rest of a line comes with the next piece.
      if (lineEnd === 0 && !isLast && text.length - at < longestLine) break;
      const end = Math.min(lineEnd || text.length, at + longestLine);
      // A placeholder may begin with the last character of the piece before.
      const from = isBegin ? at : Math.max(0, at - 1);
      reader.add(text.slice(from, end), start + at, start + end, isBegin);
      isBegin = end === lineEnd;
      at = end;
    }
    start += at;
    await nextTurn();
  }
  return reader.end();
}

/** The same source with blanks for the bytes that are not run. */
function blankOut(source: ByteSource, { ranges, noTransaction }: UpPart): ByteSource {
  const more = Buffer.from(noTransaction ? noTransactionLine : '');
  return {
    size: source.size + more.length,
    read(start, end) {
      const own = Math.min(end, source.size);
      const bytes = start < own ? Buffer.from(source.read(start, own)) : Buffer.alloc(0);
      blankBetween(bytes, start, ranges);
      const added = more.subarray(Math.max(0, start - source.size), Math.max(0, end - source.size));
      return Buffer.concat([bytes, added]);
    },
  };
}

function blankBetween(bytes: Buffer, offset: number, ranges: readonly UpRange[]): void {
  let at = 0;
  const blankUntil = (end: number): void => {
    for (; at < Math.min(end, bytes.length); at += 1) {
      if (bytes[at] !== 0x0a && bytes[at] !== 0x0d) bytes[at] = 0x20;
    }
  };
  for (const { start, end } of ranges) {
    if (end <= offset) continue;
    blankUntil(start - offset);
    at = Math.max(at, Math.min(end - offset, bytes.length));
  }
  blankUntil(bytes.length);
}
