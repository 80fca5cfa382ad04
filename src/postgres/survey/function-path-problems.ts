import { problem, type Problem } from '../../core/error-codes.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { findFunctionPaths } from '../sql/function-paths.ts';
import type { SqlText } from '../sql/sql-text.ts';

/** A plugin and the schemas after its own on its path. */
interface PathOwner {
  readonly id: string;
  readonly schema: string;
  readonly extensionSchemas: readonly string[];
}

/** Finds the functions of pending files whose own `search_path` leads out of the plugin's schema. */
export function findFilePaths(owner: PathOwner, pending: readonly Migration[]): readonly Problem[] {
  return pending
    .filter(isSql)
    .flatMap(({ name, sql }) => findTextPaths(owner, { file: name, sql }));
}

/** Does the same for one text: a file, or a statement of a function. */
export function findTextPaths(
  { id, schema, extensionSchemas }: PathOwner,
  { file, sql }: { readonly file: string; readonly sql: SqlText },
): readonly Problem[] {
  const known = new Set(['', schema, ...extensionSchemas, 'information_schema']);
  return findFunctionPaths(sql).flatMap(({ name, clause, schemas, line }) => {
    const isElsewhere = schemas.some((each) => !known.has(each) && !each.startsWith('pg_'));
    if (!isElsewhere) return [];
    const message = `${id}: line ${line} of ${file} has ${clause} in function ${name}, which leads out of its schema`;
    return [problem('MIGRATION_FUNCTION_PATH', message, { plugin: id, file })];
  });
}
