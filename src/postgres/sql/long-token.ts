import { readWindow, type ByteSource } from './byte-source.ts';
import { endOfQuoted, type SqlTokenKind } from './sql-lexer.ts';
import { advance, textStart, type TextPosition } from './text-position.ts';
import { nextTurn } from './time-slices.ts';

/** The end of a long token. */
interface TokenEnd {
  /** In bytes. */
  readonly end: number;
  /** The place of `end`. */
  readonly place: TextPosition;
  readonly isOpen: boolean;
}

/**
 * Looks for the end of a token in one piece of it.
 *
 * @returns the end, or where the next piece begins: before anything that may be cut in two.
 */
type Scan = (
  text: string,
  isLast: boolean,
) => { readonly end: number } | { readonly resume: number };

/** The bytes that are read in one go. */
const windowBytes = 1024 * 1024;

/**
 * Finds the end of a literal, a quoted name or a comment of any length.
 *
 * @param text Its first characters.
 */
export function findTokenEnd(
  source: ByteSource,
  start: number,
  place: TextPosition,
  text: string,
  kind: SqlTokenKind,
): Promise<TokenEnd> {
  const isEscaped = kind === 'string' && !text.startsWith("'");
  const opening = kind === 'comment' || isEscaped ? text.slice(0, 2) : text.slice(0, 1);
  const inside = { start: start + opening.length, place: advance(place, opening) };
  return scan(source, inside, chooseScan(kind, opening, isEscaped));
}

/** Finds the end of a body: the place of its second tag. */
export function findBodyEnd(source: ByteSource, start: number, tag: string): Promise<TokenEnd> {
  return scan(source, { start, place: textStart }, (text) => {
    const end = text.indexOf(tag);
    return end < 0 ? { resume: Math.max(0, text.length - tag.length + 1) } : { end };
  });
}

async function scan(
  source: ByteSource,
  { start, place: startPlace }: { readonly start: number; readonly place: TextPosition },
  look: Scan,
): Promise<TokenEnd> {
  let [at, place] = [start, startPlace];
  for (;;) {
    const { text, isLast } = readWindow(source, at, windowBytes);
    const found = look(text, isLast);
    const isFound = 'end' in found && (isLast || found.end < text.length);
    if (!isFound && isLast) return { end: source.size, place: advance(place, text), isOpen: true };
    // A token that ends with the piece may go on behind it: a doubled quote.
    const passed = text.slice(0, 'end' in found ? found.end - (isFound ? 0 : 1) : found.resume);
    at += Buffer.byteLength(passed);
    place = advance(place, passed);
    if (isFound) return { end: at, place, isOpen: false };
    await nextTurn();
  }
}

function chooseScan(kind: SqlTokenKind, opening: string, isEscaped: boolean): Scan {
  if (opening === '--') return scanLine;
  if (kind === 'comment') return makeBlockScan();
  if (isEscaped) return scanEscaped;
  return (text) => {
    const end = endOfQuoted(text, 0, opening);
    return end === undefined ? { resume: text.length } : { end };
  };
}

function scanLine(text: string, isLast: boolean): ReturnType<Scan> {
  const end = text.search(/[\r\n]/);
  if (end < 0 && isLast) return { end: text.length };
  return end < 0 ? { resume: text.length } : { end };
}

/** The character behind a backslash stands for itself. */
function scanEscaped(text: string): ReturnType<Scan> {
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') {
      if (at + 1 === text.length) return { resume: at };
      at += 1;
    } else if (text[at] === "'") {
      if (text[at + 1] !== "'") return { end: at + 1 };
      at += 1;
    }
  }
  return { resume: text.length };
}

/** Block comments nest. */
function makeBlockScan(): Scan {
  let depth = 1;
  return (text, isLast) => {
    let at = 0;
    for (const { index } of text.matchAll(/\/\*|\*\//g)) {
      const change = text[index] === '/' ? 1 : -1;
      if (depth + change === 0) {
        // An end that the piece ends with is found again, with the next one.
        if (isLast || index + 2 < text.length) return { end: index + 2 };
        return { resume: index };
      }
      depth += change;
      at = index + 2;
    }
    return { resume: Math.max(at, text.length - 1) };
  };
}
