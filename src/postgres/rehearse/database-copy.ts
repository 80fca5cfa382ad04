import { createHash, randomBytes } from 'node:crypto';
import { Client, type ClientConfig, type PoolConfig } from 'pg';
import { BootError } from '../../core/errors.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { listNames } from '../../core/printable.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import { readSqlState } from '../connection/connection-error.ts';
import { toClientConfig, type DatabaseSource, type Querying } from '../connection/connection.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import { sendSettings } from '../connection/session-settings.ts';
import { quoteIdentifier, quoteLiteral } from '../sql/identifier.ts';

/** A copy of a database. */
interface DatabaseCopy {
  readonly name: string;
  /** The names of copies that an earlier rehearsal has left behind, because its process was killed. */
  readonly left: readonly string[];
}

/**
 * Copies the database of a client. PostgreSQL does it only while no other session is connected to the database, and lets none in
 * meanwhile: https://www.postgresql.org/docs/current/manage-ag-templatedbs.html
 *
 * @throws BootError `REHEARSAL_REFUSED`
 */
export async function copyDatabase(
  client: PinnedClient,
  settings: MigrationSettings,
): Promise<DatabaseCopy> {
  const { rows } = await client.query<{ database: string; pid: number }>(
    'select current_database()::text as database, pg_backend_pid() as pid',
  );
  const { database = '', pid } = rows[0] ?? {};
  if (client.processID !== undefined && client.processID !== pid) throw behindPooler();
  client.markDirty();
  await sendSettings(
    'rehearsal',
    'pg_catalog',
    { ...settings, statementTimeout: 0 },
    'session',
    (set) => client.query(`select ${set}`),
  );
  const prefix = `slipway_rehearsal_${createHash('sha256').update(database).digest('hex').slice(0, 8)}_`;
  const left = await findLeft(client, prefix);
  const name = prefix + randomBytes(5).toString('hex');
  try {
    await client.query(
      `create database ${quoteIdentifier(name)} template ${quoteIdentifier(database)}`,
    );
  } catch (error) {
    throw await explain(client, database, error);
  }
  return { name, left };
}

/** Drops a copy, and ends the sessions in it. */
export async function dropCopy(client: PinnedClient, name: string): Promise<void> {
  await client.finish(`drop database if exists ${quoteIdentifier(name)} with (force)`);
}

/** A copy that a session works in belongs to a rehearsal that runs. */
async function findLeft(client: Querying, prefix: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select d.datname::text as name from pg_database d where starts_with(d.datname::text, ${quoteLiteral(prefix)})
       and not exists (select from pg_stat_activity a where a.datid = d.oid) order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function explain(client: PinnedClient, database: string, error: unknown): Promise<unknown> {
  const state = readSqlState(error);
  const message = (why: string): string => `${database} cannot be copied: ${why}`;
  if (state === '55006') {
    const sessions = await listSessions(client);
    const who = sessions.length === 0 ? '' : `: ${listNames(sessions)}`;
    return new BootError('REHEARSAL_REFUSED', message(`other sessions are connected to it${who}`), {
      hint: 'PostgreSQL copies only a database that no other session uses. Rehearse against a copy that you have made, such as a restored backup: --against, or rehearse: { against }.',
      cause: error,
    });
  }
  if (state === '42501') {
    return new BootError('REHEARSAL_REFUSED', message(readMessage(error)), {
      hint: 'The role needs CREATEDB, and has to own the database. Or rehearse against a copy that you have made: --against, or rehearse: { against }.',
      cause: error,
    });
  }
  return error;
}

async function listSessions(client: Querying): Promise<readonly string[]> {
  const { rows } = await client.query<{ session: string }>(
    `select coalesce(nullif(application_name, ''), backend_type) || ' (pid ' || pid || ')' as session
     from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() order by pid limit 5`,
  );
  return rows.map(({ session }) => session);
}

function behindPooler(): BootError {
  return new BootError(
    'REHEARSAL_REFUSED',
    'A copy of the database cannot be made through a pooler',
    {
      hint: 'Give migrationPool a direct connection to PostgreSQL.',
    },
  );
}

/** What pg has read from a config and its connection string. The password is hidden from listings. */
interface ReadConfig extends Readonly<Record<string, unknown>> {
  readonly password: ClientConfig['password'];
}

/** The config of another database on the same server. In a connection string pg takes the name from there, so pg itself reads it. */
export function onDatabase(source: DatabaseSource, database: string): PoolConfig {
  const { connectionString: _, ...config } = toClientConfig(source);
  const client = new Client(toClientConfig(source)) as unknown as {
    readonly connectionParameters: ReadConfig;
  };
  const { connectionParameters: read } = client;
  return { ...config, ...read, password: read.password, database };
}
