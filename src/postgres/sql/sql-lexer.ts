export type SqlTokenKind = 'code' | 'string' | 'identifier' | 'dollar' | 'comment' | 'breakpoint';

/** A stretch of SQL text, `text.slice(start, end)`. */
export interface SqlToken {
  readonly kind: SqlTokenKind;
  readonly start: number;
  readonly end: number;
}

/** What drizzle-kit writes between statements; to PostgreSQL it is a comment. */
export const breakpointMark = '--> statement-breakpoint';

/**
 * The start of anything that is not plain code, or a whole word. Words are taken whole because `a$b$` is a name and no
 * dollar quote, and the `e` of `note'…'` makes no escape string.
 */
const opening = new RegExp(
  [
    `(?<breakpoint>${breakpointMark})`,
    String.raw`(?<line>--)`,
    String.raw`(?<block>\/\*)`,
    String.raw`(?<escape>[eE]')`,
    String.raw`(?<string>')`,
    String.raw`(?<identifier>")`,
    String.raw`(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)`,
    String.raw`[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*`,
  ].join('|'),
  'g',
);

const lineEnd = /[\r\n]|$/g;
const blockEdge = /\/\*|\*\//g;

/**
 * Cuts SQL into code, literals, quoted names, dollar quotes, comments and Drizzle's breakpoints; together they are the whole
 * text. Anything left open reaches to the end, where PostgreSQL will complain.
 *
 * Follows https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */
export function* lexSql(text: string): Generator<SqlToken, void> {
  let codeStart = 0;
  let at = 0;
  for (let found = find(opening, text, at); found; found = find(opening, text, at)) {
    const start = found.index;
    const afterOpening = start + found[0].length;
    const token = readToken(text, start, afterOpening, found);
    at = token?.end ?? afterOpening;
    if (!token) continue;
    if (start > codeStart) yield { kind: 'code', start: codeStart, end: start };
    yield token;
    codeStart = at;
  }
  if (text.length > codeStart) yield { kind: 'code', start: codeStart, end: text.length };
}

function readToken(
  text: string,
  start: number,
  afterOpening: number,
  found: RegExpExecArray,
): SqlToken | undefined {
  const { breakpoint, line, block, escape, string, identifier, dollar } = found.groups ?? {};
  if (breakpoint) return { kind: 'breakpoint', start, end: afterOpening };
  if (line) return { kind: 'comment', start, end: startOf(lineEnd, text, afterOpening) };
  if (block) return { kind: 'comment', start, end: endOfBlock(text, afterOpening) };
  if (escape) return { kind: 'string', start, end: endOfQuoted(text, afterOpening, "'", true) };
  if (string) return { kind: 'string', start, end: endOfQuoted(text, afterOpening, "'", false) };
  if (identifier) {
    return { kind: 'identifier', start, end: endOfQuoted(text, afterOpening, '"', false) };
  }
  if (dollar) {
    const close = text.indexOf(dollar, afterOpening);
    return { kind: 'dollar', start, end: close < 0 ? text.length : close + dollar.length };
  }
  return undefined;
}

/** A doubled quote stands for itself; in an escape string so does whatever follows a backslash. */
function endOfQuoted(text: string, from: number, quote: string, hasEscapes: boolean): number {
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (hasEscapes && char === '\\') at += 1;
    else if (char === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at += 1;
    }
  }
  return text.length;
}

/** Block comments nest, unlike those of C. */
function endOfBlock(text: string, from: number): number {
  let depth = 1;
  let at = from;
  for (let edge = find(blockEdge, text, at); edge; edge = find(blockEdge, text, at)) {
    at = edge.index + 2;
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return at;
  }
  return text.length;
}

function startOf(pattern: RegExp, text: string, from: number): number {
  return find(pattern, text, from)?.index ?? text.length;
}

function find(pattern: RegExp, text: string, from: number): RegExpExecArray | null {
  pattern.lastIndex = from;
  return pattern.exec(text);
}

/** The text with everything blank that is no plain code, and every character where it was. */
export function keepCode(text: string): string {
  return [...lexSql(text)]
    .map(({ kind, start, end }) =>
      kind === 'code' ? text.slice(start, end) : ' '.repeat(end - start),
    )
    .join('');
}

/** Whether the text ends inside a literal, a quoted name or a block comment. */
export function isLeftOpen(text: string): boolean {
  const last = [...lexSql(text)].at(-1);
  if (!last || last.kind === 'code' || last.kind === 'breakpoint') return false;
  const token = text.slice(last.start, last.end);
  if (token.startsWith('--')) return false;
  // Something that is closed stays one token when a line follows it; something open takes that in as well.
  const longer = [...lexSql(`${text}\n0`)].at(-1);
  return longer?.kind === last.kind && longer.start === last.start;
}

/**
 * The text with every character where it was, without literals and comments. Quoted names stay, and so do bodies in dollar
 * quotes, which are code too; breakpoints are semicolons.
 */
export function keepNamesAndBodies(text: string): string {
  return [...lexSql(text)]
    .map(({ kind, start, end }) => {
      const piece = text.slice(start, end);
      if (kind === 'code' || kind === 'identifier') return piece;
      if (kind === 'breakpoint') return ';'.padEnd(piece.length);
      if (kind !== 'dollar') return ' '.repeat(piece.length);
      const tag = piece.indexOf('$', 1) + 1;
      const body = keepNamesAndBodies(piece.slice(tag, -tag));
      return ' '.repeat(tag) + body + ' '.repeat(piece.length - tag - body.length);
    })
    .join('');
}
