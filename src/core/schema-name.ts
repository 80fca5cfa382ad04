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
