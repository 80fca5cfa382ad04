import { listNames } from '../core/printable.ts';
import { readSqlState } from './connection/connection-error.ts';
import type { Querying } from './connection/connection.ts';
import type { PinnedClient } from './connection/pinned-client.ts';

/** One key for all databases: advisory locks are per database. Half of `slipway` in ASCII, so that it is found again. */
const lockKey = 0x73_6c_69_70;

/** The lock is held for a few milliseconds only; the limit makes sure that no process hangs here. */
const beginSql = `begin isolation level read committed; set local lock_timeout = '10s'; select pg_advisory_xact_lock(${lockKey})`;

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
    await client.query(beginSql);
    await client.query(await missingPartsSql(client, table));
    await write();
    await client.finish('commit');
  } catch (error) {
    if (!client.lost) await client.finish('rollback').catch(() => undefined);
    throw error;
  }
}

/**
 * Makes schema and table where they are missing. Nothing else may be sent on the connection meanwhile.
 *
 * @throws what pg threw: 42501 when the role may not.
 */
export async function makeOwnTable(client: Querying, table: OwnTable): Promise<void> {
  try {
    await client.query(beginSql);
    await client.query(await missingPartsSql(client, table));
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** A column is missing, or has another type; or it is no table at all. */
const otherShape: ReadonlySet<string> = new Set(['42703', '42846', '22P02', '42809']);

/**
 * Describes a table of Slipway's own that could not be read, when it is one of another owner: `a table with the columns name
 * text, price numeric`. `undefined` when it failed for another reason.
 */
export async function describeForeignTable(
  client: Querying,
  table: OwnTable['name'],
  error: unknown,
): Promise<string | undefined> {
  if (!otherShape.has(readSqlState(error) ?? '')) return undefined;
  const { rows } = await client.query<{ name: string; type: string }>(
    `select attname::text as name, format_type(atttypid, atttypmod)::text as type from pg_attribute
     where attrelid = to_regclass('${table}') and attnum > 0 and not attisdropped order by attnum`,
  );
  return `a table with the columns ${listNames(rows.map((row) => `${row.name} ${row.type}`))}`;
}

/** Whether a table of Slipway's own could not be read because there is none yet, or no schema for it. */
export function isNotMadeYet(error: unknown): boolean {
  return ['42P01', '3F000'].includes(readSqlState(error) ?? '');
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
