import type { TaskArgs } from '../../../machines/index.ts';
import { BootError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { readMessage } from '../../core/foreign-value.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { TenantsReport } from '../../core/report.ts';
import { getTenant } from '../../core/tenants.ts';
import {
  addToTenant,
  createTenantsRecord,
  reportTenants,
  type TenantsRecord,
} from '../../insight/tenants-record.ts';
import type { RunAround } from '../around/around.ts';
import type { SchemaOwners } from './find-tenants.ts';
import { KnownTenants } from './known-tenants.ts';
import { migrateAllPhase } from './migrate-all-phase.ts';
import type { PluginPath } from './plugin-path.ts';

/**
 * Migrates the tenants of a plugin that is up: asks for the names again, and does for that plugin what a boot does. Emits the
 * events of its tenants, and none of the plugin, whose own step is over. New tenants are known once all are migrated.
 *
 * @throws BootError as a boot does; `BOOT_CANCELED` when the signal is aborted
 */
export async function migrateTenants(
  around: RunAround,
  plugin: Plugin,
  path: PluginPath,
  known: KnownTenants,
  owners: SchemaOwners,
  signal: AbortSignal,
): Promise<TenantsReport> {
  const { id } = plugin;
  const record = createTenantsRecord(0);
  const emit = recordTenants(record, around.emit);
  const found = new KnownTenants();
  const graph = { plugins: [plugin], nodes: [], edges: [], warnings: [] };
  const phase = migrateAllPhase(
    { ...around, emit },
    noPackages,
    () => graph,
    path,
    found,
    () => owners,
  );
  const give = <Input>(input: Input): TaskArgs<Input> => ({
    input,
    signal,
    windDown: signal,
    isCanceled: signal.aborted,
  });
  const migrateAll = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const result = await phase.migrate(give({ plugin: id, slot: 1 }));
      if (result.status === 'done') return;
      if (result.status === 'failed') throw result.error;
      signal.throwIfAborted();
      const waited = await phase.wait(give({ plugin: id, attempt }));
      if (waited.status === 'failed') throw waited.error;
      signal.throwIfAborted();
    }
  };
  try {
    const surveyed = await phase.survey(give(undefined));
    if (surveyed.status === 'failed') throw surveyed.error;
    const isBehind = surveyed.status === 'done' && !surveyed.upToDate.includes(id);
    if (isBehind) await migrateAll();
    await phase.flush(give({ outcome: 'done' }));
  } catch (error) {
    // What was committed is flushed, whatever the reason.
    await phase.flush(give({ outcome: 'failed' })).catch(() => undefined);
    if (signal.aborted) throw canceled(id, signal.reason);
    throw error;
  } finally {
    phase.close();
  }
  known.take(id, found);
  return reportTenants(record);
}

/** Adds the events of tenants to the record, and passes them on. Those of the plugin are left out, but for warnings. */
function recordTenants(record: TenantsRecord, emit: Emit): Emit {
  return (event) => {
    if (event.type === 'plugin.migrate.planned' && event.tenants) {
      record.total = event.tenants.total;
    }
    const tenant = getTenant(event);
    if (tenant !== undefined) addToTenant(record, tenant, event);
    const isWarning = event.type === 'boot.warning' || event.type === 'plugin.migrate.warning';
    const isOfTenant = tenant !== undefined && event.type !== 'plugin.migrate.waiting';
    if (isWarning || isOfTenant) emit(event);
  };
}

function canceled(plugin: string, reason: unknown): BootError {
  const message = `The migration of the tenants of ${plugin} was canceled, because ${readMessage(reason)}`;
  return new BootError('BOOT_CANCELED', message, { plugin, phase: 'migrateAll' });
}

/** The registry of plugins is not written. */
const noPackages = (): never => {
  throw new Error('the packages of plugins are not looked for');
};
