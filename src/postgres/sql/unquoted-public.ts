import { partsOfName, namePart } from './sql-commands.ts';
import { keepNamesAndBodies } from './sql-lexer.ts';
import { positionAt } from './source-position.ts';

/** A name with `public.` in front, written without quotes. */
interface UnquotedPublic {
  /** The name behind the dot, as PostgreSQL keeps it. */
  readonly name: string;
  /** Counts from 1. */
  readonly line: number;
}

const unquoted = new RegExp(
  String.raw`(?<![\w$".\u0080-\uffff])public\s*\.\s*(?<name>${namePart})`,
  'gi',
);

/**
 * Finds `public.` without quotes, which the rewrite of `"public".` leaves alone. People write it, and pg_dump.
 *
 * @example findUnquotedPublic('create table public.users ();') // [{ name: 'users', line: 1 }]
 */
export function findUnquotedPublic(text: string): readonly UnquotedPublic[] {
  if (!/\bpublic\s*\./i.test(text)) return [];
  return [...keepNamesAndBodies(text).matchAll(unquoted)].map(({ index, groups }) => {
    const written = groups?.['name'] ?? '';
    const [name = ''] = partsOfName(written.startsWith('"') ? written : written.toLowerCase());
    return { name, line: positionAt(text, index).line };
  });
}

/**
 * Says where a file puts one of these names into `public`.
 *
 * @param names As PostgreSQL keeps them.
 */
export function unquotedPublicAdvice(
  { name: file, text }: { readonly name: string; readonly text: string },
  names: readonly string[],
): string | undefined {
  const found = findUnquotedPublic(text).find(({ name }) => names.includes(name));
  return (
    found &&
    `Line ${found.line} of ${file} has public.${found.name}. Without quotes, public is never rewritten to the plugin's schema: remove public. from the names there if ${found.name} belongs to the plugin.`
  );
}
