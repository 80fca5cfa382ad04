import { quoteIdentifier } from './identifier.ts';

/**
 * The `search_path` of a plugin: its own schema, then the schemas of extensions, and nothing else. `public` is not in it
 * unless listed: a missing schema must be an error, never a silent install into public.
 *
 * @example searchPath('plugin_catalog', ['extensions']) // '"plugin_catalog", "extensions"'
 */
export function searchPath(schema: string, extensionSchemas: readonly string[]): string {
  return [...new Set([schema, ...extensionSchemas])].map(quoteIdentifier).join(', ');
}
