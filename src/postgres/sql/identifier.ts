/**
 * Quotes a name for SQL, so that any name is safe and keeps its case.
 *
 * @example quoteIdentifier('plugin_health-check') // '"plugin_health-check"'
 */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a text as an SQL literal; with `standard_conforming_strings` (the default since PostgreSQL 9.1). */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An SQL expression of type `text[]`. */
export function textArray(texts: readonly string[]): string {
  return `array[${texts.map(quoteLiteral).join(', ')}]::text[]`;
}

/**
 * The `search_path` of a plugin: its own schema, then the schemas of extensions, and nothing else. `public` is in it only when
 * it is listed: a missing schema must be an error, and never a silent install into public.
 *
 * @example searchPath('plugin_catalog', ['extensions']) // '"plugin_catalog", "extensions"'
 */
export function searchPath(schema: string, others: readonly string[]): string {
  return [...new Set([schema, ...others])].map(quoteIdentifier).join(', ');
}
