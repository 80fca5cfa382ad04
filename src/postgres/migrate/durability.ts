import { readSqlState } from '../connection/connection-error.ts';
import { inParts } from '../../core/in-parts.ts';
import type { Querying } from '../connection/connection.ts';
import { quoteHistory } from '../history/migration-history.ts';
import { isSql } from '../sources/migration.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import type { Migrating, UnflushedHistory } from './migrating.ts';

/**
 * Whether the COMMIT of the open file waits for the disk. PostgreSQL writes its log in one order, so a later COMMIT, or a flush,
 * takes every earlier COMMIT with it.
 */
export function waitsForDisk({ progress, onUnflushed }: Migrating): boolean {
  const { rowsAtFirst, pending, open } = progress;
  // In an upgrade there is data at stake.
  if (rowsAtFirst !== 0 || !open) return true;
  if (!open.inTransaction) return true;
  // A function may have acted outside of the database, where a crash of the server takes nothing back.
  if (!isSql(open.file)) return true;
  return onUnflushed === undefined && open.file === pending.at(-1);
}

/** The result of a flush. */
interface Flushed {
  /** Whether it has waited for the disk: not where `synchronous_commit` is `off`. */
  readonly isDurable: boolean;
  /** The plugins whose histories lack rows that were committed. */
  readonly lost: readonly string[];
}

/**
 * Flushes to the disk all that PostgreSQL has committed, in any session, with one statement. It waits as long as the session's
 * own `synchronous_commit` says: for a synchronous standby too.
 *
 * The same statement checks that everything is still there. The server may have crashed and be back, or another server may have
 * taken its place. Then a history lacks its last row, or is gone. Where the comment on it has changed, another process has
 * replaced or forgotten rows since, by a COMMIT that came later: PostgreSQL has that one, and so it has all before it.
 *
 * The COMMIT of a transaction that has written nothing does not wait. A message in the log is enough to make it wait. Any role
 * may write one, on PostgreSQL 14 to 18, also where transactions are read-only.
 * https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-REPLICATION
 *
 * Further histories are counted in statements of their own: a transaction locks each table that it reads.
 *
 * @param histories By plugin or tenant.
 */
export async function flushCommits(
  client: Querying,
  histories: ReadonlyMap<string, UnflushedHistory>,
): Promise<Flushed> {
  const parts = inParts([...histories], historiesAtOnce);
  const flushed: Flushed[] = [];
  for (const part of parts) flushed.push(await flushPart(client, new Map(part)));
  return {
    isDurable: flushed.every(({ isDurable }) => isDurable),
    lost: flushed.flatMap(({ lost }) => lost),
  };
}

/** The most histories that one statement counts. */
const historiesAtOnce = 1_000;

async function flushPart(
  client: Querying,
  histories: ReadonlyMap<string, UnflushedHistory>,
): Promise<Flushed> {
  const counts = [...histories].map(([plugin, { historySchema, rows, comment }]) => {
    const history = quoteHistory(historySchema);
    const known = comment === null ? 'null' : quoteLiteral(comment);
    const isShort = `count(*) < ${rows} and obj_description(${quoteLiteral(history)}::regclass, 'pg_class') is not distinct from ${known}`;
    return `select ${quoteLiteral(plugin)} as plugin, ${isShort} as is_lost from ${history}`;
  });
  try {
    const { rows } = await client.query<{ setting: string; lost: string }>(
      `select current_setting('synchronous_commit') as setting,
         pg_logical_emit_message(true, 'slipway', 'durable')::text as message,
         (select coalesce(json_agg(plugin), '[]')::text from (${counts.join(' union all ')}) as history where is_lost) as lost`,
    );
    const [row] = rows;
    const lost = JSON.parse(row?.lost ?? '[]') as readonly string[];
    return { isDurable: row?.setting !== 'off', lost };
  } catch (error) {
    if (readSqlState(error) !== '42P01') throw error;
    return { isDurable: false, lost: [...histories.keys()] };
  }
}
