import { BootError } from '../core/errors.ts';
import type { Tell } from '../core/events.ts';
import type { Plugin } from '../core/plugin.ts';
import { didYouMean } from '../core/suggest.ts';
import type { PoolLike } from '../postgres/connection/connection.ts';
import { withPinnedClient } from '../postgres/connection/pinned-client.ts';
import { endHolder, findHolder, type HolderReport } from '../postgres/repair/lock-holder.ts';
import { filesNamed, filesUpTo } from '../postgres/repair/named-files.ts';
import { decideOnMoves } from '../postgres/repair/relocate.ts';
import type { RepairName } from '../core/repair-call.ts';
import { repairRefused, toRepairError } from '../postgres/repair/repair-error.ts';
import { decideOnHashes, decideOnRows } from '../postgres/repair/repair-history.ts';
import type { RepairReport } from '../postgres/repair/repair-report.ts';
import { repairInTransaction, type Decide } from '../postgres/repair/repair-transaction.ts';
import type { MigrationTarget } from '../postgres/sources/migration-target.ts';
import { checkBootOptions, type BootOptions, type BootSetup } from './boot-options.ts';
import { LockWaits } from './lock-waits.ts';
import { createPatientPool } from './patient-pool.ts';
import {
  repairInput,
  type AcceptEditedOptions,
  type BaselineOptions,
  type HolderOptions,
  type RelocateOptions,
  type RepairOptions,
} from './repair-input.ts';
import { placeOf, readTargets, refuseProblems } from './survey-plugins.ts';
import { withPlugins } from './with-plugins.ts';

/**
 * Sets right what keeps a plugin from migrating, each call for one plugin, by its id; the host's is `host`. Every call but
 * `holder` decides and works in one transaction, under the migration lock of the plugin: beside a boot it is safe. A second
 * call finds nothing to do, and with `dryRun` it tells the same report and changes nothing.
 *
 * All of them throw BootError `REPAIR_REFUSED`, `REPAIR_FAILED`, `MIGRATION_LOCK_TIMEOUT` (naming the holder),
 * `MIGRATION_CONNECTION_LOST`, `DATABASE_PRIVILEGE`, `OPTIONS_INVALID`, or what `boot.plan()` throws.
 */
export interface Repair {
  /**
   * Takes files as applied without running them, all or up to one: for a database that has it all already, made by another
   * tool or by hand. Makes schema and history where they are missing.
   *
   * @example await repair.baseline('catalog', { upTo: '0003_prices.sql' });
   */
  baseline(plugin: string, options?: BaselineOptions): Promise<RepairReport>;
  /**
   * Takes single files as applied without running them.
   *
   * @example await repair.markApplied('catalog', ['0004_index.sql']);
   */
  markApplied(
    plugin: string,
    files: readonly string[],
    options?: RepairOptions,
  ): Promise<RepairReport>;
  /**
   * Takes edited files as right: their hash goes into the history. Nothing of them is run.
   *
   * @example await repair.acceptEdited('catalog', { files: ['0001_prices.sql'] });
   */
  acceptEdited(plugin: string, options?: AcceptEditedOptions): Promise<RepairReport>;
  /**
   * Moves what was stranded in `public` into the plugin's schema, with its data, indexes, grants and foreign keys. Touches
   * nothing that the host, an extension or another plugin may own.
   *
   * @example const { changes, left } = await repair.relocate('catalog', { dryRun: true });
   */
  relocate(plugin: string, options?: RelocateOptions): Promise<RepairReport>;
  /**
   * Tells who holds the migration lock of a plugin, and ends that session when asked to. Takes no lock.
   *
   * @example const { holder } = await repair.holder('catalog');
   */
  holder(plugin: string, options?: HolderOptions): Promise<HolderReport>;
}

/**
 * Makes the repairs for the plugins of a boot. Takes the same options, checks them, and does nothing else.
 *
 * @throws BootError `OPTIONS_INVALID` or `PLUGIN_INVALID`
 * @example
 * const repair = createRepair({ pool, plugins });
 * const { statements } = await repair.relocate('catalog', { dryRun: true });
 */
export function createRepair(options: BootOptions): Repair {
  const setup = checkBootOptions(options);
  return {
    async baseline(plugin, given) {
      const { upTo, ...call } = repairInput.baseline(given, 'baseline');
      return repairOne(setup, 'baseline', plugin, call, (target) => {
        const files = upTo === undefined ? target.files : filesUpTo(target, upTo);
        return (client) => decideOnRows(client, target, files);
      });
    },
    async markApplied(plugin, names, given) {
      const call = repairInput.markApplied(given, 'markApplied');
      const wanted = repairInput.files(names, 'files');
      return repairOne(setup, 'markApplied', plugin, call, (target) => {
        const files = filesNamed(target, wanted);
        return (client) => decideOnRows(client, target, files);
      });
    },
    async acceptEdited(plugin, given) {
      const { files: wanted, ...call } = repairInput.acceptEdited(given, 'acceptEdited');
      return repairOne(setup, 'acceptEdited', plugin, call, (target) => {
        const files = wanted && filesNamed(target, wanted);
        return (client) => decideOnHashes(client, target, files);
      });
    },
    async relocate(plugin, given) {
      const { objects, ...call } = repairInput.relocate(given, 'relocate');
      const { rewritePublic } = setup.settings.migrations;
      return repairOne(setup, 'relocate', plugin, call, ({ id }, targets) => {
        return (client) => decideOnMoves(client, id, { targets, objects, rewritePublic });
      });
    },
    async holder(plugin, given) {
      const { terminate } = repairInput.holder(given, 'holder');
      return withPlugin(setup, plugin, ({ id, pool, signal }) =>
        lookAtHolder(pool, { id, schema: placeOf(id, setup).schema, terminate, signal }),
      );
    },
  };
}

interface PluginAtHand {
  readonly id: string;
  /** Those that are switched off too: what is theirs is theirs. */
  readonly all: readonly Plugin[];
  /** Waits for a PostgreSQL that is not up yet. */
  readonly pool: PoolLike;
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

async function withPlugin<T>(
  setup: BootSetup,
  plugin: unknown,
  use: (plugin: PluginAtHand) => Promise<T>,
): Promise<T> {
  const wanted = repairInput.plugin(plugin, 'plugin');
  const { clock, settings, ownLogger } = setup;
  const tell: Tell = (news) => ownLogger.info({ ...news }, 'a repair waits');
  return withPlugins(setup, tell, ({ pool, gathered, graph, signal }) => {
    const all = [...graph.plugins, ...gathered.switched.off.map((off) => off.plugin)];
    const id = findPlugin(all, wanted);
    const patience = { phase: 'migrateAll', waitMs: settings.connect.wait } as const;
    const patient = createPatientPool({ pool, ...patience, clock, tell, signal });
    return use({ id, all, pool: patient, signal, tell });
  });
}

/** @throws BootError `REPAIR_REFUSED` when there is none, or none with migrations */
function findPlugin(all: readonly Plugin[], wanted: string): string {
  const found = all.find(({ id }) => id === wanted);
  const ids = all.flatMap(({ id, migrations }) => (migrations === undefined ? [] : id));
  const hint = `With migrations there are ${ids.join(', ') || 'none'}.`;
  if (!found) {
    const meant = didYouMean(wanted, ids);
    const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw repairRefused(wanted, `no plugin of this boot has that id.${advice}`, hint);
  }
  if (found.migrations === undefined) throw repairRefused(wanted, 'it has no migrations', hint);
  return wanted;
}

async function repairOne(
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
    const { ddlLockTimeout, statementTimeout = 0 } = setup.settings.migrations;
    const limits = { lockTimeoutMs: ddlLockTimeout, statementTimeoutMs: statementTimeout };
    const waits = new LockWaits(setup.clock, wait, tell);
    for (let attempt = 1; ; attempt += 1) {
      const result = await repairInTransaction(pool, target, { dryRun, signal, ...limits }, decide);
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

interface HolderQuestion {
  readonly id: string;
  readonly schema: string;
  readonly terminate: boolean;
  readonly signal: AbortSignal;
}

async function lookAtHolder(
  pool: PoolLike,
  { id, schema, terminate, signal }: HolderQuestion,
): Promise<HolderReport> {
  try {
    return await withPinnedClient(pool, { signal }, async (client) => {
      const holder = (await findHolder(client, schema)) ?? null;
      const found = { plugin: id, schema, holder };
      if (!holder || !terminate) return found;
      const because = await endHolder(client, schema, holder.pid);
      return because === undefined
        ? { ...found, terminated: true }
        : { ...found, terminated: false, because };
    });
  } catch (error) {
    throw toRepairError(id, error);
  }
}
