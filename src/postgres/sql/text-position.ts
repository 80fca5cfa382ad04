/** A place in a text; both count from 1, columns in characters. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

export const textStart: TextPosition = { line: 1, column: 1 };

/** A line of a text, and where it begins. */
interface TextLine {
  /** Counts from 1. */
  readonly line: number;
  readonly start: number;
}

const linesBefore = 2;
const linesAfter = 1;
const widest = 110;

/** Finds the line and the column of the character at `index` (of JavaScript, in UTF-16). */
export function positionAt(text: string, index: number): TextPosition {
  return advance(textStart, text.slice(0, index));
}

/** Finds the place behind a text that begins at `place`. */
export function advance({ line, column }: TextPosition, text: string): TextPosition {
  let lines = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char !== 0x0a && char !== 0x0d) continue;
    if (char === 0x0d && text.charCodeAt(at + 1) === 0x0a) at += 1;
    lines += 1;
    start = at + 1;
  }
  const behind = countCharacters(text, start);
  return lines === 0
    ? { line, column: column + behind }
    : { line: line + lines, column: 1 + behind };
}

function countCharacters(text: string, from: number): number {
  let count = 0;
  for (let at = from; at < text.length; at += 1) {
    // The second half of a pair.
    if ((text.charCodeAt(at) & 0xfc00) !== 0xdc00) count += 1;
  }
  return count;
}

/** Finds the places of the characters at these ascending indexes. */
export function positionsAt(text: string, indexes: readonly number[]): readonly TextPosition[] {
  return linesAt(text, indexes).map(({ line, start }, at) => {
    return { line, column: Array.from(text.slice(start, indexes[at])).length + 1 };
  });
}

/** Finds the lines of the characters at these ascending indexes in one walk: a file may have many thousands of statements. */
export function linesAt(text: string, indexes: readonly number[]): readonly TextLine[] {
  const breaks = new RegExp(lineBreak, 'g');
  let line = 1;
  let start = 0;
  let next = breaks.exec(text);
  return indexes.map((index) => {
    while (next && breaks.lastIndex <= index) {
      line += 1;
      start = breaks.lastIndex;
      next = breaks.exec(text);
    }
    return { line, start };
  });
}

/** Turns PostgreSQL's position, which counts whole characters from 1, into an index of JavaScript. */
export function indexOfCharacter(text: string, position: number): number {
  let index = 0;
  for (let left = position - 1; left > 0 && index < text.length; left -= 1) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  return index;
}

/**
 * A few lines around a place, numbered, with a caret under it.
 *
 * @param firstLine The number of the first line of the text.
 *
 * @example
 * //   1 | create table a (
 * //   2 |   id serrial
 * //     |      ^
 * //   3 | );
 */
export function excerptAt(text: string, index: number, firstLine = 1): string {
  const { line, column } = positionAt(text, index);
  const lines = text.split(lineBreak);
  const first = Math.max(1, line - linesBefore);
  const shown = lines.slice(first - 1, line + linesAfter);
  const before = firstLine - 1;
  const digits = String(before + first + shown.length - 1).length;
  const gutter = (label: string | number): string => `${String(label).padStart(digits + 2)} | `;
  return shown
    .flatMap((content, offset) => {
      const number = first + offset;
      const shownNumber = gutter(before + number);
      if (number !== line) return [`${shownNumber}${cut(content, 0).text}`.trimEnd()];
      const { text: part, before: lead } = windowAround(content, column);
      return [`${shownNumber}${part}`, `${gutter('')}${makeBlanks(lead)}^`];
    })
    .join('\n');
}

const lineBreak = /\r\n|\r|\n/;

/** The part of a line that fits, with the place in it, and what of that part is before the place. */
function windowAround(line: string, column: number): { text: string; before: string } {
  const from = column <= widest - 20 ? 0 : column - Math.floor(widest / 2);
  const { text, lead } = cut(line, from);
  return {
    text,
    before:
      lead +
      Array.from(line)
        .slice(from, column - 1)
        .join(''),
  };
}

function cut(line: string, from: number): { text: string; lead: string } {
  const characters = Array.from(line);
  const lead = from > 0 ? '…' : '';
  const tail = characters.length > from + widest ? '…' : '';
  return { text: lead + characters.slice(from, from + widest).join('') + tail, lead };
}

const zeroWidth = /[\p{Mn}\p{Me}\p{Cf}]/u;
const doubleWidth =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;

/** Blanks as wide as the text on a terminal, so that the caret stands under the right character. */
function makeBlanks(text: string): string {
  return Array.from(text, (character) => {
    if (character === '\t') return '\t';
    if (zeroWidth.test(character)) return '';
    return doubleWidth.test(character) ? '  ' : ' ';
  }).join('');
}
