import { problem, type Problem } from '../../core/error-codes.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { findFunctionPaths } from '../sql/function-paths.ts';
import type { SqlText } from '../sql/sql-text.ts';

/** Finds the functions of pending files whose own `search_path` leads out of the plugin's schema. */
export function findFilePaths(
  plugin: PluginMigrations,
  others: readonly string[],
  pending: readonly Migration[],
): readonly Problem[] {
  return pending.filter(isSql).flatMap(({ name, sql }) => findTextPaths(plugin, others, name, sql));
}

/**
 * Does the same for one text: a file, or a statement of a function.
 *
 * @param others The schemas after the plugin's own on its path.
 */
export function findTextPaths(
  { id, schema }: PluginMigrations,
  others: readonly string[],
  file: string,
  sql: SqlText,
): readonly Problem[] {
  const known = new Set(['', schema, ...others, 'information_schema']);
  return findFunctionPaths(sql).flatMap(({ name, clause, schemas, line }) => {
    const isElsewhere = schemas.some((each) => !known.has(each) && !each.startsWith('pg_'));
    if (!isElsewhere) return [];
    const message = `${id}: line ${line} of ${file} has ${clause} in function ${name}, which leads out of its schema`;
    return [problem('MIGRATION_FUNCTION_PATH', message, { plugin: id, file })];
  });
}
