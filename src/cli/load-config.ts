import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BootError, createBoot, type Boot, type BootOptions } from '../index.ts';

/** The names of a config, in the order in which they are tried. */
export const configNames = ['ts', 'mts', 'js', 'mjs'].map((ending) => `slipway.config.${ending}`);

/**
 * Makes a boot from the config for `use`. Afterwards its pools are ended, also those that the config has made, so that the
 * process can end.
 *
 * @param path The config; left out, it is searched in the working folder.
 * @param adapt Changes the options that the config gives.
 * @throws BootError `CONFIG_NOT_FOUND`, `CONFIG_INVALID`, and what `createBoot()` and `use` throw
 */
export async function withBoot<T>(
  path: string | undefined,
  use: (boot: Boot) => Promise<T>,
  adapt: (options: BootOptions) => BootOptions = (options) => options,
): Promise<T> {
  return withConfig(path, (options) => use(createBoot(adapt(options))));
}

/**
 * Loads the config for `use`, and ends the pools that it has made afterwards.
 *
 * @throws BootError `CONFIG_NOT_FOUND`, `CONFIG_INVALID`, and what `use` throws
 */
export async function withConfig<T>(
  path: string | undefined,
  use: (options: BootOptions) => Promise<T>,
): Promise<T> {
  const options = await loadConfig(path);
  try {
    return await use(options);
  } finally {
    endPools(options);
  }
}

/** Loads the options that the config exports by default. */
export async function loadConfig(path: string | undefined): Promise<BootOptions> {
  const config = await loadFleetConfig(path);
  if ('pool' in config) return config;
  throw notOptions(findConfig(path));
}

/** Loads them for a fleet, whose databases take the place of the pool: it may be missing. */
export async function loadFleetConfig(path: string | undefined): Promise<BootOptions> {
  const file = findConfig(path);
  const config = await loadDefault(file);
  // What is in them is checked by `createBoot()`.
  if (typeof config === 'object' && config !== null) return config as BootOptions;
  throw notOptions(file);
}

function notOptions(file: string): BootError {
  const message = `${basename(file)} does not export the options of a boot by default`;
  return new BootError('CONFIG_INVALID', message);
}

/**
 * Loads the default export of a module of the user. A function is called, and what it returns is awaited.
 *
 * @param hint What to do when that fails.
 * @throws BootError `CONFIG_INVALID`
 */
export async function loadDefault(file: string, hint?: string): Promise<unknown> {
  try {
    const exported = readDefault(await importConfig(file));
    return typeof exported === 'function' ? await exported() : exported;
  } catch (cause) {
    const message = `${basename(file)} failed when it was loaded`;
    throw new BootError('CONFIG_INVALID', message, { cause, hint });
  }
}

function findConfig(path: string | undefined): string {
  const folder = process.cwd();
  const names = path === undefined ? configNames : [path];
  const found = names.map((name) => resolve(folder, name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  const [last, ...others] = names.toReversed();
  const list = others.length === 0 ? last : `${others.toReversed().join(', ')} or ${last}`;
  throw new BootError('CONFIG_NOT_FOUND', `There is no ${list} in ${folder}`);
}

async function importConfig(file: string): Promise<object> {
  // With these hooks plugins in TypeScript that are packages are imported, too.
  if (file.endsWith('ts') && !hasTypeScript()) await import(import.meta.resolve('jiti/register'));
  return (await import(pathToFileURL(file).href)) as object;
}

/** Whether Node.js itself imports TypeScript. */
function hasTypeScript(): boolean {
  return 'typescript' in process.features && Boolean(process.features.typescript);
}

/** Of a module that jiti has compiled, the default export is all its exports. One of CommonJS may be its own default export. */
function readDefault(exports: unknown): unknown {
  const seen = new Set<unknown>();
  let value = exports;
  while (typeof value === 'object' && value !== null && 'default' in value && !seen.has(value)) {
    seen.add(value);
    value = value.default;
  }
  return value;
}

/** The pool of an option stays the caller's, and here nothing else would end it. */
export function endPools({
  pool,
  migrationPool,
}: Partial<Pick<BootOptions, 'pool' | 'migrationPool'>>): void {
  for (const each of new Set([pool, migrationPool])) {
    if (typeof each !== 'object' || !('end' in each) || each.ending) continue;
    // A client that is still out keeps it open, and is no reason to wait.
    void each.end().catch(() => undefined);
  }
}
