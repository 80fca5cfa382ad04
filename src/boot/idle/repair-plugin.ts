import { BootError } from '../../core/errors.ts';
import { text } from '../../core/expect.ts';
import type { Emit } from '../../core/events.ts';
import type { Plugin } from '../../core/plugin.ts';
import { listNames } from '../../core/printable.ts';
import type { RepairName } from '../../core/repair-call.ts';
import { didYouMean } from '../../core/suggest.ts';
import { nameTenant, readTenant } from '../../core/tenants.ts';
import { withPinnedClient } from '../../postgres/connection/pinned-client.ts';
import type { PatientPool } from '../../postgres/connection/connect-with-patience.ts';
import { repairRefused } from '../../postgres/repair/repair-error.ts';
import type { RepairReport } from '../../postgres/repair/repair-report.ts';
import { repairInTransaction, type Decide } from '../../postgres/repair/repair-transaction.ts';
import type { PluginMigrations, PluginSchemas } from '../../postgres/sources/read-migrations.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import { LockWaits } from '../migrate-all/lock-waits.ts';
import type { Around } from '../around/around.ts';
import { createPatientPool } from '../around/patient-pool.ts';
import { findTenants } from '../migrate-all/find-tenants.ts';
import { nameSchemas, readAllMigrations, refuseProblems } from '../migrate-all/survey-plugins.ts';
import { whileWatched } from '../around/exit-watch.ts';
import { withPlugins } from './with-plugins.ts';

/** The plugin that a repair is for, and its connection. */
interface PluginAtHand {
  /** Its id, or the name of one of its tenants: `shop/acme`. */
  readonly id: string;
  readonly schemas: PluginSchemas;
  /** All plugins, the disabled ones too: their objects stay their own. */
  readonly all: readonly Plugin[];
  /** Waits for a PostgreSQL that is not up yet. */
  readonly pool: PatientPool;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

const pluginId = text(/^[^\0]+$/u, 'the id of a plugin');

/**
 * Gathers the plugins of a boot, and finds the one that a repair is for.
 *
 * @throws BootError `REPAIR_REFUSED` when it is none of them, or has no migrations
 */
export async function withPlugin<T>(
  settings: BootSettings,
  plugin: unknown,
  use: (plugin: PluginAtHand) => Promise<T>,
): Promise<T> {
  const wanted = pluginId(plugin, 'plugin');
  const emit: Emit = (event) => settings.ownLogger.info({ ...event }, 'a repair waits');
  const repair = () =>
    withPlugins(settings, emit, async ({ around, discovered, graph, signal }) => {
      const all = [...graph.plugins, ...discovered.disabled.map((each) => each.plugin)];
      const found = findPlugin(all, wanted);
      const pool = createPatientPool(around, { phase: 'migrateAll', signal });
      const schemas = found.tenants
        ? await findTenant(around, { plugin: found, all, wanted }, pool, signal)
        : nameSchemas(found, settings);
      return use({ id: wanted, schemas, all, pool, signal, emit });
    });
  return whileWatched(`a repair of ${wanted}`, repair);
}

/** @throws BootError `REPAIR_REFUSED` when there is none, or none with migrations */
function findPlugin(all: readonly Plugin[], named: string): Plugin {
  const { plugin: wanted, tenant } = readTenant(named);
  const found = all.find(({ id }) => id === wanted);
  const ids = all.flatMap(({ id, migrations }) => (migrations === undefined ? [] : id));
  const hint = `With migrations there are ${listNames(ids) || 'none'}.`;
  if (!found) {
    const meant = didYouMean(wanted, ids);
    const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw repairRefused(wanted, `no plugin of this boot has that id.${advice}`, hint);
  }
  if (found.migrations === undefined) throw repairRefused(wanted, 'it has no migrations', hint);
  if (tenant !== undefined && !found.tenants) throw repairRefused(wanted, 'it has no tenants');
  if (tenant === undefined && found.tenants) {
    const advice = `Name one of them in the call: '${nameTenant(wanted, 'acme')}'. slipway plan lists those that are behind.`;
    throw repairRefused(wanted, 'it has tenants, and each is repaired by itself', advice);
  }
  return found;
}

/** Asks the plugin for its tenants. @throws BootError `REPAIR_REFUSED` when this is none of them */
async function findTenant(
  around: Around,
  { plugin, all, wanted }: Pick<PluginAtHand, 'all'> & { plugin: Plugin; wanted: string },
  pool: PatientPool,
  signal: AbortSignal,
): Promise<PluginSchemas> {
  const pin = { signal, clock: around.clock, mayRepeat: () => true };
  const { tenants, problems } = await withPinnedClient(pool, pin, (client) =>
    findTenants(around, [plugin], { plugins: all }, client, signal),
  );
  refuseProblems({ problems });
  const listed = tenants.get(plugin.id) ?? [];
  const found = listed.find(({ id }) => id === wanted);
  if (found) return found;
  const ids = listed.map(({ id }) => id);
  const meant = didYouMean(wanted, ids);
  const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
  const hint = `There are ${listNames(ids) || 'none'}.`;
  throw repairRefused(wanted, `${plugin.id} has no such tenant.${advice}`, hint);
}

/** Repairs one plugin in one transaction, and waits for its migration lock for at most `wait`. */
export async function repairOne(
  settings: BootSettings,
  repair: RepairName,
  plugin: unknown,
  { dryRun, wait }: { readonly dryRun: boolean; readonly wait: number },
  /** Checks the request before anything is sent to the database. `all` has every plugin with migrations. */
  decideFor: (own: PluginMigrations, all: readonly PluginMigrations[]) => Decide,
): Promise<RepairReport> {
  return withPlugin(settings, plugin, async ({ id, schemas, all, pool, signal, emit }) => {
    const { plugin: pluginOfIt, tenant } = readTenant(id);
    if (tenant !== undefined && repair === 'relocate') {
      const why = 'objects in public may belong to any tenant, and are moved by hand';
      throw repairRefused(
        id,
        why,
        'ALTER TABLE public.… SET SCHEMA … moves a table with its data.',
      );
    }
    // A move between schemas concerns every plugin. For other repairs a broken folder of another plugin does not matter.
    const counting = repair === 'relocate' ? all : all.filter((each) => each.id === pluginOfIt);
    const { migrations, problems } = await readAllMigrations(counting, settings);
    refuseProblems({ problems });
    const read = migrations.find((each) => each.id === pluginOfIt);
    const own = read && { ...schemas, files: read.files };
    if (!own) throw new BootError('BOOT_BROKEN', `no migrations of ${id} were read`);
    const decide = decideFor(own, migrations);
    const how = { dryRun, signal, clock: settings.clock, settings: settings.migrations };
    const waits = new LockWaits(settings.clock, wait, emit);
    for (let attempt = 1; ; attempt += 1) {
      const result = await repairInTransaction(pool, own, how, decide);
      if (result.status === 'done') {
        const { changes, left, statements } = result.decision;
        const said = dryRun ? 'a repair was tried' : 'a repair is done';
        settings.ownLogger.info({ repair, plugin: id, dryRun, changes, left }, said);
        return { repair, plugin: id, schema: own.schema, dryRun, changes, left, statements };
      }
      waits.refused(id, result.holder);
      const waited = await waits.wait(id, attempt, signal);
      if (waited.status === 'failed') throw waited.error;
    }
  });
}
