import { coreServices } from './core-services.ts';
import { problem, type Problem } from './error-codes.ts';
import { ownKeys, type Plugin } from './plugin.ts';
import { getPluginSchemaName, isTooLongForPostgres, longestNameInBytes } from './schema-name.ts';

const kebabCase = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** Finds what is wrong with each plugin by itself, and with two of the same id. */
export function findPluginProblems(
  plugins: readonly Plugin[],
  schemaPrefix?: string,
): readonly Problem[] {
  return [
    ...duplicates(plugins),
    ...plugins.flatMap((plugin) => [...idProblems(plugin, schemaPrefix), ...keyProblems(plugin)]),
  ];
}

function* duplicates(plugins: readonly Plugin[]): Iterable<Problem> {
  const counts = new Map<string, number>();
  for (const { id } of plugins) counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const [id, count] of counts) {
    if (count < 2) continue;
    yield problem('PLUGIN_DUPLICATE', `${count} plugins have the id ${id}`, { plugin: id });
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
