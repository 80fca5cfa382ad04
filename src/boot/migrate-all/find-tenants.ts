import { problem, type Problem } from '../../core/error-codes.ts';
import { asBootError, BootError } from '../../core/errors.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { deadlineAfter, untilAborted, withEither } from '../../core/patience.ts';
import type { Plugin } from '../../core/plugin.ts';
import { getPluginSchemaName, getPreviousSchemaNames } from '../../core/schema-name.ts';
import { nameTenant, type TenantsContext } from '../../core/tenants.ts';
import { isConnectionLost } from '../../postgres/connection/connection-error.ts';
import type { PinnedClient } from '../../postgres/connection/pinned-client.ts';
import { queryReadOnly } from '../../postgres/connection/read-only-query.ts';
import type { PluginSchemas } from '../../postgres/sources/read-migrations.ts';
import type { Around } from '../around/around.ts';
import { schemasOnPath } from '../../postgres/survey/extension-schemas.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import type { KnownTenants } from './known-tenants.ts';
import { nameTenantSchemas, type TenantSchemas } from './tenant-schemas.ts';

/** The tenants of the plugins that have the option `tenants`. */
export interface FoundTenants {
  /** By plugin. Empty for one whose tenants cannot be used. */
  readonly tenants: ReadonlyMap<string, readonly TenantSchemas[]>;
  readonly problems: readonly Problem[];
}

export const noTenants: FoundTenants = { tenants: new Map(), problems: [] };

/** What else has schemas in the database: no tenant can have one of them. */
export interface SchemaOwners {
  /** The plugins of the boot, also those that are up already, and those that are disabled. */
  readonly plugins: readonly Plugin[];
  /** The tenants of those that are up. */
  readonly tenants?: KnownTenants;
}

/**
 * Asks each plugin with the option for its tenants, one after the other, on the connection of the survey. What one of them
 * returns wrong, or throws, is a problem.
 *
 * @param owners The plugins themselves may be among them.
 *
 * @throws BootError `TENANTS_INVALID` for a function that does not settle: its query may still run on the connection
 */
export async function findTenants(
  { settings, clock }: Pick<Around, 'settings' | 'clock'>,
  plugins: readonly Plugin[],
  owners: SchemaOwners,
  client: PinnedClient,
  signal: AbortSignal,
): Promise<FoundTenants> {
  const tenants = new Map<string, readonly TenantSchemas[]>();
  const problems: Problem[] = [];
  const taken = listTaken(plugins, owners, settings);
  for (const plugin of plugins) {
    if (!plugin.tenants) continue;
    const { id, timeouts, previousIds } = plugin;
    const { schemaPrefix } = settings.migrations;
    const ms =
      timeouts?.init === undefined
        ? settings.init.timeout
        : toMilliseconds(timeouts.init, 'timeout');
    const deadline = deadlineAfter(clock, ms);
    let loss: unknown;
    const onLoss = (error: unknown): void => {
      loss = error;
    };
    try {
      const signals = [signal, deadline.signal];
      const returned = await askForTenants(plugin.tenants, client, signals, onLoss);
      tenants.set(id, nameTenantSchemas(returned, { id, previousIds, schemaPrefix, taken }));
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.signal.aborted) throw tooSlow(id, ms);
      // Of another connection than this one, the loss is an error of the function like any other.
      if (loss !== undefined) throw loss;
      tenants.set(id, []);
      problems.push(tenantsInvalid(id, error));
    } finally {
      deadline.cancel();
    }
  }
  return tenants.size === 0 ? noTenants : { tenants, problems };
}

/** @param onLoss Called with the error of a query that has lost the connection, whatever the function makes of it. */
async function askForTenants(
  tenants: NonNullable<Plugin['tenants']>,
  client: PinnedClient,
  signals: readonly AbortSignal[],
  onLoss: (error: unknown) => void,
): Promise<unknown> {
  let isOpen = true;
  let last: Promise<unknown> = Promise.resolve();
  /** One query after the other, also of those that are asked side by side: the connection takes one at a time. */
  const query = async (text: string, values: readonly unknown[] = []): Promise<unknown> => {
    if (!isOpen) throw new Error('query() was used after tenants() had ended');
    const answer = last.then(() => queryReadOnly(client, text, values));
    last = answer.catch((error: unknown) => {
      if (isConnectionLost(error)) onLoss(error);
    });
    return answer;
  };
  return withEither(signals, async (signal) => {
    const context = { query: query as TenantsContext['query'], signal };
    try {
      return await untilAborted((async () => tenants(context))(), signal);
    } finally {
      isOpen = false;
      // The connection is free for the survey once a query that the function has not waited for has ended.
      await untilAborted(last, signal);
    }
  });
}

/** By schema, what has it already: a tenant cannot have the schema of a plugin, even of one without migrations now. */
function listTaken(
  asked: readonly Plugin[],
  { plugins, tenants }: SchemaOwners,
  { host, migrations }: BootSettings,
): Map<string, string> {
  const { schemaPrefix } = migrations;
  const taken = new Map([['slipway', 'the registry of plugins']]);
  for (const schema of schemasOnPath(migrations)) taken.set(schema, 'migrations.extensionSchemas');
  if (host) taken.set(host.schema, 'the host').set(host.historySchema, 'the host');
  const isAsked = new Set(asked.map(({ id }) => id));
  for (const { id, schemas = [], previousIds, tenants: ownTenants } of [...plugins, ...asked]) {
    const own = [getPluginSchemaName(id, schemaPrefix), ...schemas];
    // Of a plugin with tenants, theirs are renamed.
    const previous = ownTenants ? [] : getPreviousSchemaNames(previousIds, schemaPrefix);
    for (const schema of [...own, ...previous]) taken.set(schema, `the plugin ${id}`);
    if (isAsked.has(id)) continue;
    for (const [name, schema] of tenants?.list(id) ?? []) taken.set(schema, nameTenant(id, name));
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
