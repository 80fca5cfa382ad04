import { readWindow, type ByteSource } from './byte-source.ts';
import { walkCommand } from './walk-command.ts';
import type { LongPart } from './long-text.ts';
import type { SqlEdit } from './sql-edits.ts';
import { SqlText } from './sql-text.ts';
import { nextTurn } from './time-slices.ts';

/** A piece of a long command as it is sent. */
interface SentPiece {
  readonly bytes: Buffer;
  /** Where it was in the file, in bytes; for a replacement, where the replaced text was. */
  readonly start: number;
  readonly isReplacement: boolean;
}

/** The bytes of a long command that are read in one go. */
const pieceBytes = 256 * 1024;

/** A command of any length, with its edits, as it is sent. */
export class SentCommand {
  readonly #source: ByteSource;
  readonly #start: number;
  readonly #end: number;
  readonly #edits: readonly SqlEdit[];

  private constructor(source: ByteSource, { start, end }: LongPart, edits: readonly SqlEdit[]) {
    this.#source = source;
    this.#start = start + (hasByteOrderMark(source, start) ? 3 : 0);
    this.#end = end;
    this.#edits = edits;
  }

  /** @param findEdits Finds the edits of a part of it. Their places count from the beginning of that part. */
  static async read(
    source: ByteSource,
    part: LongPart,
    findEdits: (sql: SqlText) => readonly SqlEdit[],
  ): Promise<SentCommand> {
    const edits: SqlEdit[] = [];
    await walkCommand(source, part.start, part.place, {
      onSql: (text, _, from) => {
        let [index, byte] = [0, from];
        const toByte = (to: number): number => {
          byte += Buffer.byteLength(text.slice(index, to));
          index = to;
          return byte;
        };
        const found = findEdits(new SqlText(text)).toSorted(
          (one, other) => one.start - other.start,
        );
        for (const { start, end, replacement } of found) {
          edits.push({ start: toByte(start), end: toByte(end), replacement });
        }
      },
      onMark: () => undefined,
    });
    return new SentCommand(source, part, edits);
  }

  /** The bytes that are sent. */
  get size(): number {
    const change = this.#edits.reduce(
      (sum, { start, end, replacement }) => sum + Buffer.byteLength(replacement) - (end - start),
      0,
    );
    return this.#end - this.#start + change;
  }

  /** The first characters of it. */
  get beginning(): string {
    return readWindow(this.#source, this.#start, Math.min(pieceBytes, this.#end - this.#start))
      .text;
  }

  /**
   * Reads it piece by piece, in whole characters, and gives everything else in this process a turn in between. Each list has
   * neighbours.
   */
  async *pieces(): AsyncGenerator<readonly SentPiece[], void> {
    const source: ByteSource = {
      size: this.#end,
      read: (start, end) => this.#source.read(start, end),
    };
    let next = 0;
    for (let start = this.#start; start < this.#end;) {
      await nextTurn();
      const first = next;
      const window = readWindow(source, start, pieceBytes);
      while ((this.#edits[next]?.start ?? Infinity) < window.end) next += 1;
      const edits = this.#edits.slice(first, next);
      const end = Math.max(window.end, edits.at(-1)?.end ?? 0);
      yield cutPieces(source.read(start, end), start, edits);
      start = end;
    }
  }
}

/**
 * Cuts bytes at their edits.
 *
 * @param start Where the bytes begin in the file.
 */
function cutPieces(bytes: Buffer, start: number, edits: readonly SqlEdit[]): readonly SentPiece[] {
  let at = 0;
  const pieces = edits.flatMap((edit): readonly SentPiece[] => {
    const before = { bytes: bytes.subarray(at, edit.start - start), start: start + at };
    at = edit.end - start;
    const replaced = { bytes: Buffer.from(edit.replacement), start: edit.start };
    return [
      { ...before, isReplacement: false },
      { ...replaced, isReplacement: true },
    ];
  });
  return [...pieces, { bytes: bytes.subarray(at), start: start + at, isReplacement: false }];
}

function hasByteOrderMark(source: ByteSource, start: number): boolean {
  return start === 0 && source.read(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]));
}
