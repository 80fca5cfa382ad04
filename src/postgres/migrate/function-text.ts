import { problemError } from '../../core/errors.ts';
import type { CodeMigration } from '../sources/migration.ts';
import { applyEdits, type RewrittenSql } from '../sql/sql-edits.ts';
import type { SqlText } from '../sql/sql-text.ts';
import { refuseMissingExtensionSchema } from '../survey/extension-problems.ts';
import {
  extensionEdits,
  extensionFactsSql,
  extensionsWithoutSchema,
  type ExtensionFacts,
} from '../survey/extension-schemas.ts';
import { findTextPaths } from '../survey/function-path-problems.ts';
import type { MigrationRun } from './migration-run.ts';

/**
 * Does for a text that a function sends what the survey and the script do for a file: warns of what leads out of the plugin's
 * schema, and gives extensions their place.
 *
 * @throws BootError `EXTENSION_SCHEMA_MISSING` or `MIGRATION_FUNCTION_PATH`
 */
export async function prepareFunctionText(
  run: MigrationRun,
  migration: CodeMigration,
  sql: SqlText,
): Promise<RewrittenSql> {
  judgePaths(run, migration, sql);
  return placeExtensions(run, migration, sql);
}

/** @throws BootError `MIGRATION_FUNCTION_PATH` where the policy says so. */
function judgePaths(
  { target: { id, schema }, settings, extensions }: MigrationRun,
  { name: file }: CodeMigration,
  sql: SqlText,
): void {
  const owner = { id, schema, extensionSchemas: extensions.schemasOnPath };
  for (const found of findTextPaths(owner, { file, sql })) {
    if (settings.functionSearchPath === 'error') throw problemError(found, 'migrateAll');
    settings.tell({ type: 'boot.warning', message: found.message, plugin: id });
  }
}

/**
 * Gives each `CREATE EXTENSION` in a statement of a function its schema, as a file gets it. What a function sends is known only
 * when it sends it, so the database is asked then, and knows what the function itself has made before.
 */
async function placeExtensions(
  { client, target, settings, extensions }: MigrationRun,
  { name: file, transaction: inTransaction }: CodeMigration,
  sql: SqlText,
): Promise<RewrittenSql> {
  const wanted = extensionsWithoutSchema(sql);
  if (wanted.length === 0) return applyEdits(sql.text, []);
  const { setting } = extensions.question;
  const { rows } = await client.query<{ facts: string }>(
    `select ${extensionFactsSql(setting, wanted)}::text as facts`,
  );
  const facts = JSON.parse(rows[0]?.facts ?? '{}') as ExtensionFacts;
  const rules = { setting, strayObjects: settings.strayObjects };
  refuseMissingExtensionSchema(target, { file, sql, inTransaction }, facts, rules);
  return applyEdits(sql.text, extensionEdits(sql, facts));
}
