import type { ExtensionFacts } from '../survey/extension-schemas.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { toScript } from './migration-script.ts';
import type { MigrationWork } from './migration-work.ts';
import { toFunctionWork, type FunctionLife } from './function-work.ts';

export interface WorkOptions extends FunctionLife {
  /** Whether `"public".` in a text means the plugin's own schema. */
  readonly rewritePublic: boolean;
  /** Where a `CREATE EXTENSION` without a schema goes. */
  readonly extensions: ExtensionFacts;
}

/** Makes a migration ready to run, whatever it is written in. */
export async function prepareWork(
  migration: Migration,
  options: WorkOptions,
): Promise<MigrationWork> {
  return isSql(migration)
    ? toScript(migration, options.schema, options.rewritePublic, options.extensions)
    : toFunctionWork(migration, options);
}
