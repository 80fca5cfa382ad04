import { quoteIdentifier } from './identifier.ts';
import type { SqlEdit } from './sql-edits.ts';
import { keptName, namePart } from './sql-names.ts';
import { nestedCommands, type SqlText } from './sql-text.ts';

/** Not `t."public"."x"`, where `"public"` is a column, nor a part of the name `"a""public"`. */
const quotedPublic = new RegExp(
  String.raw`"public"(?<!(?:"|\.\s*)"public")\s*\.\s*(${namePart})`,
  'g',
);

/** `"public"` in a text, as the schema of something with this name. */
interface PublicName extends Omit<SqlEdit, 'replacement'> {
  readonly name: string;
}

/**
 * The edits that turn `"public".` into the plugin's schema, in memory: drizzle-kit writes it for enums, foreign keys and more,
 * whatever the schema will be. Literals and comments stay as they are; the body of a dollar quote is code, because older
 * versions of drizzle-kit wrap foreign keys in `DO $$`.
 *
 * @param names What belongs to the plugin; anything else in public is meant as written.
 * @example publicEdits(new SqlText('alter table "public"."users" …'), 'plugin_auth', 'all') // [{ start: 12, end: 20, replacement: '"plugin_auth"' }]
 */
export function publicEdits(
  sql: SqlText,
  schema: string,
  names: ReadonlySet<string> | 'all',
): readonly SqlEdit[] {
  if (names !== 'all' && names.size === 0) return [];
  const replacement = quoteIdentifier(schema);
  return findPublicNames(sql)
    .filter(({ name }) => names === 'all' || names.has(name))
    .map(({ start, end }) => ({ start, end, replacement }));
}

/** The names behind `"public".` in a text, which {@link publicEdits} may rewrite. */
export function namesInPublic(sql: SqlText): ReadonlySet<string> {
  return new Set(findPublicNames(sql).map(({ name }) => name));
}

function findPublicNames(sql: SqlText): readonly PublicName[] {
  // Applied files are asked as well.
  if (!sql.text.includes('"public"')) return [];
  const found: PublicName[] = [];
  for (const { command, start } of nestedCommands(sql)) {
    if (!command.code.includes('"public"')) continue;
    for (const { 1: name = '', index } of command.code.matchAll(quotedPublic)) {
      const at = start + index;
      found.push({ start: at, end: at + '"public"'.length, name: keptName(name) });
    }
  }
  return found;
}

/** A name with `public.` in front, written without quotes. */
interface UnquotedPublic {
  /** The name behind the dot, as PostgreSQL keeps it. */
  readonly name: string;
  /** Counts from 1. */
  readonly line: number;
}

const unquoted = new RegExp(String.raw`(?<![\w$".\u0080-\uffff])public\s*\.\s*(${namePart})`, 'gi');

/**
 * Finds `public.` without quotes, which {@link publicEdits} leaves alone. People write it, and pg_dump.
 *
 * @example findUnquotedPublic(new SqlText('create table public.users ();')) // [{ name: 'users', line: 1 }]
 */
export function findUnquotedPublic(sql: SqlText): readonly UnquotedPublic[] {
  return Array.from(nestedCommands(sql)).flatMap(({ command, start }) =>
    Array.from(command.code.matchAll(unquoted), ({ 1: name = '', index }) => ({
      name: keptName(name),
      line: sql.positionAt(start + index).line,
    })),
  );
}

/**
 * Says where a file puts one of these names into `public`.
 *
 * @param names As PostgreSQL keeps them.
 */
export function unquotedPublicAdvice(
  { name: file, sql }: { readonly name: string; readonly sql: SqlText },
  names: readonly string[],
): string | undefined {
  const found = findUnquotedPublic(sql).find(({ name }) => names.includes(name));
  return (
    found &&
    `Line ${found.line} of ${file} has public.${found.name}. Without quotes, public is never rewritten to the plugin's schema: remove public. from the names there if ${found.name} belongs to the plugin.`
  );
}
