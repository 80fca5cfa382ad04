import { problem, type Problem } from './error-codes.ts';
import { pluginInvalid } from './errors.ts';
import type { GraphOptions } from './graph-edges.ts';
import type { Plugin } from './plugin.ts';
import {
  getPluginSchemaName,
  getPreviousSchemaNames,
  isTooLongForPostgres,
} from './schema-name.ts';

/** The most further schemas that a plugin may have. */
const mostSchemas = 20;

/**
 * Checks the further schemas of a plugin. The graph checks that no other owner has them.
 *
 * @throws BootError `PLUGIN_INVALID`
 */
export function checkFurtherSchemas(value: unknown, migrations: unknown, name: string): void {
  if (value === undefined) return;
  const expected = `an array of at most ${mostSchemas} names of schemas`;
  if (!Array.isArray(value)) throw pluginInvalid(name, expected, value);
  if (value.length > mostSchemas) throw pluginInvalid(name, expected, value);
  const names = new Set<unknown>();
  // An index, because callbacks such as forEach skip the holes of a list.
  for (let index = 0; index < value.length; index += 1) {
    const schema: unknown = value[index];
    checkName(schema, `${name}[${index}]`);
    if (names.has(schema)) {
      throw pluginInvalid(`${name}[${index}]`, 'a schema that is not listed twice', schema);
    }
    names.add(schema);
  }
  if (names.size > 0 && migrations === undefined) {
    const why = 'left out in a plugin without migrations, because only migrations make schemas';
    throw pluginInvalid(name, why, value);
  }
}

function checkName(value: unknown, name: string): void {
  const isName =
    typeof value === 'string' &&
    value !== '' &&
    !/\p{Cc}|\p{Cs}/u.test(value) &&
    !isTooLongForPostgres(value);
  if (!isName) {
    const expected = 'the name of a schema, unquoted: 1 to 63 bytes, no control characters';
    throw pluginInvalid(name, expected, value);
  }
  if (value.startsWith('pg_') || value === 'information_schema') {
    throw pluginInvalid(name, 'a schema that PostgreSQL does not keep for itself', value);
  }
  if (value === 'public') {
    throw pluginInvalid(name, 'a schema of the plugin alone, which public is not', value);
  }
}

/** Finds further schemas that have another owner already: a plugin, the host, Slipway or the extensions. */
export function findFurtherSchemaProblems(
  plugins: readonly Plugin[],
  options: GraphOptions,
): readonly Problem[] {
  if (plugins.every(({ schemas = [] }) => schemas.length === 0)) return [];
  const { schemaPrefix } = options;
  const owners = findOwners(plugins, options);
  const claims = new Map<string, string>();
  return plugins.flatMap(({ id, previousIds, schemas = [] }) => {
    const own = getPluginSchemaName(id, schemaPrefix);
    const former = getPreviousSchemaNames(previousIds, schemaPrefix);
    return schemas.flatMap((schema) => {
      const other = claims.get(schema);
      claims.set(schema, id);
      if (schema === own) return [taken(id, schema, 'its own already')];
      if (former.includes(schema)) return [taken(id, schema, 'one of its previousIds')];
      const owner = owners.get(schema) ?? (other === undefined ? undefined : `one of ${other} too`);
      return owner === undefined ? [] : [taken(id, schema, owner)];
    });
  });
}

/** By schema, what the message says of it. */
function findOwners(
  plugins: readonly Plugin[],
  { schemaPrefix, takenSchemas, disabledIds = [], extensionSchemas = [] }: GraphOptions,
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const schema of extensionSchemas) owners.set(schema, 'one of migrations.extensionSchemas');
  for (const { id, previousIds } of plugins) {
    for (const schema of getPreviousSchemaNames(previousIds, schemaPrefix)) {
      owners.set(schema, `claimed by the plugin ${id} in previousIds`);
    }
  }
  for (const id of [...plugins.map((plugin) => plugin.id), ...disabledIds]) {
    owners.set(getPluginSchemaName(id, schemaPrefix), `that of the plugin ${id}`);
  }
  for (const [schema, owner] of takenSchemas ?? []) owners.set(schema, `that of ${owner}`);
  return owners;
}

function taken(plugin: string, schema: string, why: string): Problem {
  const message = `${plugin} lists ${schema} in schemas, which is ${why}`;
  return problem('SCHEMA_TAKEN', message, {
    plugin,
    hint: 'Each schema has one owner: remove it from schemas, or give one of the two another schema.',
  });
}
