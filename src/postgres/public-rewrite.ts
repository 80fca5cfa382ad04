import { quoteIdentifier } from './identifier.ts';
import { lexSql } from './sql-lexer.ts';

/** SQL whose `"public".` was turned into the plugin's schema. */
export interface RewrittenSql {
  readonly text: string;
  /** Where the character at `index` of the new text was in the original. */
  readonly toOriginal: (index: number) => number;
}

/** `"public"` at these places of the original text is the schema of something. */
interface Place {
  readonly start: number;
  readonly end: number;
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
  const places = text.includes('"public"') ? [...findPlaces(text, 0, names)] : [];
  const replacement = quoteIdentifier(schema);
  let rewritten = '';
  let copied = 0;
  for (const { start, end } of places) {
    rewritten += text.slice(copied, start) + replacement;
    copied = end;
  }
  return {
    text: rewritten + text.slice(copied),
    toOriginal: (index) => toOriginal(index, places, replacement.length),
  };
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

/** A position inside a replaced name becomes the beginning of the original one. A big file has many: they are halved, not walked. */
function toOriginal(index: number, places: readonly Place[], replacedLength: number): number {
  const grown = replacedLength - '"public"'.length;
  const newStart = (place: number): number => (places[place]?.start ?? 0) + place * grown;
  let before = 0;
  for (let end = places.length; before < end;) {
    const middle = Math.floor((before + end) / 2);
    if (newStart(middle) <= index) before = middle + 1;
    else end = middle;
  }
  const last = places[before - 1];
  if (last && index < newStart(before - 1) + replacedLength) return last.start;
  return index - before * grown;
}
