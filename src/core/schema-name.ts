/** PostgreSQL silently cuts longer names; two plugins whose names share 63 bytes would share a schema. */
export const longestNameInBytes = 63;

export const defaultSchemaPrefix = 'plugin_';

/**
 * The name of a plugin's schema, unquoted.
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

/**
 * The schemas that a plugin may have had under earlier ids, each as PostgreSQL has kept it: it cuts a name that is too long,
 * and other programs than Slipway have let it.
 */
export function getPreviousSchemaNames(
  previousIds: readonly string[] = [],
  prefix?: string,
): readonly string[] {
  return [...new Set(previousIds.map((id) => cutLikePostgres(getPluginSchemaName(id, prefix))))];
}

/** Never in the middle of a character. */
function cutLikePostgres(name: string): string {
  let kept = '';
  for (const character of name) {
    if (isTooLongForPostgres(kept + character)) break;
    kept += character;
  }
  return kept;
}
