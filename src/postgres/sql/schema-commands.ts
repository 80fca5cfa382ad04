import type { SqlEdit } from './sql-edits.ts';
import { keptName, namePart } from './sql-names.ts';
import type { SqlText } from './sql-text.ts';

/** With elements of the schema behind it, PostgreSQL takes no IF NOT EXISTS. */
const createSchema = new RegExp(
  String.raw`^(?<head>create\s+schema)\s+(?!if\s+not\s+exists\b)(?<name>${namePart})(?:\s+authorization\s+${namePart})?\s*$`,
  'i',
);

const commentOnSchema = new RegExp(String.raw`^comment\s+on\s+schema\s+(?<noted>${namePart})`, 'i');

/**
 * Makes the edits that add IF NOT EXISTS to `CREATE SCHEMA`: drizzle-kit writes one for each schema that a plugin declares, and
 * Slipway has made it by then. A comment on one of them is left out: it would erase the mark of its owner.
 *
 * @param schemas Those that Slipway makes for the plugin.
 * @example schemaEdits(new SqlText('CREATE SCHEMA "reporting";'), ['reporting']) // [{ start: 13, end: 13, replacement: ' IF NOT EXISTS' }]
 */
export function schemaEdits(sql: SqlText, schemas: readonly string[]): readonly SqlEdit[] {
  if (schemas.length === 0 || !/\bschema\b/i.test(sql.text)) return [];
  return sql.commands.flatMap(({ code, start }) => {
    const noted = commentOnSchema.exec(code)?.groups?.['noted'];
    if (noted !== undefined && schemas.includes(keptName(noted)))
      return { start, end: start + code.length, replacement: '' };
    const { head = '', name = '' } = createSchema.exec(code)?.groups ?? {};
    if (head === '' || !schemas.includes(keptName(name))) return [];
    const at = start + head.length;
    return { start: at, end: at, replacement: ' IF NOT EXISTS' };
  });
}
