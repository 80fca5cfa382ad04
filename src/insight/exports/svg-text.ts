import { cutText, printable } from '../../core/printable.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** A tooltip that is longer than this is not read. */
const longest = 1_000;

/** Writes a text for XML, which has no control characters and no halves of characters at all. */
export function escapeXml(text: string): string {
  return printable(cutText(text, longest))
    .replaceAll(/[\p{Surrogate}\uFFFE\uFFFF]/gu, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '');
}

/** About how wide a character is at most, in ems of the common fonts without serifs. */
function measure(character: string): number {
  if (/[ilj.,:;'|!()[\]ftrI ]/.test(character)) return 0.4;
  if (/[mwMW@%]/.test(character)) return 0.98;
  return (character.codePointAt(0) ?? 0) < 0x1100 ? 0.64 : 1.1;
}

/** About how wide a text is at most, in px. */
export function measureText(text: string, fontSize: number): number {
  return Array.from(text).reduce((sum, character) => sum + measure(character), 0) * fontSize;
}

/** Cuts a text to a width in px, with `…` where something is missing. A width for less than three characters gives nothing. */
export function fitText(text: string, width: number, fontSize: number): string {
  const room = width / fontSize;
  const characters = Array.from(printable(text.slice(0, 400)).replaceAll(/\s+/g, ' '));
  const widths = characters.map(measure);
  if (widths.reduce((sum, each) => sum + each, 0) <= room && text.length <= 400) {
    return characters.join('');
  }
  let used = 0.9;
  const count = widths.findIndex((each) => (used += each) > room);
  return count < 3 ? '' : `${characters.slice(0, count).join('').trimEnd()}…`;
}

/** Breaks a text into lines of a width in px; the last one of `most` is cut. */
export function wrapText(
  text: string,
  width: number,
  fontSize: number,
  most: number,
): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text.slice(0, 2_000)).split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || fitText(longer, width, fontSize) === longer) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  const kept =
    lines.length > most ? [...lines.slice(0, most - 1), lines.slice(most - 1).join(' ')] : lines;
  return kept.map((each) => fitText(each, width, fontSize));
}
