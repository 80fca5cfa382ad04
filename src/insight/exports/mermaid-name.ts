import { printable } from '../../core/printable.ts';

/** A diagram of more characters is not drawn by Mermaid's default settings. */
export const mostCharacters = 50_000;

/**
 * Writes a name for Mermaid, which has no way to escape one: keeps letters, digits and the punctuation that is never syntax.
 * `:` `,` `;` `#` `%` `{` and `<` are, in one place or another.
 */
export function writeName(text: string, longest = 80): string {
  const plain = printable(text.slice(0, 400))
    .replaceAll(': ', ' - ')
    .replaceAll(/[^\p{L}\p{N} ._/@+=()'…-]/gu, ' ')
    .replaceAll(/-{2,}/g, '-')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const characters = Array.from(plain);
  return characters.length <= longest ? plain : `${characters.slice(0, longest - 1).join('')}…`;
}
