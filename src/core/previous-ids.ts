import { problem, type Problem } from './error-codes.ts';
import type { Plugin } from './plugin.ts';
import { getPluginSchemaName, getPreviousSchemaNames } from './schema-name.ts';

interface PreviousIdOptions {
  readonly schemaPrefix?: string;
  /** Schemas that are taken, each with its owner. */
  readonly takenSchemas?: ReadonlyMap<string, string>;
  /** The ids of disabled plugins, which keep their schemas. */
  readonly disabledIds?: readonly string[];
}

/**
 * Finds previous ids that belong to another owner, which would lose its schema by the rename. Schemas are compared, not
 * ids, because schemas are what is renamed.
 */
export function findPreviousIdProblems(
  plugins: readonly Plugin[],
  { schemaPrefix, takenSchemas = new Map(), disabledIds = [] }: PreviousIdOptions = {},
): readonly Problem[] {
  const owners = new Map(takenSchemas);
  for (const id of [...plugins.map((plugin) => plugin.id), ...disabledIds]) {
    owners.set(getPluginSchemaName(id, schemaPrefix), `the plugin ${id}`);
  }
  const problems: Problem[] = [];
  const claims = new Map<string, string>();
  for (const { id, previousIds } of plugins) {
    for (const schema of getPreviousSchemaNames(previousIds, schemaPrefix)) {
      const owner = owners.get(schema);
      const other = claims.get(schema);
      if (owner !== undefined) problems.push(conflict(id, schema, `which ${owner} has`));
      else if (other !== undefined)
        problems.push(conflict(id, schema, `which ${other} claims too`));
      claims.set(schema, id);
    }
  }
  return problems;
}

function conflict(plugin: string, schema: string, why: string): Problem {
  const message = `${plugin} claims the schema ${schema} in previousIds, ${why}`;
  return problem('PREVIOUS_ID_CONFLICT', message, { plugin });
}
