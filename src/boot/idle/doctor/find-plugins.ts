import type { Pool } from 'pg';
import type { Problem, Warning } from '../../../core/error-codes.ts';
import { asBootError, BootError, toProblem } from '../../../core/errors.ts';
import type { Plugin } from '../../../core/plugin.ts';
import type { Around } from '../../around/around.ts';
import { ServiceRegistry } from '../../around/service-registry.ts';
import { StatementCount } from '../../around/statement-count.ts';
import { discover, type Discovered } from '../../discover/discover-phase.ts';
import { findMissing } from '../../discover/registry.ts';
import type { BootSettings } from '../../options/boot-settings.ts';
import { sortPlugins } from '../../sort/sort-phase.ts';

/** The plugins of a boot, as far as they are known. */
export interface FoundPlugins {
  /** In the order of the boot; empty when that is unknown. */
  readonly sorted: readonly Plugin[];
  /** The disabled ones and the host too. */
  readonly known: readonly Plugin[];
  readonly disabled: readonly string[];
  readonly warnings: readonly Warning[];
  /** Why the order is unknown; empty when it is known. */
  readonly problems: readonly Problem[];
  readonly registry: RegistryAnswer;
}

/** The answer of `slipway.plugins`. */
export type RegistryAnswer =
  | { readonly state: 'unused' | 'unasked' | 'not made yet' }
  | { readonly state: 'read'; readonly rows: number; readonly missing?: Problem }
  | { readonly state: 'refused'; readonly problem: Problem };

/** Discovers and sorts the plugins as a boot does. A registry that cannot be read does not hide the rest. */
export async function findPlugins(
  settings: BootSettings,
  migrationPool: Pool,
  isDatabaseUp: boolean,
  signal: AbortSignal,
): Promise<FoundPlugins> {
  if (!isDatabaseUp) {
    const registry = { state: settings.registry ? 'unasked' : 'unused' } as const;
    return withoutRegistry(settings, migrationPool, registry);
  }
  try {
    return await sortFound(settings, migrationPool, signal);
  } catch (error) {
    const known = asBootError(error) ?? (signal.aborted ? silentRegistry(error) : undefined);
    if (!known) throw error;
    const isOfRegistry =
      settings.registry && known.phase === 'discover' && registryCodes.has(known.code);
    if (!isOfRegistry) return unsorted(settings, [], known, { state: 'unasked' });
    const registry = { state: 'refused', problem: toProblem(known) } as const;
    return withoutRegistry(settings, migrationPool, registry);
  }
}

/** The error for a table that another session has locked. */
function silentRegistry(cause: unknown): BootError {
  return new BootError('DATABASE_UNREACHABLE', 'slipway.plugins gave no answer in time', {
    phase: 'discover',
    hint: 'Another session may have locked the table: look into pg_locks.',
    cause,
  });
}

const registryCodes: ReadonlySet<string> = new Set([
  'SCHEMA_TAKEN',
  'DATABASE_PRIVILEGE',
  'DATABASE_UNREACHABLE',
]);

async function withoutRegistry(
  settings: BootSettings,
  migrationPool: Pool,
  registry: RegistryAnswer,
): Promise<FoundPlugins> {
  // It asks the database nothing.
  const { signal } = new AbortController();
  try {
    const found = await sortFound({ ...settings, registry: undefined }, migrationPool, signal);
    return { ...found, registry };
  } catch (error) {
    const known = asBootError(error);
    if (!known) throw error;
    return unsorted(settings, [], known, registry);
  }
}

async function sortFound(
  settings: BootSettings,
  migrationPool: Pool,
  signal: AbortSignal,
): Promise<FoundPlugins> {
  const around: Around = {
    settings,
    clock: settings.clock,
    migrationPool,
    services: new ServiceRegistry(settings.services),
    emit: () => undefined,
    sent: new StatementCount(),
    cut: signal,
  };
  const discovered = await discover(around, signal);
  const { disabled, failure, rows } = discovered;
  const missing = findMissing(discovered.known, rows);
  const registry = describeRegistry(settings, rows?.length, missing);
  const isMissing = failure !== undefined && failure.message === missing?.message;
  const known = listKnown(settings, discovered);
  if (failure && !isMissing) return unsorted(settings, known, failure, registry);
  try {
    const { plugins, warnings } = sortPlugins(discovered, settings);
    return {
      sorted: plugins,
      known,
      disabled: disabled.map(({ plugin }) => plugin.id),
      warnings: warnings.filter(({ message }) => message !== missing?.message),
      problems: [],
      registry,
    };
  } catch (error) {
    const invalid = asBootError(error);
    if (!invalid) throw error;
    return unsorted(settings, known, invalid, registry);
  }
}

function describeRegistry(
  { registry }: BootSettings,
  rows: number | undefined,
  missing: BootError | undefined,
): RegistryAnswer {
  if (!registry) return { state: 'unused' };
  if (rows === undefined) return { state: 'not made yet' };
  return { state: 'read', rows, ...(missing && { missing: toProblem(missing) }) };
}

function listKnown({ host }: BootSettings, { known }: Discovered): readonly Plugin[] {
  return [...(host ? [host.plugin] : []), ...known.map(({ plugin }) => plugin)];
}

function unsorted(
  { host, plugins }: BootSettings,
  known: readonly Plugin[],
  error: BootError,
  registry: RegistryAnswer,
): FoundPlugins {
  const listed = [...(host ? [host.plugin] : []), ...plugins];
  return {
    sorted: [],
    known: known.length > 0 ? known : listed,
    disabled: [],
    warnings: [],
    problems: error.problems ?? [toProblem(error)],
    registry,
  };
}
