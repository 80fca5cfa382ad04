import { readWindow, type ByteSource } from './byte-source.ts';
import { readKeywords } from './command-keywords.ts';
import { walkCommand } from './walk-command.ts';
import { Outline } from './outline.ts';
import { SqlText } from './sql-text.ts';
import { advance, textStart, type TextPosition } from './text-position.ts';
import { nextTurn } from './time-slices.ts';

/** A stretch of a long text that is sent by itself: whole commands of about 128 kB, or one command of any length. */
export interface LongPart {
  /** In bytes. */
  readonly start: number;
  readonly end: number;
  /** Where it begins. */
  readonly place: TextPosition;
  /** The place of its first SQL. */
  readonly codePlace: TextPosition;
  /** The keywords that its first command begins with. */
  readonly command: string;
  /** Whether it is one command that is not read as one string. */
  readonly isLong: boolean;
  readonly isLeftOpen: boolean;
}

/** The bytes of a part. The second size is tried when no command ends in the first; after that, the command is a long one. */
const partBytes = [128 * 1024, 2 * 1024 * 1024];

type OpenText = <Result>(use: (source: ByteSource) => Promise<Result>) => Promise<Result>;

/**
 * The SQL of a text that is too long for one string. It is read in slices, and never in memory as a whole: its `text` is an
 * outline, which has each form of a command once, so that every question about SQL is asked as always.
 */
export class LongSql extends SqlText {
  /** Opens the text for as long as it is used. */
  readonly open: OpenText;
  /** Opens the whole file, of which this may be a part. */
  readonly openFile: OpenText;
  /** By schema, the hashes of its other forms that a history may have: see `hashLongForms()`. */
  readonly knownHashes = new Map<string, readonly string[]>();
  #read: Promise<void> | undefined;
  #outline: Outline | undefined;
  #parts: readonly LongPart[] = [];

  constructor(open: OpenText, openFile = open) {
    super('');
    this.open = open;
    this.openFile = openFile;
  }

  /** The parts to send, in their order. */
  get parts(): readonly LongPart[] {
    return this.#parts;
  }

  override get isRead(): boolean {
    return this.#outline !== undefined;
  }

  override get commandCount(): number {
    return this.#outline?.commandCount ?? 0;
  }

  override positionAt(index: number): TextPosition {
    return this.#outline?.positionAt(index) ?? super.positionAt(index);
  }

  override async readInSlices(): Promise<void> {
    await (this.#read ??= this.open((source) => this.#readAll(source)));
    await super.readInSlices();
  }

  async #readAll(source: ByteSource): Promise<void> {
    const outline = new Outline();
    const parts: LongPart[] = [];
    let place = textStart;
    for (let start = 0; start < source.size;) {
      await nextTurn();
      const short = readShortPart(source, start);
      if (short) {
        outline.addCommands(short.sql, place, short.length);
        const part = describePart(short, place, start);
        if (part) parts.push(part);
        place = advance(place, short.sql.text.slice(0, short.length));
        start = short.end;
      } else {
        const found = await readLongPart(source, start, place, outline);
        if (found.part) parts.push(found.part);
        ({ place, next: start } = found);
      }
    }
    this.text = outline.text;
    this.#outline = outline;
    this.#parts = parts;
  }
}

/** Commands that were read as one string. */
interface ShortPart {
  readonly sql: SqlText;
  /** The characters of the text that are whole commands. */
  readonly length: number;
  /** Their end in the source, in bytes. */
  readonly end: number;
  readonly isLeftOpen: boolean;
}

/** Reads commands that fit into one string; undefined when the first one does not. */
function readShortPart(source: ByteSource, start: number): ShortPart | undefined {
  for (const bytes of partBytes) {
    const { text, end, isLast } = readWindow(source, start, bytes);
    const sql = new SqlText(text);
    if (isLast) return { sql, length: text.length, end, isLeftOpen: sql.isLeftOpen };
    const length = findEnd(sql, bytes);
    if (length === 0) continue;
    const whole = Buffer.byteLength(text.slice(0, length));
    return { sql, length, end: start + whole, isLeftOpen: false };
  }
  return undefined;
}

/**
 * Finds the end of the whole commands; 0 when there is none. The text alone does not show where a body of SQL ends, so such a
 * command stays in one part with the SQL behind it.
 */
function findEnd({ commands, lastEnd }: SqlText, bytes: number): number {
  const last = commands.findLast(({ hasAtomicBody, start }) => hasAtomicBody && start < lastEnd);
  if (!last) return lastEnd;
  if (last !== commands[0]) return last.start;
  return bytes === partBytes.at(-1) ? lastEnd : 0;
}

function describePart(
  { sql, length, end, isLeftOpen }: ShortPart,
  place: TextPosition,
  start: number,
): LongPart | undefined {
  const [first] = sql.statements;
  if (!first || first.codeOffset >= length) return undefined;
  return {
    start,
    end,
    place,
    codePlace: advance(place, sql.text.slice(0, first.codeOffset)),
    command: readKeywords(first.commands[0]),
    isLong: false,
    isLeftOpen,
  };
}

async function readLongPart(
  source: ByteSource,
  start: number,
  place: TextPosition,
  outline: Outline,
): Promise<{ readonly part?: LongPart; readonly place: TextPosition; readonly next: number }> {
  let first: { readonly command: string; readonly codePlace: TextPosition } | undefined;
  const walked = await walkCommand(source, start, place, {
    onSql: (text, code, _, at) => {
      const blanks = code.length - code.trimStart().length;
      if (blanks < code.length) {
        first ??= {
          command: readKeywords({ code: code.slice(blanks) }),
          codePlace: advance(at, text.slice(0, blanks)),
        };
      }
      outline.addStretches(text, code, at);
    },
    onMark: (mark) => outline.addMark(mark),
  });
  const { end, next, place: nextPlace, isLeftOpen, hasCode } = walked;
  if (hasCode) outline.endCommand();
  if (next > end) outline.endStatement();
  if (!hasCode) return { place: nextPlace, next };
  const { command = '', codePlace = place } = first ?? {};
  const part = { start, end, place, codePlace, command, isLong: true, isLeftOpen };
  return { part, place: nextPlace, next };
}
