import { asBootError, BootError, toProblem } from '../../core/errors.ts';
import { untilAborted } from '../../core/patience.ts';
import type { Plugin } from '../../core/plugin.ts';
import { readPlugin } from '../../core/read-plugin.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import { findPackages } from './find-packages.ts';
import { loadPackage, type KnownPlugin } from './load-package.ts';

interface FoundPlugins {
  /** The listed ones first, then the discovered ones by the names of their packages. */
  readonly plugins: readonly KnownPlugin[];
  readonly warnings: readonly string[];
  /** The problems of packages that are plugins; the others are in `plugins` all the same. */
  readonly failure?: BootError;
}

/**
 * Gathers the plugins that are listed and those of packages. A plugin that is found twice, or listed and found, is one.
 *
 * @param disabledPackages Packages whose plugins are all disabled: one of them that cannot be loaded is no failure.
 * @throws BootError `PLUGIN_NOT_LOADED` when packages cannot be looked for at all; or the reason of the signal.
 */
export async function discoverPlugins(
  { plugins: listed, discover }: Pick<BootSettings, 'plugins' | 'discover'>,
  signal: AbortSignal,
  disabledPackages: ReadonlySet<string>,
  importModule = importByNode,
): Promise<FoundPlugins> {
  if (!discover) return { plugins: listed.map(readListed), warnings: [] };
  const { packages, warnings } = await untilAborted(findPackages(discover), signal);
  const found = new Map<unknown, KnownPlugin>();
  const failures: BootError[] = [];
  // One after another, so that modules are evaluated in the same order on every machine.
  for (const each of packages) {
    try {
      const loaded = await untilAborted(loadPackage(each, importModule), signal);
      for (const [exported, plugin] of loaded) {
        if (!found.has(exported)) found.set(exported, plugin);
      }
    } catch (thrown) {
      const error = asBootError(thrown);
      if (!error) throw thrown;
      if (!disabledPackages.has(each.name)) failures.push(error);
    }
  }
  const isListed = new Set<unknown>(listed);
  const others = [...found].filter(([exported]) => !isListed.has(exported));
  return {
    plugins: [
      ...listed.map((plugin) => found.get(plugin) ?? readListed(plugin)),
      ...others.map(([, plugin]) => plugin),
    ],
    warnings,
    ...(failures.length > 0 ? { failure: together(failures, packages.length) } : {}),
  };
}

function importByNode(url: string): Promise<unknown> {
  return import(url) as Promise<unknown>;
}

function readListed(plugin: Plugin): KnownPlugin {
  return { plugin: readPlugin(plugin, 'a listed plugin') };
}

function together(failures: readonly BootError[], packages: number): BootError {
  const [only, ...others] = failures;
  if (only && others.length === 0) return only;
  const isUnloaded = failures.some(({ code }) => code === 'PLUGIN_NOT_LOADED');
  return new BootError(
    isUnloaded ? 'PLUGIN_NOT_LOADED' : 'PLUGIN_INVALID',
    `${failures.length} of ${packages} plugin packages are broken`,
    {
      phase: 'discover',
      hint: 'Solve every problem listed. Nothing has run yet.',
      problems: failures.map(toProblem),
      cause: new AggregateError(failures),
    },
  );
}
