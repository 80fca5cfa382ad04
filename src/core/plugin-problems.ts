import { coreServices } from './core-services.ts';
import { problem, type Problem } from './error-codes.ts';
import type { GraphOptions } from './graph-edges.ts';
import { ownKeys, type Plugin } from './plugin.ts';
import {
  getPluginSchemaName,
  getPreviousSchemaNames,
  isTooLongForPostgres,
  longestNameInBytes,
} from './schema-name.ts';
import { listNames } from './printable.ts';

const kebabCase = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** Finds the problems of each plugin by itself, and of plugins with the same id. */
export function findPluginProblems(
  plugins: readonly Plugin[],
  { schemaPrefix, findOrigin, takenSchemas = new Map() }: GraphOptions,
): readonly Problem[] {
  // Two plugins with one id would report the same problems twice.
  const distinct = new Map(plugins.map((plugin) => [plugin.id, plugin])).values();
  return [
    ...duplicates(plugins, findOrigin),
    ...[...distinct].flatMap((plugin) => [
      ...idProblems(plugin, schemaPrefix),
      ...keyProblems(plugin),
      ...schemaProblems(plugin, takenSchemas, schemaPrefix),
    ]),
  ];
}

function* duplicates(
  plugins: readonly Plugin[],
  findOrigin?: (plugin: Plugin) => string,
): Iterable<Problem> {
  const byId = new Map<string, readonly Plugin[]>();
  for (const plugin of plugins) byId.set(plugin.id, [...(byId.get(plugin.id) ?? []), plugin]);
  for (const [id, same] of byId) {
    if (same.length < 2) continue;
    const places = new Set(findOrigin ? same.map(findOrigin) : []);
    const where = places.size > 1 ? `: ${listNames([...places], ' and ')}` : '';
    const message = `${same.length} plugins have the id ${id}${where}`;
    yield problem('PLUGIN_DUPLICATE', message, { plugin: id });
  }
}

function idProblems(plugin: Plugin, schemaPrefix?: string): readonly Problem[] {
  const { id } = plugin;
  if (!kebabCase.test(id)) {
    return [
      problem('PLUGIN_ID_INVALID', `${JSON.stringify(id)} is not kebab-case`, { plugin: id }),
    ];
  }
  const schema = getPluginSchemaName(id, schemaPrefix);
  if (!isTooLongForPostgres(schema)) return [];
  const message = `The schema of ${id} would be ${schema}, longer than ${longestNameInBytes} bytes`;
  return [problem('SCHEMA_NAME_TOO_LONG', message, { plugin: id })];
}

/** Two owners of one schema would share its objects, and one history. */
function schemaProblems(
  { id, migrations }: Plugin,
  taken: ReadonlyMap<string, string>,
  schemaPrefix?: string,
): readonly Problem[] {
  const schema = getPluginSchemaName(id, schemaPrefix);
  const owner = taken.get(schema);
  if (owner === undefined || migrations === undefined) return [];
  const message = `The schema of ${id} would be ${schema}, which ${owner} has already`;
  return [problem('SCHEMA_TAKEN', message, { plugin: id })];
}

function keyProblems(plugin: Plugin): readonly Problem[] {
  const core: Readonly<Record<string, { readonly id: string }>> = coreServices;
  const deps = plugin.deps ?? {};
  const reserved = (key: string, role: string, owner: string): Problem =>
    problem('DEP_KEY_RESERVED', `${plugin.id} uses the key ${key} for ${role}, but ${owner}`, {
      plugin: plugin.id,
    });
  return [
    ...Object.entries(deps)
      .filter(([key, ref]) => ownKeys.has(key) && core[key]?.id !== ref.id)
      .map(([key]) => reserved(key, 'a dependency', 'init has it already')),
    ...Object.keys(plugin.provides ?? {})
      .filter((key) => ownKeys.has(key))
      .map((key) => reserved(key, 'an export', 'init has it already')),
    ...Object.keys(plugin.provides ?? {})
      .filter((key) => Object.hasOwn(deps, key))
      .map((key) => reserved(key, 'an export', 'a dependency has it already')),
  ];
}

/**
 * Finds previous ids that belong to another owner, which would lose its schema by the rename. Schemas are compared, not
 * ids, because schemas are what is renamed.
 */
export function findPreviousIdProblems(
  plugins: readonly Plugin[],
  { schemaPrefix, takenSchemas = new Map(), disabledIds = [] }: GraphOptions,
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
