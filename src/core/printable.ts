/** Longer texts are cut: they add nothing for people, and fill a log. */
export const longestText = 10_000;

const roomForNote = 50;

/** Cuts a text to `longest` characters, with a note of how much was cut. A second cut changes nothing. */
export function cutText(text: string, longest: number = longestText): string {
  if (text.length <= longest) return text;
  // The cut is never in the middle of a character.
  const kept = text.slice(0, longest - roomForNote).replace(/[\uD800-\uDBFF]$/, '');
  return `${kept}… (cut: ${text.length - kept.length} more characters)`;
}

/**
 * Writes out the characters that a terminal would execute instead of show: control characters, and those that change the
 * direction of a line. Line breaks and tabs stay.
 *
 * @example printable('\u001B[2J') // '\\x1b[2J'
 */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/(?![\n\t])\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}

/** A longer list becomes its first name, its last name and its length. */
const mostNames = 8;

/**
 * Writes a list of names for a message, however many there are.
 *
 * @example listNames(['a', 'b']) // 'a, b'
 * @example listNames(files) // '0000_items.sql … 0299_prices.sql (300 in all)'
 */
export function listNames(names: readonly string[], between = ', '): string {
  if (names.length <= mostNames) return names.join(between);
  return `${names[0]} … ${names.at(-1)} (${names.length} in all)`;
}

/** `billing, search and mail` */
export function joinNames(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' and ');
}

/** Keeps the first `most` names, and counts the others: `4 more`. */
export function shorten(names: readonly string[], most: number): readonly string[] {
  const hidden = names.length - most;
  return hidden > 1 ? [...names.slice(0, most), `${hidden} more`] : names;
}
