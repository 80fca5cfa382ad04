import { problem, type Problem } from '../../core/error-codes.ts';
import { asBootError, BootError } from '../../core/errors.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { deadlineAfter, untilAborted, withEither } from '../../core/patience.ts';
import type { Plugin } from '../../core/plugin.ts';
import { getPluginSchemaName } from '../../core/schema-name.ts';
import type { TenantsContext } from '../../core/tenants.ts';
import { isConnectionLost } from '../../postgres/connection/connection-error.ts';
import type { PinnedClient } from '../../postgres/connection/pinned-client.ts';
import { queryReadOnly } from '../../postgres/connection/read-only-query.ts';
import type { PluginSchemas } from '../../postgres/sources/read-migrations.ts';
import type { Around } from '../around/around.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import { nameTenantSchemas, type TenantSchemas } from './tenant-schemas.ts';

/** The tenants of the plugins that have the option `tenants`. */
export interface FoundTenants {
  /** By plugin. Empty for one whose tenants cannot be used. */
  readonly tenants: ReadonlyMap<string, readonly TenantSchemas[]>;
  readonly problems: readonly Problem[];
}

export const noTenants: FoundTenants = { tenants: new Map(), problems: [] };

/**
 * Asks each plugin with the option for its tenants, one after the other, on the connection of the survey. What one of them
 * returns wrong, or throws, is a problem.
 *
 * @throws BootError `TENANTS_INVALID` for a function that does not settle: its query may still run on the connection
 */
export async function findTenants(
  { settings, clock }: Pick<Around, 'settings' | 'clock'>,
  plugins: readonly Plugin[],
  client: PinnedClient,
  signal: AbortSignal,
): Promise<FoundTenants> {
  const tenants = new Map<string, readonly TenantSchemas[]>();
  const problems: Problem[] = [];
  const taken = listTaken(plugins, settings);
  for (const plugin of plugins) {
    if (!plugin.tenants) continue;
    const { id, timeouts, previousIds } = plugin;
    const { schemaPrefix } = settings.migrations;
    const ms =
      timeouts?.init === undefined
        ? settings.init.timeout
        : toMilliseconds(timeouts.init, 'timeout');
    const deadline = deadlineAfter(clock, ms);
    try {
      const returned = await askForTenants(plugin.tenants, client, [signal, deadline.signal]);
      tenants.set(id, nameTenantSchemas(returned, { id, previousIds, schemaPrefix, taken }));
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.signal.aborted) throw tooSlow(id, ms);
      if (isConnectionLost(error)) throw error;
      tenants.set(id, []);
      problems.push(tenantsInvalid(id, error));
    } finally {
      deadline.cancel();
    }
  }
  return tenants.size === 0 ? noTenants : { tenants, problems };
}

async function askForTenants(
  tenants: NonNullable<Plugin['tenants']>,
  client: PinnedClient,
  signals: readonly AbortSignal[],
): Promise<unknown> {
  let isOpen = true;
  const query = async (text: string, values: readonly unknown[] = []): Promise<unknown> => {
    if (!isOpen) throw new Error('query() was used after tenants() had ended');
    return queryReadOnly(client, text, values);
  };
  try {
    return await withEither(signals, (signal) => {
      const context = { query: query as TenantsContext['query'], signal };
      return untilAborted((async () => tenants(context))(), signal);
    });
  } finally {
    isOpen = false;
  }
}

/** By schema, what has it already: a tenant cannot have the schema of a plugin, even of one without migrations now. */
function listTaken(
  plugins: readonly Plugin[],
  { host, migrations }: BootSettings,
): Map<string, string> {
  const { schemaPrefix } = migrations;
  const taken = new Map([['slipway', 'the registry of plugins']]);
  if (host) taken.set(host.schema, 'the host').set(host.historySchema, 'the host');
  for (const { id, schemas = [] } of plugins) {
    taken.set(getPluginSchemaName(id, schemaPrefix), `the plugin ${id}`);
    for (const schema of schemas) taken.set(schema, `the plugin ${id}`);
  }
  return taken;
}

function tenantsInvalid(plugin: string, error: unknown): Problem {
  const known = asBootError(error);
  const message = known
    ? `${plugin}: ${readMessage(error)}`
    : `${plugin}: its function tenants has failed: ${readMessage(error)}`;
  return problem('TENANTS_INVALID', message, { plugin, ...(known ? {} : { hint: ifItFails }) });
}

const ifItFails =
  'Nothing has been migrated when it is called: on a first boot no table is there yet. Ask to_regclass() for the table, and return [] without it.';

function tooSlow(plugin: string, ms: number): BootError {
  return new BootError(
    'TENANTS_INVALID',
    `${plugin}: its function tenants has not settled within ${ms} ms`,
    {
      plugin,
      phase: 'migrateAll',
      hint: 'Look for a query without an answer in it, or a promise that never settles. It has the time of an init: timeouts.init of the plugin, or init.timeout.',
    },
  );
}

/** Puts the tenants of each plugin in its place: as many schemas, each with all files of the plugin. */
export function expandTenants<Named extends PluginSchemas>(
  plugins: readonly Named[],
  { tenants }: FoundTenants,
): readonly Named[] {
  if (tenants.size === 0) return plugins;
  return plugins.flatMap(
    (plugin) =>
      tenants.get(plugin.id)?.map(({ name: _name, ...schemas }) => ({ ...plugin, ...schemas })) ??
      plugin,
  );
}
