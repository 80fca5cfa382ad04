import { asBootError, BootError, toProblem } from '../../core/errors.ts';
import type { PluginSource } from '../../core/events.ts';
import { untilAborted } from '../../core/patience.ts';
import type { Plugin } from '../../core/plugin.ts';
import { readPlugin } from '../../core/read-plugin.ts';
import type { DiscoverSettings } from '../options/discover-options.ts';
import { findPackages } from './find-packages.ts';
import { loadPackage, type LoadedPlugin, type LoadParts } from './load-package.ts';
import { packageFiles } from './package-files.ts';

/** A plugin and, when it was discovered, where. */
export interface KnownPlugin {
  readonly plugin: Plugin;
  readonly source?: PluginSource;
}

export interface Discovery {
  /** The listed ones first, then the discovered ones by the names of their packages. */
  readonly plugins: readonly KnownPlugin[];
  readonly warnings: readonly string[];
  /** What is wrong with packages that are plugins; the others are in `plugins` all the same. */
  readonly failure?: BootError;
}

interface DiscoverFrom {
  readonly plugins: readonly Plugin[];
  readonly discover: DiscoverSettings | undefined;
}

interface DiscoverParts extends Partial<LoadParts> {
  readonly signal: AbortSignal;
  /** Packages whose plugins are all disabled: one of them that cannot be loaded is no failure. */
  readonly disabledPackages?: ReadonlySet<string>;
}

/**
 * Gathers the plugins that are listed and those of packages.
 *
 * @throws BootError `PLUGIN_NOT_LOADED` when packages cannot be looked for at all; or the reason of the signal.
 */
export async function discoverPlugins(
  { plugins, discover }: DiscoverFrom,
  { signal, disabledPackages, files = packageFiles, importModule = importByNode }: DiscoverParts,
): Promise<Discovery> {
  if (!discover) return { plugins: plugins.map(readListed), warnings: [] };
  const { packages, warnings } = await untilAborted(findPackages(discover, files), signal);
  const loaded: LoadedPlugin[] = [];
  const failures: BootError[] = [];
  // One after another, so that modules are evaluated in the same order on every machine.
  for (const found of packages) {
    try {
      loaded.push(...(await untilAborted(loadPackage(found, { files, importModule }), signal)));
    } catch (thrown) {
      const error = asBootError(thrown);
      if (!error) throw thrown;
      if (!disabledPackages?.has(found.name)) failures.push(error);
    }
  }
  return {
    plugins: merge(plugins, loaded),
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

/** A plugin that is found twice, or listed and found, is one. */
function merge(listed: readonly Plugin[], loaded: readonly LoadedPlugin[]): readonly KnownPlugin[] {
  const byExport = new Map<unknown, LoadedPlugin>();
  for (const found of loaded) {
    if (!byExport.has(found.exported)) byExport.set(found.exported, found);
  }
  const isListed = new Set<unknown>(listed);
  return [
    ...listed.map((plugin) => byExport.get(plugin) ?? readListed(plugin)),
    ...[...byExport.values()].filter(({ exported }) => !isListed.has(exported)),
  ];
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
