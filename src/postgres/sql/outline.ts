import { createHash } from 'node:crypto';
import { breakpointMark } from './sql-lexer.ts';
import type { SqlCommand, SqlText } from './sql-text.ts';
import { advance, textStart, type TextPosition } from './text-position.ts';

/**
 * The outline of a long text: each form of a command once, where it stands first, and each form of a comment. Two commands
 * have one form when they differ in literals and numbers only, so that every question about SQL has the same answer for both.
 * The outline of a file of data has a few lines.
 */
export class Outline {
  /** The number of commands that were added. */
  commandCount = 0;
  #text = '';
  readonly #kept: (TextPosition & { readonly index: number })[] = [];
  readonly #forms = new Set<string>();
  /** The forms of the parts of the long command that is being added. */
  #stretches = new Set<string>();
  #isBehindComment = false;
  #separator = breakpoint;
  /** The length of the text behind the last command or comment. */
  #endOfLast = 0;

  get text(): string {
    return this.#text;
  }

  /** Finds the place in the long text of a character of the outline. */
  positionAt(index: number): TextPosition {
    const last = this.#kept.findLast((each) => each.index <= index);
    const { index: from, ...place } = last ?? { index: 0, ...textStart };
    return advance(place, this.#text.slice(from, index));
  }

  /**
   * Adds a stretch of whole commands.
   *
   * @param length The characters of the text that these are.
   */
  addCommands(sql: SqlText, place: TextPosition, length: number): void {
    let [at, known] = [0, place];
    const placeOf = (index: number): TextPosition => {
      known = advance(known, sql.text.slice(at, index));
      at = index;
      return known;
    };
    const comments = sql.comments
      .map(({ start, end }) => ({ start, comment: sql.text.slice(start, end) }))
      .filter(
        ({ start, comment }) => directive.test(comment) || beginsLine(sql.text, start, place),
      );
    const each =
      comments.length === 0
        ? sql.commands
        : [...sql.commands, ...comments].toSorted((one, other) => one.start - other.start);
    let end = 0;
    for (const found of each) {
      if (found.start >= length) break;
      // A comment inside a command comes with the command.
      if (found.start < end) continue;
      if ('comment' in found) {
        this.#addComment(found.comment, () => placeOf(found.start));
      } else {
        this.#addGap(sql.text.slice(end, found.start));
        this.#addCommand(sql, found, () => placeOf(found.start));
        end = found.start + found.code.length;
      }
    }
    this.#addGap(sql.text.slice(end, length));
  }

  /** Adds the text between two commands. A breakpoint in it ends the statement. */
  #addGap(text: string): void {
    if (this.#separator !== breakpoint && text.includes(breakpointMark)) this.endStatement();
  }

  /** Ends the statement that is sent by itself: a body of SQL reaches no further. */
  endStatement(): void {
    if (this.#separator === breakpoint) return;
    this.#separator = breakpoint;
    this.#text += breakpoint;
    this.#endOfLast = this.#text.length;
  }

  #addComment(comment: string, findPlace: () => TextPosition): void {
    const form = comment.replaceAll(numbers, '0');
    if (comment.length > longestComment || !this.#isNew(form, this.#forms)) return;
    this.#keep(comment, findPlace());
    this.#text += '\n';
    this.#endOfLast = this.#text.length;
    // It may be the mark of a way down, which counts only with SQL behind it.
    this.#isBehindComment = true;
  }

  #addCommand(sql: SqlText, command: SqlCommand, findPlace: () => TextPosition): void {
    const { code, start } = command;
    const text = sql.text.slice(start, start + code.length);
    const isWhole = command.hasAtomicBody || (command.bodies.length > 0 && !isData(code, text));
    // The end of its body is not sure, so it stays in one statement with the SQL behind it.
    if (command.hasAtomicBody) this.#separator = '\n;\n';
    // Two are enough to say that there is more than one.
    const isWanted = this.commandCount < 2 || this.#isBehindComment;
    if (code.length > longestForm && !isWhole) this.addStretches(text, code, findPlace());
    else if (this.#isNew(isWhole ? text : readForm(text, code), this.#forms) || isWanted) {
      this.#keep(text, findPlace());
    }
    this.endCommand();
  }

  /** Ends a command, whether or not any of it was added. */
  endCommand(): void {
    this.commandCount += 1;
    if (this.#stretches.size > 0) this.#stretches = new Set();
    if (this.#text.length === this.#endOfLast) return;
    this.#isBehindComment = false;
    this.#text += this.#separator;
    this.#endOfLast = this.#text.length;
  }

  /**
   * Adds a part of a long command: its rows, or the commands of its body. Each form of them is kept once for each command: the
   * beginning of a command gives the rest its meaning.
   *
   * @param code The same without literals and comments, each character in its place; a body is a row of `$`.
   */
  addStretches(text: string, code: string, place: TextPosition): void {
    let [start, known, from] = [0, place, 0];
    const add = (end: number): void => {
      const stretch = text.slice(start, end);
      if (this.#isNew(readForm(stretch, code.slice(start, end)), this.#stretches)) {
        known = advance(known, text.slice(from, start));
        from = start;
        this.#keep(stretch, known);
      }
      start = end;
    };
    for (const { 0: found, index } of code.matchAll(endOfStretch)) add(index + found.length);
    if (start < text.length) add(text.length);
  }

  /** Adds a mark in place of a literal or a comment, or the tag of a body, so that the SQL behind it is read right. */
  addMark(mark: string): void {
    this.#text += mark;
  }

  #keep(text: string, place: TextPosition): void {
    this.#kept.push({ index: this.#text.length, line: place.line, column: place.column });
    this.#text += text;
  }

  #isNew(form: string, known: Set<string>): boolean {
    const key = form.length <= longestKey ? form : createHash('sha1').update(form).digest('base64');
    if (known.has(key)) return false;
    // Beyond this number every form is kept: no answer is lost, and only the outline grows.
    if (known.size < mostForms) known.add(key);
    return true;
  }
}

const breakpoint = `\n${breakpointMark}\n`;
const longestComment = 4 * 1024;
const longestForm = 64 * 1024;
const longestKey = 256;
const mostForms = 100_000;

/** Between the rows of VALUES, and between the commands of a body. */
const endOfStretch = /\)\s*,|;/g;

/** Commands whose literals matter too: a path, a version, a schema, or the code of a body. */
const asksForLiterals = /set_config|search_path|version|schema|\$/i;
const numbers = /\b\d[\d.]*\b/g;
const literals = /'+/g;
const blanks = /\s+/g;
/** Quoted names, which stay as they are, and the values that differ from row to row. */
const constants =
  /"(?:[^"]|"")*"|(?<![\w$.\u0080-\uffff])(?:[-+]?\d[\w.]*|null|true|false)(?![\w$\u0080-\uffff])/gi;
const directive = /^--\s*slipway:/i;
/** Comments inside a command that may be a request or a mark. */
const marks = /--.*(?:slipway:|down|undo|revert|drop below).*/gi;

function readForm(text: string, code: string): string {
  if (asksForLiterals.test(code)) return text;
  const form = code
    .replaceAll(literals, "'")
    .replaceAll(blanks, ' ')
    .replaceAll(constants, (found) => (found.startsWith('"') ? found : '0'));
  return text.includes('--') ? [form, ...(text.match(marks) ?? [])].join('\n') : form;
}

const changesData = /^(?:insert|update|delete|merge|values)\b/i;
const asksForBodies = /public|drizzle|search_path|schema|set_config|advisory|terminate|extension/i;

/** Whether its dollar quotes are nothing but data. */
function isData(code: string, text: string): boolean {
  return changesData.test(code) && !asksForBodies.test(text);
}

/**
 * Whether a comment is the first thing on its line.
 *
 * @param place Where the text begins.
 */
function beginsLine(text: string, start: number, place: TextPosition): boolean {
  const before = text.slice(Math.max(0, start - 200), start);
  const lineStart = Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1;
  // A part may begin in the middle of a line, behind a semicolon.
  const isPartial = lineStart === 0 && start <= 200 && place.column > 1;
  return !isPartial && before.slice(lineStart).trim() === '';
}
