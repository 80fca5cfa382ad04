import { readWindow, type ByteSource, type TextWindow } from './byte-source.ts';
import { findTokenEnd, findBodyEnd } from './long-token.ts';
import { lexSql, tagAt, type SqlToken } from './sql-lexer.ts';
import { advance, type TextPosition } from './text-position.ts';
import { nextTurn } from './time-slices.ts';

/** Gets a command that is too long for one string, part by part. */
interface CommandVisitor {
  /**
   * Called with SQL that begins and ends between two tokens.
   *
   * @param code The same without literals and comments, each character in its place; a body is a row of `$`.
   * @param start Where it begins, in bytes.
   */
  readonly onSql: (text: string, code: string, start: number, place: TextPosition) => void;
  /** Called with a mark in place of a literal or a comment, and with the tag at each edge of a body. */
  readonly onMark: (mark: string) => void;
}

/** The end of a command. */
interface CommandEnd {
  /** In bytes; a breakpoint behind it is not part of it. */
  readonly end: number;
  /** Where the next command begins. */
  readonly next: number;
  /** The place of `next`. */
  readonly place: TextPosition;
  readonly isLeftOpen: boolean;
  /** Whether it has any SQL. */
  readonly hasCode: boolean;
}

/** The bytes that are read in one go. */
const windowBytes = 256 * 1024;

/**
 * Walks through one command of any length, and gives everything else in this process a turn now and then.
 *
 * @param isBody Whether it is the body of a function, in which a semicolon ends nothing.
 */
export async function walkCommand(
  source: ByteSource,
  start: number,
  startPlace: TextPosition,
  visitor: CommandVisitor,
  isBody = false,
): Promise<CommandEnd> {
  let [at, place, isOneText, hasCode] = [start, startPlace, isBody, false];
  for (;;) {
    await nextTurn();
    const window = readWindow(source, at, windowBytes);
    const read = readTokens(window, isOneText, isBody);
    if (read.cut > 0) {
      const text = window.text.slice(0, read.cut);
      visitor.onSql(text, read.code, at, place);
      hasCode ||= read.code.replace(';', '').trim() !== '';
      // The text alone does not show where a body of SQL ends.
      isOneText ||= atomic.test(read.code);
      place = advance(place, text);
      at += Buffer.byteLength(text);
    }
    if (read.next !== undefined) {
      const mark = window.text.slice(read.cut, read.next);
      const next = at + Buffer.byteLength(mark);
      return { end: at, next, place: advance(place, mark), isLeftOpen: false, hasCode };
    }
    if (at >= source.size) {
      return { end: at, next: at, place, isLeftOpen: read.isLeftOpen, hasCode };
    }
    if (read.long === undefined) continue;
    const passed = await passLongToken(source, at, place, window.text, read.long, visitor);
    ({ at, place } = passed);
    hasCode ||= read.long.kind !== 'comment';
    if (at >= source.size) return { end: at, next: at, place, isLeftOpen: passed.isOpen, hasCode };
    // A long comment in front of a command is not sent with it.
    if (!hasCode && !isBody) return { end: at, next: at, place, isLeftOpen: false, hasCode };
  }
}

interface Tokens {
  /** The end of the last whole token. */
  readonly cut: number;
  readonly code: string;
  /** Where the next command begins, when one ends in this text. */
  readonly next?: number;
  /** A token at the beginning of the text that is longer than the text. */
  readonly long?: SqlToken;
  readonly isLeftOpen: boolean;
}

/** The beginning of a body of SQL, in which semicolons end nothing. */
const atomic = /\bbegin\s+atomic\b/i;

function readTokens({ text, isLast }: TextWindow, isOneText: boolean, isBody: boolean): Tokens {
  let code = '';
  // The same without quoted names, which may have anything in them.
  let shape = '';
  let isLeftOpen = false;
  let isOne = isOneText;
  for (const token of lexSql(text)) {
    const { kind, start, end } = token;
    isLeftOpen = token.isOpen === true;
    if (kind === 'breakpoint' && !isBody) return { cut: start, code, next: end, isLeftOpen };
    const isWhole = isLast || end < text.length;
    if (kind !== 'code') {
      if (!isWhole && start === 0) return { cut: 0, code: '', long: token, isLeftOpen };
      if (!isWhole) return cutBack(code, shape);
      const signs = chooseSign(kind).repeat(end - start);
      shape += signs;
      code += kind === 'identifier' ? text.slice(start, end) : signs;
      continue;
    }
    const plain = text.slice(start, end);
    const semicolon = isOne ? -1 : plain.indexOf(';');
    isOne ||= semicolon >= 0 && atomic.test(shape + plain.slice(0, semicolon));
    if (semicolon >= 0 && !isOne) {
      const cut = start + semicolon + 1;
      return { cut, code: code + text.slice(start, cut), next: cut, isLeftOpen };
    }
    code += plain;
    shape += plain;
    if (!isWhole) return cutBack(code, shape);
  }
  return { cut: text.length, code, isLeftOpen };
}

function chooseSign(kind: SqlToken['kind']): string {
  if (kind === 'identifier') return '"';
  if (kind === 'dollar') return '$';
  return kind === 'string' ? "'" : ' ';
}

/**
 * Cuts behind the last row, or the last command of a body, so that the next part begins with a whole one. Without one, cuts
 * where no name is cut in two, such as `a . "b"`.
 */
function cutBack(code: string, shape: string): Tokens {
  const row = Math.max(measure(/^[\s\S]*\)\s*,/, shape), shape.lastIndexOf(';') + 1);
  const cut = row || measure(/^[\s\S]*[,()]/, shape) || findWordStart(shape) || code.length;
  return { cut, code: code.slice(0, cut), isLeftOpen: false };
}

/** Measures the beginning that matches; 0 when nothing does. */
function measure(pattern: RegExp, shape: string): number {
  return pattern.exec(shape)?.[0].length ?? 0;
}

/** Finds the start of the last word that is not inside a longer name; 0 without one. */
function findWordStart(shape: string): number {
  return measure(/^[\s\S]*[^\s.]\s+(?=[^\s.])/, shape);
}

const marks: Partial<Record<SqlToken['kind'], string>> = { string: `''`, identifier: '"…"' };

/** Passes a token that is longer than one window. A body is walked through, like a command. */
async function passLongToken(
  source: ByteSource,
  at: number,
  place: TextPosition,
  text: string,
  token: SqlToken,
  visitor: CommandVisitor,
): Promise<{ readonly at: number; readonly place: TextPosition; readonly isOpen: boolean }> {
  const tag = token.kind === 'dollar' ? tagAt(text, 0) : undefined;
  if (tag === undefined) {
    const { end, ...rest } = await findTokenEnd(source, at, place, text, token.kind);
    visitor.onMark(marks[token.kind] ?? ' ');
    return { at: end, ...rest };
  }
  const begin = at + Buffer.byteLength(tag);
  const { end, isOpen } = await findBodyEnd(source, begin, tag);
  visitor.onMark(tag);
  const body = { size: end, read: (from: number, until: number) => source.read(from, until) };
  const inside = advance(place, tag);
  const behind = begin < end ? await walkCommand(body, begin, inside, visitor, true) : undefined;
  visitor.onMark(isOpen ? '' : tag);
  const next = isOpen ? end : end + Buffer.byteLength(tag);
  return { at: next, place: advance(behind?.place ?? inside, isOpen ? '' : tag), isOpen };
}
