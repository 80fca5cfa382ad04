import { optionsInvalid } from './errors.ts';
import type { Check } from './expect.ts';

/** PostgreSQL silently cuts longer names; two plugins whose names share 63 bytes would share a schema. */
export const longestNameInBytes = 63;

export const defaultSchemaPrefix = 'plugin_';

/**
 * Returns the name of a plugin's schema, unquoted.
 *
 * @example getPluginSchemaName('catalog') // 'plugin_catalog'
 */
export function getPluginSchemaName(
  pluginId: string,
  prefix: string = defaultSchemaPrefix,
): string {
  return `${prefix}${pluginId}`;
}

export function isTooLongForPostgres(name: string): boolean {
  return new TextEncoder().encode(name).length > longestNameInBytes;
}

/** The name of a schema that exists. */
export const anySchemaName: Check<string> = (value, name) => {
  // Halves of characters would all be stored as the same one.
  const isName = typeof value === 'string' && value !== '' && !/\p{Cc}|\p{Cs}/u.test(value);
  if (isName && !isTooLongForPostgres(value)) return value;
  throw optionsInvalid(name, 'a schema name: 1 to 63 bytes, no control characters', value);
};

/** The name of a schema that Slipway may make. */
export const ownSchemaName: Check<string> = (value, name) => {
  const checked = anySchemaName(value, name);
  if (!checked.startsWith('pg_')) return checked;
  const expected = 'a schema that does not begin with pg_, which PostgreSQL reserves';
  throw optionsInvalid(name, expected, value);
};

/**
 * Returns the schemas that a plugin may have had under earlier ids, as PostgreSQL has stored them: it cuts a name that is
 * too long, and other programs than Slipway do not prevent that.
 */
export function getPreviousSchemaNames(
  previousIds: readonly string[] = [],
  prefix?: string,
): readonly string[] {
  return [...new Set(previousIds.map((id) => cutLikePostgres(getPluginSchemaName(id, prefix))))];
}

/** Cuts a name to 63 bytes, never in the middle of a character. */
function cutLikePostgres(name: string): string {
  let kept = '';
  for (const character of name) {
    if (isTooLongForPostgres(kept + character)) break;
    kept += character;
  }
  return kept;
}
