import { problem, type Problem } from './error-codes.ts';
import type { Plugin } from './plugin.ts';
import { getPluginSchemaName, getPreviousSchemaNames } from './schema-name.ts';

interface PreviousIdOptions {
  readonly schemaPrefix?: string;
  /** Schemas that are taken, each with its owner. */
  readonly takenSchemas?: ReadonlyMap<string, string>;
  /** Ids of plugins that take no part: their schemas stay theirs. */
  readonly absentIds?: readonly string[];
}

/**
 * Finds previous ids that belong to somebody else: a schema that is renamed is gone for everybody who knows it by its name.
 * Schemas are compared, not ids: those are what would be taken.
 */
export function findPreviousIdProblems(
  plugins: readonly Plugin[],
  { schemaPrefix, takenSchemas = new Map(), absentIds = [] }: PreviousIdOptions = {},
): readonly Problem[] {
  const owners = new Map(takenSchemas);
  for (const id of [...plugins.map((plugin) => plugin.id), ...absentIds]) {
    owners.set(getPluginSchemaName(id, schemaPrefix), `the plugin ${id}`);
  }
  const problems: Problem[] = [];
  const claims = new Map<string, string>();
  for (const { id, previousIds } of plugins) {
    for (const schema of getPreviousSchemaNames(previousIds, schemaPrefix)) {
      const owner = owners.get(schema);
      const other = claims.get(schema);
      if (owner !== undefined) problems.push(conflict(id, schema, `which ${owner} has`));
      else if (other !== undefined) problems.push(conflict(id, schema, `and so does ${other}`));
      claims.set(schema, id);
    }
  }
  return problems;
}

function conflict(plugin: string, schema: string, why: string): Problem {
  const message = `${plugin} says in previousIds that ${schema} was its schema, ${why}`;
  return problem('PREVIOUS_ID_CONFLICT', message, { plugin });
}
