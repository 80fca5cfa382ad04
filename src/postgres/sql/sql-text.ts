import { lexSql, type SqlToken } from './sql-lexer.ts';
import { positionAt, type TextPosition } from './text-position.ts';
import { nextTurn } from './time-slices.ts';

/**
 * A text of SQL with what it says: its statements, their commands, and its comments. The text is cut into tokens once, when
 * the first question is asked; a file that is applied already is never read.
 *
 * @example new SqlText(`drop table "A"; -- gone\nselect 'x; y'`).commands.map(({ code }) => code) // ['drop table "A"', `select ''''''`]
 */
export class SqlText {
  #text: string;
  #reading: Reading | undefined;
  #commands: readonly SqlCommand[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text; of a long file that `readInSlices()` has read, its outline. */
  get text(): string {
    return this.#text;
  }

  protected set text(text: string) {
    this.#text = text;
    this.#reading = undefined;
    this.#commands = undefined;
  }

  /** The text as it was written, by which its history row knows it. */
  get original(): string {
    return this.#text;
  }

  /** Whether questions can be asked: a long file has to be read by `readInSlices()` before. */
  get isRead(): boolean {
    return true;
  }

  /** Finds the line and the column, in its file, of the character at `index` of the text. */
  positionAt(index: number): TextPosition {
    return positionAt(this.#text, index);
  }

  get commandCount(): number {
    return this.commands.length;
  }

  /** The pieces between Drizzle's breakpoints. Pieces without any SQL are left out. */
  get statements(): readonly Statement[] {
    return this.#read().statements;
  }

  /** The commands of all statements. */
  get commands(): readonly SqlCommand[] {
    return (this.#commands ??= this.statements.flatMap((statement) => statement.commands));
  }

  get comments(): readonly SqlToken[] {
    return this.#read().comments;
  }

  /** Whether it ends inside a literal, a quoted name or a block comment: it would swallow what is sent behind it. */
  get isLeftOpen(): boolean {
    return this.#read().isLeftOpen;
  }

  /** The end of the last semicolon or breakpoint that ends a command; 0 without one. */
  get lastEnd(): number {
    return this.#read().lastEnd;
  }

  /**
   * Reads a long text before the first question, and gives everything else in this process a turn now and then: a file of data
   * takes seconds. A short one is left to its first question.
   */
  async readInSlices(): Promise<void> {
    if (this.#text.length <= sliceLength || this.#reading) return;
    const reader = new Reader(this.#text);
    let sliceEnd = sliceLength;
    for (const token of lexSql(this.#text)) {
      reader.add(token);
      if (token.end < sliceEnd) continue;
      sliceEnd = token.end + sliceLength;
      await nextTurn();
    }
    this.#reading = reader.end();
  }

  #read(): Reading {
    return (this.#reading ??= readSql(this.#text));
  }
}

/** The characters that are read in one go: a few milliseconds. */
const sliceLength = 256 * 1024;

/** One piece of a migration file, sent to PostgreSQL as it is. */
export interface Statement {
  readonly text: string;
  /** Where `text` begins in the file. */
  readonly offset: number;
  /** Where its first SQL is in the file, behind leading comments: the place to point at when PostgreSQL names none. */
  readonly codeOffset: number;
  readonly commands: readonly SqlCommand[];
  /** Whether it ends inside a literal, a quoted name or a block comment. */
  readonly isLeftOpen: boolean;
}

/** A command, without the semicolon that ends it. */
export interface SqlCommand {
  /**
   * The command with each character in its place, in which only SQL looks like SQL: comments are blanks, literals and dollar
   * quotes are rows of quotes. Quoted names stay.
   */
  readonly code: string;
  /** Where `code` begins in the text. */
  readonly start: number;
  /** Its dollar quotes: the bodies of functions and DO blocks, which are code as well. */
  readonly bodies: readonly SqlBody[];
  /** Whether it has a body of SQL: `CREATE FUNCTION … BEGIN ATOMIC … END`. */
  readonly hasAtomicBody: boolean;
}

interface SqlBody {
  readonly sql: SqlText;
  /** Where the body begins in the text. */
  readonly start: number;
}

/** A command, or a command in a body. */
interface NestedCommand {
  readonly command: SqlCommand;
  /** Where the command begins in the whole text. */
  readonly start: number;
  readonly isInBody: boolean;
}

/** Walks through the commands of a text and of the bodies in it. */
export function* nestedCommands(
  sql: SqlText,
  offset = 0,
  isInBody = false,
): Generator<NestedCommand, void> {
  for (const command of sql.commands) {
    yield { command, start: offset + command.start, isInBody };
    for (const body of command.bodies) yield* nestedCommands(body.sql, offset + body.start, true);
  }
}

interface Reading {
  readonly statements: readonly Statement[];
  readonly comments: readonly SqlToken[];
  readonly isLeftOpen: boolean;
  readonly lastEnd: number;
}

function readSql(text: string): Reading {
  const reader = new Reader(text);
  for (const token of lexSql(text)) reader.add(token);
  return reader.end();
}

/**
 * Splits at Drizzle's `--> statement-breakpoint`, except inside literals, quoted names, dollar quotes and comments (Drizzle
 * itself splits there as well, and breaks them).
 */
class Reader {
  readonly #text: string;
  readonly #statements: Statement[] = [];
  readonly #comments: SqlToken[] = [];
  readonly #mayBeAtomic: boolean;
  #piece: Piece;
  #isLeftOpen = false;
  #lastEnd = 0;

  constructor(text: string) {
    this.#text = text;
    this.#mayBeAtomic = /\batomic\b/i.test(text);
    this.#piece = new Piece(text, 0, this.#mayBeAtomic);
  }

  add(token: SqlToken): void {
    this.#isLeftOpen = token.isOpen === true;
    if (token.kind === 'breakpoint') {
      this.#statements.push(...this.#piece.end(token.start));
      this.#lastEnd = token.end;
      this.#piece = new Piece(this.#text, token.end, this.#mayBeAtomic);
    } else {
      if (token.kind === 'comment') this.#comments.push(token);
      this.#piece.add(token);
    }
  }

  end(): Reading {
    const lastEnd = Math.max(this.#lastEnd, this.#piece.lastEnd);
    this.#statements.push(...this.#piece.end(this.#text.length));
    return {
      statements: this.#statements,
      comments: this.#comments,
      isLeftOpen: this.#isLeftOpen,
      lastEnd,
    };
  }
}

/** The text between two breakpoints, while it is read. */
class Piece {
  readonly #text: string;
  readonly #start: number;
  readonly #mayBeAtomic: boolean;
  readonly #commands: SqlCommand[] = [];
  /** Where the first SQL is. */
  #codeOffset: number | undefined;
  #isLeftOpen = false;

  /** The command that is being read: where it begins, its bodies, and its code up to `#copied`. */
  #commandStart: number;
  #bodies: SqlBody[] = [];
  #code = '';
  #copied: number;
  /** How deep the command is inside BEGIN ATOMIC … END, up to the code that is still to be looked at. */
  #depth = 0;
  #hasAtomicBody = false;
  #unread = '';
  /** Behind the last semicolon that has ended a command. */
  lastEnd = 0;

  /** @param mayBeAtomic Whether any command of the text may have a body of SQL. */
  constructor(text: string, start: number, mayBeAtomic: boolean) {
    this.#text = text;
    this.#start = start;
    this.#mayBeAtomic = mayBeAtomic;
    this.#commandStart = start;
    this.#copied = start;
  }

  add({ kind, start, end, isOpen }: SqlToken): void {
    this.#isLeftOpen = isOpen === true;
    if (kind === 'code') this.#findSemicolons(start, end);
    if (kind === 'code' || kind === 'identifier') return;
    this.#copy(start);
    this.#append((kind === 'comment' ? ' ' : "'").repeat(end - start));
    this.#copied = end;
    if (kind !== 'dollar') return;
    const bodyStart = this.#text.indexOf('$', start + 1) + 1;
    const body = this.#text.slice(bodyStart, isOpen ? end : end - (bodyStart - start));
    this.#bodies.push({ sql: new SqlText(body), start: bodyStart });
  }

  #findSemicolons(start: number, end: number): void {
    for (let at = start; at < end; at += 1) {
      if (this.#text.charCodeAt(at) !== semicolon) continue;
      this.#copy(at);
      this.#readDepth();
      if (this.#depth > 0) continue;
      this.#codeOffset ??= this.#commandStart + countBlanks(this.#code);
      this.#endCommand(at + 1);
      this.lastEnd = at + 1;
    }
  }

  #copy(until: number): void {
    this.#append(this.#text.slice(this.#copied, until));
    this.#copied = until;
  }

  #append(code: string): void {
    this.#code += code;
    if (this.#mayBeAtomic) this.#unread += code;
  }

  /** Looks at each part of the code once: a body may have thousands of semicolons, and none of them ends the command. */
  #readDepth(): void {
    if (!this.#mayBeAtomic) return;
    const code = this.#unread;
    this.#unread = '';
    if (this.#depth === 0 && !/\bbegin\s+atomic\b/i.test(code)) return;
    for (const [found] of code.matchAll(edgeOfBody)) {
      const word = found.toLowerCase();
      if (/^begin\s/.test(word)) this.#hasAtomicBody = true;
      if (/^begin\s/.test(word) || (this.#depth > 0 && word === 'case')) this.#depth += 1;
      else if (this.#depth > 0 && word === 'end') this.#depth -= 1;
    }
  }

  #endCommand(next: number): void {
    this.#readDepth();
    const code = this.#code.trim();
    if (code !== '') {
      const start = this.#commandStart + countBlanks(this.#code);
      const bodies = this.#bodies.length > 0 ? this.#bodies : noBodies;
      this.#commands.push({ code, start, bodies, hasAtomicBody: this.#hasAtomicBody });
      this.#codeOffset ??= start;
    }
    this.#code = '';
    this.#bodies = [];
    this.#commandStart = next;
    this.#copied = next;
    this.#depth = 0;
    this.#hasAtomicBody = false;
  }

  /** One statement, or none when there is no SQL in it. A byte order mark is dropped: PostgreSQL refuses it. */
  end(end: number): readonly Statement[] {
    this.#copy(end);
    this.#endCommand(end);
    if (this.#codeOffset === undefined) return [];
    const written = this.#text.slice(this.#start, end);
    return [
      {
        text: written.trim(),
        offset: this.#start + countBlanks(written),
        codeOffset: this.#codeOffset,
        commands: this.#commands,
        isLeftOpen: this.#isLeftOpen,
      },
    ];
  }
}

const semicolon = ';'.charCodeAt(0);
const noBodies: readonly SqlBody[] = [];

/** JavaScript counts a byte order mark as white space. */
function countBlanks(text: string): number {
  return text.length - text.trimStart().length;
}

/** Where a body of SQL begins, a word of it, or a quoted name, whose words mean nothing. */
const edgeOfBody = /"(?:[^"]|"")*"|begin\s+atomic\b|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/gi;
