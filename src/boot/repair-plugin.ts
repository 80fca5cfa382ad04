import { BootError } from '../core/errors.ts';
import type { Tell } from '../core/events.ts';
import type { Plugin } from '../core/plugin.ts';
import { listNames } from '../core/printable.ts';
import type { RepairName } from '../core/repair-call.ts';
import { didYouMean } from '../core/suggest.ts';
import type { PatientPool } from '../postgres/connection/connect-with-patience.ts';
import { repairRefused } from '../postgres/repair/repair-error.ts';
import type { RepairReport } from '../postgres/repair/repair-report.ts';
import { repairInTransaction, type Decide } from '../postgres/repair/repair-transaction.ts';
import type { MigrationTarget } from '../postgres/sources/migration-target.ts';
import type { BootSetup } from './boot-options.ts';
import { LockWaits } from './lock-waits.ts';
import { createPatientPool } from './patient-pool.ts';
import { repairInput } from './repair-input.ts';
import { readTargets, refuseProblems } from './survey-plugins.ts';
import { whileWatched } from './exit-watch.ts';
import { withPlugins, type IdlePlugins } from './with-plugins.ts';

/** The plugin that a repair is for, with what it is repaired by. */
interface PluginAtHand {
  readonly id: string;
  /** Those that are switched off too: what is theirs is theirs. */
  readonly all: readonly Plugin[];
  /** Waits for a PostgreSQL that is not up yet. */
  readonly pool: PatientPool;
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

/**
 * Gathers the plugins of a boot, and finds the one that a repair is for.
 *
 * @throws BootError `REPAIR_REFUSED` when it is none of them, or has no migrations
 */
export async function withPlugin<T>(
  setup: BootSetup,
  plugin: unknown,
  use: (plugin: PluginAtHand) => Promise<T>,
): Promise<T> {
  const wanted = repairInput.plugin(plugin, 'plugin');
  const { clock, settings, ownLogger } = setup;
  const tell: Tell = (news) => ownLogger.info({ ...news }, 'a repair waits');
  const repair = async ({ pool, gathered, graph, signal }: IdlePlugins): Promise<T> => {
    const all = [...graph.plugins, ...gathered.switched.off.map((off) => off.plugin)];
    const id = findPlugin(all, wanted);
    const patience = { phase: 'migrateAll', waitMs: settings.connect.wait } as const;
    const patient = createPatientPool({ pool, ...patience, clock, tell, signal });
    return use({ id, all, pool: patient, signal, tell });
  };
  return whileWatched(`a repair of ${wanted}`, () => withPlugins(setup, tell, repair));
}

/** @throws BootError `REPAIR_REFUSED` when there is none, or none with migrations */
function findPlugin(all: readonly Plugin[], wanted: string): string {
  const found = all.find(({ id }) => id === wanted);
  const ids = all.flatMap(({ id, migrations }) => (migrations === undefined ? [] : id));
  const hint = `With migrations there are ${listNames(ids) || 'none'}.`;
  if (!found) {
    const meant = didYouMean(wanted, ids);
    const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw repairRefused(wanted, `no plugin of this boot has that id.${advice}`, hint);
  }
  if (found.migrations === undefined) throw repairRefused(wanted, 'it has no migrations', hint);
  return wanted;
}

/** Repairs one plugin in one transaction, and waits for its migration lock for as long as it was told. */
export async function repairOne(
  setup: BootSetup,
  repair: RepairName,
  plugin: unknown,
  { dryRun, wait }: { readonly dryRun: boolean; readonly wait: number },
  /** Looks at what was asked for before the database is; `targets` are all plugins. */
  decideFor: (target: MigrationTarget, targets: readonly MigrationTarget[]) => Decide,
): Promise<RepairReport> {
  return withPlugin(setup, plugin, async ({ id, all, pool, signal, tell }) => {
    // Where things move between schemas, every plugin counts; otherwise a broken folder next door is no matter.
    const counting = repair === 'relocate' ? all : all.filter((each) => each.id === id);
    const { targets, problems } = await readTargets(counting, setup);
    refuseProblems({ problems });
    const target = targets.find((each) => each.id === id);
    if (!target) throw new BootError('BOOT_BROKEN', `no migrations of ${id} were read`);
    const decide = decideFor(target, targets);
    const { clock, settings } = setup;
    const how = { dryRun, signal, clock, settings: settings.migrations };
    const waits = new LockWaits(setup.clock, wait, tell);
    for (let attempt = 1; ; attempt += 1) {
      const result = await repairInTransaction(pool, target, how, decide);
      if (result.status === 'done') {
        const { changes, left, statements } = result.decision;
        const said = dryRun ? 'a repair was tried' : 'a repair is done';
        setup.ownLogger.info({ repair, plugin: id, dryRun, changes, left }, said);
        return { repair, plugin: id, schema: target.schema, dryRun, changes, left, statements };
      }
      waits.refused(id, result.holder);
      const waited = await waits.wait(id, attempt, signal);
      if (waited.status === 'failed') throw waited.error;
    }
  });
}
