import type { DiscoverResult } from '../../../machines/index.ts';
import type { Warning } from '../../core/error-codes.ts';
import { toProblem, type BootError } from '../../core/errors.ts';
import { isRequired, type Plugin } from '../../core/plugin.ts';
import { steps } from '../../core/steps.ts';
import { checkSource } from '../../postgres/connection/source-check.ts';
import type { RegistryRow } from '../../postgres/registry-table.ts';
import type { Around, RunAround } from '../around/around.ts';
import { registerPlugins } from './checkstack-form/register-plugins.ts';
import { discoverPlugins } from './discover-plugins.ts';
import type { KnownPlugin } from './load-package.ts';
import {
  findDisabled,
  findDisabledPackages,
  findMissing,
  readRegistryRows,
  setDisabledApart,
  type DisabledPlugin,
} from './registry.ts';

/** Every plugin of a boot, in the one form that the graph knows. */
export interface Discovered {
  /** All of them, the disabled ones too. */
  readonly known: readonly KnownPlugin[];
  readonly enabled: readonly KnownPlugin[];
  readonly disabled: readonly DisabledPlugin[];
  readonly warnings: readonly Warning[];
  /** The answer of the registry; `undefined` when there is none. */
  readonly rows?: readonly RegistryRow[] | undefined;
  /** The problems of single packages. */
  readonly failure?: BootError | undefined;
}

interface DiscoverPhase {
  readonly discover: (task: { readonly signal: AbortSignal }) => Promise<DiscoverResult>;
  /** Nothing before its task is done. */
  readonly discovered: () => Discovered;
}

/**
 * The first phase: which plugins there are.
 *
 * @param isFirst Whether the boot itself is launched, and not a plugin added to it.
 */
export function discoverPhase(around: RunAround, isFirst: boolean): DiscoverPhase {
  let discovered: Discovered = { known: [], enabled: [], disabled: [], warnings: [] };
  return {
    discovered: () => discovered,
    discover: async ({ signal }) => {
      discovered = await discover(around, signal, isFirst);
      emitDiscovered(around, discovered, isFirst);
      if (discovered.failure) throw discovered.failure;
      return { status: 'done' };
    },
  };
}

/**
 * Gathers the plugins: the listed ones and those of packages, in either form, and which of them the registry has disabled.
 *
 * @throws BootError `PLUGIN_NOT_LOADED`, `PLUGIN_INVALID`, `OPTIONS_INVALID`, `DATABASE_UNREACHABLE`, `DATABASE_PRIVILEGE`
 */
export async function discover(
  around: Around,
  signal: AbortSignal,
  isFirst = true,
): Promise<Discovered> {
  const { settings, services } = around;
  const rows = settings.registry ? await readRegistryRows(around, signal) : undefined;
  const found = await discoverPlugins(settings, signal, findDisabledPackages(rows));
  // A boot that is up has been asked about it when it began.
  const missing = isFirst ? findMissing(found.plugins, rows) : undefined;
  const failure = found.failure ?? (settings.registry?.missing === 'error' ? missing : undefined);
  const known = failure
    ? found.plugins
    : await registerPlugins(
        found.plugins,
        services,
        settings.ownLogger,
        findDisabled(found.plugins, rows),
      );
  for (const { plugin } of known) checkOwnPool(plugin);
  const warnings: Warning[] = found.warnings.map((message) => ({ message }));
  if (missing && !failure) warnings.push(toProblem(missing));
  return { known, ...setDisabledApart(known, rows), warnings, rows, failure };
}

/** @throws BootError `OPTIONS_INVALID` */
function checkOwnPool({ id, pool }: Plugin): void {
  if (pool !== undefined) checkSource(pool, `the pool of ${id}`);
}

/** Emits what was found, each id once; a disabled plugin has no steps to come, so they all settle here. */
function emitDiscovered(
  { settings, emit }: RunAround,
  { known, disabled }: Discovered,
  isFirst: boolean,
): void {
  const reasons = new Map(disabled.map(({ plugin, because }) => [plugin, because]));
  const host = isFirst && settings.host ? [{ plugin: settings.host.plugin }] : [];
  const seen = new Set<string>();
  for (const { plugin, source } of [...host, ...known] as readonly KnownPlugin[]) {
    if (seen.has(plugin.id)) continue;
    seen.add(plugin.id);
    const because = reasons.get(plugin);
    emit({
      type: 'plugin.discovered',
      plugin: plugin.id,
      ...(plugin.version === undefined ? {} : { version: plugin.version }),
      required: isRequired(plugin),
      enabled: because === undefined,
      ...(source ? { source } : {}),
    });
    if (because === undefined) continue;
    for (const step of steps) {
      emit({
        type: `plugin.${step}.finished`,
        plugin: plugin.id,
        outcome: 'skipped',
        durationMs: 0,
        because,
      });
    }
  }
}
