import { setTimeout as pause } from 'node:timers/promises';
import { Client, Pool, type PoolClient } from 'pg';

/** The counts of a pool that the check reads. */
export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
}

/** A session as `pg_stat_activity` shows it. */
export interface Session {
  readonly pid: number;
  readonly application_name: string;
  readonly state: string | null;
  readonly query: string;
}

/**
 * Throws when a client of a pool is still checked out after `patienceMs`. A scoped client is returned one round trip after its
 * release.
 */
export async function expectNoClientOut(
  pools: readonly PoolCounts[],
  patienceMs = 1_000,
): Promise<void> {
  const countOut = (): number =>
    pools.reduce((out, pool) => out + pool.totalCount - pool.idleCount, 0);
  const deadline = performance.now() + patienceMs;
  while (countOut() > 0 && performance.now() < deadline) await pause(10);
  const out = countOut();
  if (out > 0)
    throw new Error(`${out} pool client${out === 1 ? ' is' : 's are'} still checked out`);
}

/**
 * Waits until no session is left in the database, except those in `allowedPids`. Throws with the
 * names of the sessions that are still there after `patienceMs`. A backend takes a moment to end.
 */
export async function expectNoSession(
  adminUrl: string,
  database: string,
  { allowedPids = [], patienceMs = 5_000 }: SessionCheck = {},
): Promise<void> {
  const left = await asAdmin(adminUrl, async (admin) => {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const { rows } = await admin.query<Session>(SESSIONS, [database, allowedPids]);
      if (rows.length === 0 || performance.now() >= deadline) return rows;
      await pause(10);
    }
  });
  if (left.length > 0) throw new Error(`Sessions left in ${database}:\n${describe(left)}`);
}

/** The options of {@link expectNoSession}. */
export interface SessionCheck {
  readonly allowedPids?: readonly number[];
  readonly patienceMs?: number;
}

/** Connects, calls `use` with the client, and closes the connection. */
export async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, application_name: 'test/admin' });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

const adminPools = new Map<string, Pool>();

/** Borrows a session that is kept for a second, because to connect takes longer than most queries of the tests. */
export async function asAdmin<T>(url: string, use: (admin: PoolClient) => Promise<T>): Promise<T> {
  let pool = adminPools.get(url);
  if (!pool) {
    pool = new Pool({
      connectionString: url,
      application_name: 'test/admin',
      idleTimeoutMillis: 1_000,
      allowExitOnIdle: true,
    });
    // A test may stop its server.
    pool.on('error', () => undefined);
    adminPools.set(url, pool);
  }
  const admin = await pool.connect();
  try {
    return await use(admin);
  } finally {
    admin.release();
  }
}

const SESSIONS = `
  select pid, application_name, state, query from pg_stat_activity
  where datname = $1 and backend_type = 'client backend' and pid <> all ($2::int[])
  order by pid`;

function describe(sessions: readonly Session[]): string {
  return sessions
    .map(({ pid, application_name, state, query }) => {
      return `  ${pid} "${application_name}" (${state ?? 'starting'}): ${query.slice(0, 200)}`;
    })
    .join('\n');
}
