import { printable } from '../core/printable.ts';

const escape = '\u001B';
/** A colour, as picocolors writes it. It takes no place on the screen. */
const color = new RegExp(`(${escape}\\[[0-9;]*m)`);
const onlyAscii = /^[\u0020-\u007E]*$/;
const takesNone = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;
const takesTwo =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\u2E80-\u303E\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]$/u;
const asEmoji = '\uFE0F';

/** Splits into what people see as one character, which is never cut in two. Made when it is first used, because it takes 10 ms. */
let characters: Intl.Segmenter | undefined;

/** A text that is too long is cut again by so much, because words do not fill their lines; never to less than the second. */
const [shrinkBy, narrowest] = [4, 4];

/** The most that is read of a foreign text, which may have megabytes. */
const longestText = 2_000;

/**
 * Counts the columns that a text takes in a terminal. Terminals disagree about joined emoji; the count is the largest, so
 * that a line may be too short, but never too long.
 */
export function displayWidth(text: string): number {
  if (onlyAscii.test(text)) return text.length;
  let width = 0;
  for (const piece of pieces(text)) width += piece.width;
  return width;
}

/** Cuts the middle out of a name that is too wide, because both ends together identify it best. */
export function cutMiddle(name: string, width: number): string {
  const tooMuch = displayWidth(name) - width;
  if (tooMuch <= 0) return name;
  const [head] = splitAt(name, Math.ceil((width - 1) / 2));
  const fromEnd = [...pieces(name)].toReversed();
  let end = '';
  for (const { text } of fromEnd) {
    if (displayWidth(head) + 1 + displayWidth(text + end) > width) break;
    end = text + end;
  }
  return `${head}…${end}`;
}

/** Fills a text with spaces up to a width. */
export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/**
 * Breaks a line between its words. The lines after the first begin with `hanging` spaces; a word that is wider than a line
 * is broken where the line ends.
 */
export function wrapLine(line: string, width: number, hanging: number): readonly string[] {
  const lines: string[] = [];
  const indent = ' '.repeat(Math.min(hanging, Math.floor(width / 2)));
  let rest = line;
  while (displayWidth(rest) > width) {
    const [head, tail] = splitAt(rest, width);
    const space = tail.startsWith(' ') ? head.length : head.lastIndexOf(' ');
    // Spaces at the beginning are the indent, not a place to break.
    const at = head.slice(0, space).trim() === '' ? head.length : space;
    lines.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** Cuts the end off a text that is too wide. */
export function cutEnd(text: string, width: number): string {
  return displayWidth(text) <= width ? text : `${splitAt(text, width - 1)[0]}…`;
}

/** The place of a text: what stands around it, its paint, and how many lines it may take. */
interface Place {
  readonly before: string;
  readonly after?: string;
  readonly paint?: (text: string) => string;
  readonly width: number;
  readonly hanging: number;
  readonly lines: number;
  /** Shortens a text that needs too many lines. */
  readonly cut: (text: string, width: number) => string;
}

/** Breaks a text between its words into a number of lines at most. */
export function wrapAtMost(text: string, place: Place): readonly string[] {
  const { before, after = '', paint = String, width, hanging, lines: most, cut } = place;
  const around = displayWidth(before + after) + (most - 1) * hanging;
  for (let room = Math.min(displayWidth(text), most * width - around); ; room -= shrinkBy) {
    const shortened = cut(text, Math.max(room, narrowest));
    const lines = wrapLine(before + paint(shortened) + after, width, hanging);
    if (lines.length <= most || room <= narrowest) return lines;
  }
}

/** Returns the first line of a foreign text, with control characters written out. */
export function printableLine(text: string): string {
  const [line = ''] = text.slice(0, longestText).trimStart().split(/\r?\n/, 1);
  const isCut = line.length === longestText;
  // These are halves of surrogate pairs.
  const whole = printable(line.replaceAll('\t', ' ')).replaceAll(/\p{Cs}/gu, '\uFFFD');
  return whole + (isCut ? '…' : '');
}

/** Splits a text at a width. Colours stay with the text before them. */
function splitAt(text: string, width: number): readonly [head: string, tail: string] {
  let taken = 0;
  let length = 0;
  for (const piece of pieces(text)) {
    if (taken + piece.width > width) break;
    taken += piece.width;
    length += piece.text.length;
  }
  // A character that is wider than the whole line is taken too, or the loop would never end.
  const least = length === 0 ? ([...pieces(text)][0]?.text.length ?? 0) : length;
  return [text.slice(0, least), text.slice(least)];
}

function* pieces(text: string): Generator<{ readonly text: string; readonly width: number }> {
  for (const [index, part] of text.split(color).entries()) {
    if (index % 2 === 1) yield { text: part, width: 0 };
    else if (onlyAscii.test(part)) {
      for (const character of part) yield { text: character, width: 1 };
    } else {
      characters ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
      for (const { segment } of characters.segment(part)) {
        yield { text: segment, width: widthOfCharacter(segment) };
      }
    }
  }
}

function widthOfCharacter(character: string): number {
  let width = 0;
  for (const codePoint of character) {
    if (!takesNone.test(codePoint)) width += takesTwo.test(codePoint) ? 2 : 1;
  }
  return character.includes(asEmoji) ? Math.max(2, width) : width;
}
