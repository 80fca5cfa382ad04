import type { Clock } from '../core/clock.ts';
import type { BootError } from '../core/errors.ts';
import type { Tell } from '../core/events.ts';
import type { PoolLike } from '../postgres/connection/connection.ts';
import type { RegistryRow } from '../postgres/registry-table.ts';
import type { BootSetup } from './boot-options.ts';
import { registerPlugins } from './checkstack-form/register-plugins.ts';
import { discoverPlugins, type Discovery, type KnownPlugin } from './discover/discover-plugins.ts';
import { createPatientPool } from './patient-pool.ts';
import {
  disabledIn,
  findMissing,
  lookUpRegistry,
  missingPlugins,
  packagesOff,
  switchOff,
  type Switched,
} from './plugin-registry.ts';
import type { ServiceRegistry } from './service-registry.ts';

export interface GatherParts {
  readonly pool: PoolLike;
  readonly clock: Clock;
  readonly services: ServiceRegistry;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly onStatement?: () => void;
}

/** Every plugin of a boot, in the one form that the graph knows. */
export interface GatheredPlugins {
  /** All of them, those that are switched off too. */
  readonly known: readonly KnownPlugin[];
  readonly switched: Switched;
  readonly warnings: readonly string[];
  /** What the registry said; `undefined` when there is none. */
  readonly rows?: readonly RegistryRow[] | undefined;
  /** What is wrong with single packages. */
  readonly failure?: BootError | undefined;
}

export const noPlugins: GatheredPlugins = {
  known: [],
  switched: { on: [], off: [] },
  warnings: [],
};

/**
 * Gathers the plugins: those that are listed and those of packages, in either form, without those that are switched off.
 *
 * @throws BootError `PLUGIN_NOT_LOADED`, `PLUGIN_INVALID`, `DATABASE_UNREACHABLE`, `DATABASE_PRIVILEGE`
 */
export async function gatherPlugins(
  setup: BootSetup,
  parts: GatherParts,
): Promise<GatheredPlugins> {
  const { services, signal } = parts;
  const rows = setup.registry ? await readRows(setup, parts) : undefined;
  const discovery = await discoverPlugins(setup, { signal, switchedOff: packagesOff(rows) });
  const { failure } = discovery;
  if (failure) return { ...together(discovery, rows), failure };
  const missing = findMissing(discovery.plugins, rows);
  if (missing.length > 0 && setup.registry?.missing === 'error') {
    return { ...together(discovery, rows), failure: missingPlugins(missing) };
  }
  const form = { services, logger: setup.ownLogger, disabled: disabledIn(discovery.plugins, rows) };
  const found = together(registerPlugins(discovery, form), rows);
  if (missing.length === 0) return found;
  return { ...found, warnings: [...found.warnings, missingPlugins(missing).message] };
}

function together(
  { plugins, warnings }: Discovery,
  rows: readonly RegistryRow[] | undefined,
): GatheredPlugins {
  return { known: plugins, switched: switchOff(plugins, rows), warnings, rows };
}

function readRows(
  { settings }: BootSetup,
  { pool, clock, tell, signal, onStatement }: GatherParts,
): Promise<readonly RegistryRow[] | undefined> {
  const patient = createPatientPool({
    pool,
    phase: 'discover',
    waitMs: settings.connect.wait,
    clock,
    tell,
    signal,
  });
  return lookUpRegistry(patient, { signal, clock, onStatement, mayRepeat: () => true });
}
