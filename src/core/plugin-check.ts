import { toMilliseconds } from './duration.ts';
import { BootError, pluginInvalid } from './errors.ts';
import { integer, record } from './expect.ts';
import { checkFurtherSchemas } from './further-schemas.ts';
import type { Plugin } from './plugin.ts';
import { pluginFields, readable } from './read-plugin.ts';
import { checkMigrationSource } from './migration-source-check.ts';
import { findUnknownKey } from './suggest.ts';
import { isRecord } from './foreign-value.ts';

const refKinds = {
  deps: ['service', 'optional', 'collection'],
  provides: ['service', 'collection'],
};

/**
 * Checks that a value has the form of a plugin. The graph checks its id and its dependencies.
 *
 * @param name The name of the value in the message, such as `plugins[2]`.
 * @throws BootError `PLUGIN_INVALID`
 */
export function checkPlugin(value: unknown, name: string): Plugin {
  return readable(name, value, () => checkFields(value, name));
}

function checkFields(value: unknown, name: string): Plugin {
  const given = asRecord(value, name, 'a plugin made by definePlugin()');
  const expect = (right: boolean, field: string, expected: string): void => {
    if (!right) throw pluginInvalid(`${name}.${field}`, expected, given[field]);
  };
  const has = (field: string, type: 'string' | 'boolean' | 'function'): boolean =>
    given[field] === undefined || typeof given[field] === type;

  knownFieldsOnly(given, name);
  if (typeof given['id'] !== 'string') throw pluginInvalid(`${name}.id`, 'a string', given['id']);
  expect(has('version', 'string'), 'version', 'a string');
  for (const field of ['tenants', 'database', 'register', 'init', 'ready'])
    expect(has(field, 'function'), field, 'a function');
  expect(has('required', 'boolean'), 'required', 'true or false');
  checkMigrationSource(given['migrations'], `${name}.migrations`);
  expect(
    given['tenants'] === undefined || given['migrations'] !== undefined,
    'migrations',
    'there for the schemas of its tenants',
  );
  expect(
    given['tenants'] === undefined || !isFilled(given['schemas']),
    'schemas',
    'left out beside tenants, which have a schema each',
  );
  checkFurtherSchemas(given['schemas'], given['migrations'], `${name}.schemas`);
  expect(isListOfText(given['after']), 'after', 'an array of plugin ids');
  expect(
    isListOfText(given['previousIds'], /^[^\0]+$/u),
    'previousIds',
    'an array of ids that the plugin had before',
  );
  for (const field of ['deps', 'provides'] as const)
    checkRefs(given[field], `${name}.${field}`, refKinds[field]);
  expect(
    !hasExports(given) || given['init'] !== undefined,
    'init',
    'a function that returns what provides lists',
  );
  checkTimes(given, name);
  return value as Plugin;
}

/** Refuses unknown fields: a misspelt one could leave a plugin without its migrations. */
function knownFieldsOnly(given: Readonly<Record<string, unknown>>, name: string): void {
  const unknown = findUnknownKey(given, pluginFields);
  if (!unknown || given['id'] === undefined) return;
  const { key, meant } = unknown;
  const advice = meant === undefined ? '' : `. Did you mean ${meant}?`;
  throw new BootError('PLUGIN_INVALID', `${name} has a field ${key}, which no plugin has${advice}`);
}

function asRecord(
  value: unknown,
  name: string,
  expected: string,
): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw pluginInvalid(name, expected, value);
}

function isListOfText(value: unknown, pattern = /^/): boolean {
  const isText = (item: unknown): boolean => typeof item === 'string' && pattern.test(item);
  return value === undefined || (Array.isArray(value) && value.every(isText));
}

function hasExports(given: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(given['provides'] ?? {}).length > 0;
}

function checkRefs(value: unknown, name: string, kinds: readonly string[]): void {
  if (value === undefined) return;
  const expected = `a ${kinds.join(' or ')} ref`;
  for (const [key, ref] of Object.entries(asRecord(value, name, 'an object of refs'))) {
    const { kind, id } = asRecord(ref, `${name}.${key}`, expected);
    if (typeof id === 'string' && typeof kind === 'string' && kinds.includes(kind)) continue;
    throw pluginInvalid(`${name}.${key}`, expected, ref);
  }
}

/** Checks the times, whose error is about options of the plugin. */
function checkTimes(given: Readonly<Record<string, unknown>>, name: string): void {
  for (const [key, value] of Object.entries(record(given['timeouts'] ?? {}, `${name}.timeouts`))) {
    if (value !== undefined) toMilliseconds(value, `${name}.timeouts.${key}`);
  }
  if (given['retry'] === undefined) return;
  const { attempts, backoff } = record(given['retry'], `${name}.retry`);
  integer(1, 100)(attempts, `${name}.retry.attempts`);
  if (backoff !== undefined) toMilliseconds(backoff, `${name}.retry.backoff`);
}

function isFilled(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}
