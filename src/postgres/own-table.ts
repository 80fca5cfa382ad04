import type { Querying } from './connection/connection.ts';
import type { PinnedClient } from './connection/pinned-client.ts';

/** One key for all databases: advisory locks are per database. Half of `slipway` in ASCII, so that it is found again. */
const lockKey = 0x73_6c_69_70;

/** A table in the schema `slipway`. */
export interface OwnTable {
  readonly name: `slipway.${string}`;
  /** Its columns, as in `CREATE TABLE`. */
  readonly columns: string;
}

/**
 * Writes into a table of Slipway's own in one transaction, under a lock, so that any number of processes may do it at once. Makes
 * schema and table where they are missing.
 *
 * @throws what pg threw: 42501 when the role may not.
 */
export async function writeOwnTable(
  client: PinnedClient,
  table: OwnTable,
  write: () => Promise<unknown>,
): Promise<void> {
  client.markDirty();
  try {
    // This lock is held for a few milliseconds only; the limit makes sure that no process hangs here.
    await client.query(
      `begin isolation level read committed; set local lock_timeout = '10s'; select pg_advisory_xact_lock(${lockKey})`,
    );
    await client.query(await missingPartsSql(client, table));
    await write();
    await client.finish('commit');
  } catch (error) {
    if (!client.lost) await client.finish('rollback').catch(() => undefined);
    throw error;
  }
}

/** Only what is missing: `IF NOT EXISTS` asks for the right to create also where there is nothing to create. */
async function missingPartsSql(client: Querying, { name, columns }: OwnTable): Promise<string> {
  const { rows } = await client.query<{ schema: string | null; table: string | null }>(
    `select to_regnamespace('slipway')::text as schema, to_regclass('${name}')::text as table`,
  );
  const [found] = rows;
  return [
    ...(found?.schema ? [] : ['create schema slipway']),
    ...(found?.table ? [] : [`create table ${name} (${columns})`]),
    'select 1',
  ].join('; ');
}
