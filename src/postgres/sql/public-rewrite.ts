import { quoteIdentifier } from './identifier.ts';
import { applyEdits, type RewrittenSql, type SqlEdit } from './sql-edits.ts';
import { lexSql } from './sql-lexer.ts';

/** `"public"` at these places of the original text is the schema of something, and this is its name. */
interface SessionFacts extends Omit<SqlEdit, 'replacement'> {
  readonly name: string;
}

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
  if (names !== 'all' && names.size === 0) return [];
  const replacement = quoteIdentifier(schema);
  return placesIn(text)
    .filter(({ name }) => names === 'all' || names.has(name))
    .map(({ start, end }) => ({ start, end, replacement }));
}

/** The names behind `"public".` that {@link rewritePublic} would look at. */
export function namesInPublic(text: string): ReadonlySet<string> {
  return new Set(placesIn(text).map(({ name }) => name));
}

function placesIn(text: string): readonly SessionFacts[] {
  return text.includes('"public"') ? [...findPlaces(text, 0)] : [];
}

function* findPlaces(text: string, offset: number): Generator<SessionFacts, void> {
  for (const { kind, start, end } of lexSql(text)) {
    if (kind === 'dollar') {
      const tag = text.indexOf('$', start + 1) + 1 - start;
      yield* findPlaces(text.slice(start + tag, end - tag), offset + start + tag);
    } else if (kind === 'identifier' && text.slice(start, end) === '"public"') {
      const name = nameBehind(text, start, end);
      if (name !== undefined) yield { start: offset + start, end: offset + end, name };
    }
  }
}

function nameBehind(text: string, start: number, end: number): string | undefined {
  // `"t"."public"` is a column.
  if (/\.\s*$/.test(text.slice(Math.max(0, start - 20), start))) return undefined;
  qualified.lastIndex = end;
  const found = qualified.exec(text);
  return found ? (found[1]?.replaceAll('""', '"') ?? found[2]?.toLowerCase() ?? '') : undefined;
}
