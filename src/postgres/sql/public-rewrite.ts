import { quoteIdentifier } from './identifier.ts';
import { applyEdits, type RewrittenSql, type SqlEdit } from './sql-edits.ts';
import { lexSql } from './sql-lexer.ts';

/** `"public"` at these places of the original text is the schema of something. */
type Place = Omit<SqlEdit, 'replacement'>;

/** The name behind the dot, quoted or not. */
const qualified = /\s*\.\s*(?:"((?:[^"]|"")*)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))/y;

/**
 * Turns `"public".` into the plugin's schema, in memory: drizzle-kit writes it for enums, foreign keys and more, whatever the
 * schema will be. Literals and comments stay as they are; the body of a dollar quote is code, because older versions of
 * drizzle-kit wrap foreign keys in `DO $$`.
 *
 * @param names What belongs to the plugin; anything else in public is meant as written.
 * @example rewritePublic('alter table "public"."users" …', 'plugin_auth', 'all').text // 'alter table "plugin_auth"."users" …'
 */
export function rewritePublic(
  text: string,
  schema: string,
  names: ReadonlySet<string> | 'all',
): RewrittenSql {
  return applyEdits(text, publicEdits(text, schema, names));
}

/** The edits of {@link rewritePublic}, to be applied together with others. */
export function publicEdits(
  text: string,
  schema: string,
  names: ReadonlySet<string> | 'all',
): readonly SqlEdit[] {
  if (!text.includes('"public"')) return [];
  const replacement = quoteIdentifier(schema);
  return Array.from(findPlaces(text, 0, names), (place) => ({ ...place, replacement }));
}

function* findPlaces(
  text: string,
  offset: number,
  names: ReadonlySet<string> | 'all',
): Generator<Place, void> {
  for (const { kind, start, end } of lexSql(text)) {
    if (kind === 'dollar') {
      const tag = text.indexOf('$', start + 1) + 1 - start;
      yield* findPlaces(text.slice(start + tag, end - tag), offset + start + tag, names);
    } else if (kind === 'identifier' && text.slice(start, end) === '"public"') {
      if (isOwn(text, start, end, names)) yield { start: offset + start, end: offset + end };
    }
  }
}

function isOwn(
  text: string,
  start: number,
  end: number,
  names: ReadonlySet<string> | 'all',
): boolean {
  // `"t"."public"` is a column.
  if (/\.\s*$/.test(text.slice(Math.max(0, start - 20), start))) return false;
  qualified.lastIndex = end;
  const found = qualified.exec(text);
  if (!found) return false;
  const name = found[1]?.replaceAll('""', '"') ?? found[2]?.toLowerCase() ?? '';
  return names === 'all' || names.has(name);
}
