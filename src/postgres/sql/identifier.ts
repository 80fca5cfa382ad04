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
