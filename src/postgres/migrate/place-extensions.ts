import type { CodeMigration } from '../sources/migration.ts';
import { applyEdits, type RewrittenSql } from '../sql/sql-edits.ts';
import { refuseMissingExtensionSchema } from '../survey/extension-problems.ts';
import {
  extensionEdits,
  extensionFactsSql,
  extensionsWithoutSchema,
  type ExtensionFacts,
} from '../survey/extension-schemas.ts';
import type { MigrationRun } from './migration-run.ts';

/**
 * Gives each `CREATE EXTENSION` in a statement of a function its schema, as a file gets it. What a function sends is known only
 * when it sends it, so the database is asked then, and knows what the function itself has made before.
 *
 * @throws BootError `EXTENSION_SCHEMA_MISSING`
 */
export async function placeExtensions(
  { client, target, settings, extensions }: MigrationRun,
  { name: file, transaction: inTransaction }: CodeMigration,
  text: string,
): Promise<RewrittenSql> {
  const wanted = extensionsWithoutSchema(text);
  if (wanted.length === 0) return applyEdits(text, []);
  const { setting } = extensions.question;
  const { rows } = await client.query<{ facts: string }>(
    `select ${extensionFactsSql(setting, wanted)}::text as facts`,
  );
  const facts = JSON.parse(rows[0]?.facts ?? '{}') as ExtensionFacts;
  const rules = { setting, strayObjects: settings.strayObjects };
  refuseMissingExtensionSchema(target, { file, text, inTransaction }, facts, rules);
  return applyEdits(text, extensionEdits(text, facts));
}
