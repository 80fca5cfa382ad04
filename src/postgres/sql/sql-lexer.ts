export type SqlTokenKind = 'code' | 'string' | 'identifier' | 'dollar' | 'comment' | 'breakpoint';

/** A stretch of SQL text, `text.slice(start, end)`. */
export interface SqlToken {
  readonly kind: SqlTokenKind;
  readonly start: number;
  readonly end: number;
  /** Left open: a literal, a quoted name or a block comment that reaches to the end of the text. */
  readonly isOpen?: true;
}

/** The mark that drizzle-kit writes between statements; to PostgreSQL it is a comment. */
export const breakpointMark = '--> statement-breakpoint';

const code = (char: string): number => char.charCodeAt(0);
const [quote, doubleQuote, dash, slash, star, dollar, backslash] = [
  code("'"),
  code('"'),
  code('-'),
  code('/'),
  code('*'),
  code('$'),
  code('\\'),
];
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const lineEnd = /[\r\n]|$/g;
const blockEdge = /\/\*|\*\//g;

/**
 * Cuts SQL into code, literals, quoted names, dollar quotes, comments and Drizzle's breakpoints; together they are the whole
 * text. A token that is left open reaches to the end, where PostgreSQL will complain.
 *
 * Follows https://www.postgresql.org/docs/current/sql-syntax-lexical.html. A file of data may have millions of tokens, so
 * it goes from character to character, and from quote to quote.
 */
export function* lexSql(text: string): Generator<SqlToken, void> {
  let codeStart = 0;
  let start = startOfOpening(text, 0);
  while (start < text.length) {
    const token = readToken(text, start);
    if (start > codeStart) yield { kind: 'code', start: codeStart, end: start };
    yield token;
    codeStart = token.end;
    start = startOfOpening(text, codeStart);
  }
  if (text.length > codeStart) yield { kind: 'code', start: codeStart, end: text.length };
}

/**
 * Where anything begins that is not plain code. Words are taken whole, because `a$b$` is a name and no dollar quote, and the
 * `e` of `note'…'` makes no escape string.
 */
function startOfOpening(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (isNameStart(char)) {
      if (isEscape(char) && text.charCodeAt(at + 1) === quote) return at;
      while (isNamePart(text.charCodeAt(at + 1))) at += 1;
    } else if (char === quote || char === doubleQuote) return at;
    else if (char === dash && text.charCodeAt(at + 1) === dash) return at;
    else if (char === slash && text.charCodeAt(at + 1) === star) return at;
    else if (char === dollar && tagAt(text, at) !== undefined) return at;
  }
  return text.length;
}

function readToken(text: string, start: number): SqlToken {
  switch (text.charCodeAt(start)) {
    case quote:
      return toToken(text, 'string', start, endOfQuoted(text, start + 1, "'"));
    case doubleQuote:
      return toToken(text, 'identifier', start, endOfQuoted(text, start + 1, '"'));
    case dash:
      return text.startsWith(breakpointMark, start)
        ? { kind: 'breakpoint', start, end: start + breakpointMark.length }
        : { kind: 'comment', start, end: find(lineEnd, text, start + 2)?.index ?? text.length };
    case slash:
      return toToken(text, 'comment', start, endOfBlock(text, start + 2));
    case dollar: {
      const tag = tagAt(text, start) ?? '';
      const close = text.indexOf(tag, start + tag.length);
      return toToken(text, 'dollar', start, close < 0 ? undefined : close + tag.length);
    }
    default:
      return toToken(text, 'string', start, endOfEscaped(text, start + 2));
  }
}

/** @param end `undefined` when the token is left open. */
function toToken(
  text: string,
  kind: SqlTokenKind,
  start: number,
  end: number | undefined,
): SqlToken {
  return end === undefined ? { kind, start, end: text.length, isOpen: true } : { kind, start, end };
}

export function tagAt(text: string, at: number): string | undefined {
  dollarTag.lastIndex = at;
  return dollarTag.exec(text)?.[0];
}

function isEscape(char: number): boolean {
  return char === 0x65 || char === 0x45;
}

/** A letter of any alphabet, or `_`. A byte order mark is none: it stands before the text, and is not sent. */
function isNameStart(char: number): boolean {
  const lower = char | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || char === 0x5f || (char >= 0x80 && char !== 0xfeff);
}

function isNamePart(char: number): boolean {
  return isNameStart(char) || (char >= 0x30 && char <= 0x39) || char === dollar;
}

/** A doubled quote stands for itself. */
export function endOfQuoted(text: string, from: number, mark: string): number | undefined {
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 2)) {
    if (text[at + 1] !== mark) return at + 1;
  }
  return undefined;
}

/** In an escape string the character behind a backslash stands for itself, too. */
function endOfEscaped(text: string, from: number): number | undefined {
  for (let at = from; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === backslash) at += 1;
    else if (char === quote) {
      if (text.charCodeAt(at + 1) !== quote) return at + 1;
      at += 1;
    }
  }
  return undefined;
}

/** Block comments nest, unlike those of C. */
function endOfBlock(text: string, from: number): number | undefined {
  let depth = 1;
  let at = from;
  for (let edge = find(blockEdge, text, at); edge; edge = find(blockEdge, text, at)) {
    at = edge.index + 2;
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return at;
  }
  return undefined;
}

function find(pattern: RegExp, text: string, from: number): RegExpExecArray | null {
  pattern.lastIndex = from;
  return pattern.exec(text);
}
