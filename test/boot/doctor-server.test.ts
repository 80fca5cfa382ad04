import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { startPostgres, type PostgresServer } from 'slipway/testing';
import { examine, type Clock, type Plugin } from '../../src/index.ts';
import { judgeServerVersion } from '../../src/boot/idle/doctor/judge-server.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { check, findCheck } from '../support/examinations.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { startProxy } from '../support/proxy.ts';
import { startSilentServer } from '../support/silent-server.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
const startPgBouncer = usePgBouncer();

/** Runs a test beside a session that does not end meanwhile. */
async function beside(
  url: string,
  sql: string,
  use: (pid: number) => Promise<void>,
): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'psql' });
  await client.connect();
  try {
    await client.query(sql);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await use(rows[0]?.pid ?? 0);
  } finally {
    await client.end();
  }
}

describe('the connection', () => {
  it('over a long line is a warning with its figure', async () => {
    const { url } = await db.fresh();
    const proxy = await startProxy(url, { delay: 30 });
    const found = await check('connection', { pool: proxy.url });
    expect(found).toMatchObject({ status: 'warning', evidence: { tls: false, isLocal: true } });
    expect(Number(found.evidence['roundTripMs'])).toBeGreaterThan(20);
  });

  it.each([
    [130_022, 'problem'],
    [140_000, 'ok'],
    [180_004, 'ok'],
    [190_000, 'warning'],
  ] as const)('to a server of version %i is judged: %s', (versionNumber, status) => {
    const known = { facts: { value: { versionNumber } }, survey: { because: 'unasked' } };
    expect(judgeServerVersion(known as Parameters<typeof judgeServerVersion>[0])).toMatchObject({
      status,
    });
  });
});

/** Waits a hundredth of what it is asked for. */
const fast: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms / 100);
    return () => clearTimeout(timer);
  },
};

describe('what gives no answer', () => {
  it('is unknown: a server that accepts a connection and says nothing', async () => {
    await using server = await startSilentServer();
    const examination = await examine({ pool: server.url, clock: fast });
    expect(findCheck('connection', examination)).toMatchObject({
      status: 'problem',
      found: 'No answer from PostgreSQL within 5 s',
      remedy: expect.stringMatching(/^Check the address/),
    });
    expect(findCheck('histories', examination).status).toBe('unknown');
  });

  it('is unknown: a table that another session has locked', async () => {
    const { url } = await db.fresh();
    const folder = await migrationFolder({ '0000_a': 'CREATE TABLE a ();' });
    const plugins = [{ id: 'a', migrations: folder }];
    await bootUnderTest({ pool: url, plugins, registry: true }).boot.migrate();
    const lock = 'BEGIN; LOCK TABLE slipway.plugins, plugin_a.__drizzle_migrations';
    await beside(url, lock, async () => {
      const examination = await examine({ pool: url, plugins, registry: true, clock: fast });
      expect(findCheck('registry', examination)).toMatchObject({
        status: 'problem',
        found: 'slipway.plugins gave no answer in time',
      });
      expect(findCheck('plugins', examination)).toMatchObject({ status: 'ok', found: '1 plugin' });
      expect(findCheck('histories', examination).status).toBe('unknown');
    });
  });
});

describe('the connections', () => {
  it('that all replicas can take are compared with what the server has', async () => {
    const { url } = await db.fresh();
    const pool = { connectionString: url, max: 20 };
    expect(await check('connections', { pool }, { replicas: 3 })).toMatchObject({
      status: 'ok',
      evidence: { perReplica: 20, replicas: 3, needed: 60, replicasFrom: 'given' },
    });
    expect(await check('connections', { pool }, { replicas: 40 })).toMatchObject({
      status: 'problem',
      found: expect.stringMatching(/^40 replicas can take 800 of \d+ connections/),
      remedy: expect.stringMatching(/^Give each replica at most \d connections/),
    });
  });

  it('of pool and migrationPool count both', async () => {
    const { url } = await db.fresh();
    const options = {
      pool: { connectionString: url, max: 7 },
      migrationPool: { connectionString: url, max: 2 },
    };
    expect(await check('connections', options)).toMatchObject({ evidence: { perReplica: 9 } });
  });

  it('that a role may have are a limit of their own', async () => {
    const { url, query, name } = await db.fresh();
    await query(`CREATE ROLE ${name} LOGIN CONNECTION LIMIT 5`);
    try {
      const own = new URL(url);
      own.username = name;
      expect(await check('connections', { pool: own.href })).toMatchObject({
        status: 'problem',
        evidence: { limit: 5, limitFrom: 'CONNECTION LIMIT of the role', needed: 10 },
      });
    } finally {
      await query(`DROP ROLE ${name}`);
    }
  });
});

describe('the time limits', () => {
  it('of a role are shown, with where they come from; short ones are a warning', async () => {
    const { url, query, name } = await db.fresh();
    await query(`ALTER DATABASE ${name} SET statement_timeout = '30s'`);
    expect(await check('time-limits', { pool: url })).toMatchObject({
      status: 'ok',
      found: 'statement_timeout 30.00s (database): migrations run without them',
    });
    await query(`ALTER DATABASE ${name} SET idle_in_transaction_session_timeout = '900ms'`);
    expect(await check('time-limits', { pool: url })).toMatchObject({
      status: 'warning',
      remedy: 'Raise idle_in_transaction_session_timeout for the role.',
    });
  });
});

describe('other sessions', () => {
  it('that are idle in a transaction are named, without their SQL', async () => {
    const { url } = await db.fresh();
    await beside(url, `BEGIN; SELECT 'hunter2'`, async (pid) => {
      expect(await check('idle-transactions', { pool: url })).toMatchObject({ status: 'ok' });
      const examination = await examine({ pool: url }, { longAfter: 0 });
      expect(findCheck('idle-transactions', examination)).toMatchObject({
        status: 'warning',
        found: expect.stringMatching(`^Idle in a transaction: psql \\(pid ${pid}, role `),
        remedy: expect.stringContaining(`SELECT pg_terminate_backend(${pid});`),
      });
      expect(JSON.stringify(examination)).not.toContain('hunter2');
    });
  });

  it('that hold a migration lock and do nothing are a warning', async () => {
    const { url } = await db.fresh();
    const plugins: readonly Plugin[] = [{ id: 'a', migrations: await migrationFolder({}) }];
    const lock = `SELECT pg_advisory_lock(${migrationLockKey('plugin_a')})`;
    await beside(url, `CREATE SCHEMA plugin_a; ${lock}`, async (pid) => {
      const options = { pool: url, plugins };
      expect(await check('migration-locks', options)).toMatchObject({
        status: 'ok',
        found: expect.stringContaining(`pid ${pid}, idle`),
        evidence: { holders: 1 },
      });
      expect(await check('migration-locks', options, { longAfter: 0 })).toMatchObject({
        status: 'warning',
        found: expect.stringContaining('holds the lock of plugin_a'),
      });
    });
  });
});

describe.skipIf(!pgbouncer)('a pooler', () => {
  it('that keeps no sessions is a warning, and with migrationPool it is none', async () => {
    const { url } = await db.fresh();
    const pooled = (await startPgBouncer({ mode: 'transaction' })).through(url);
    const examination = await examine({ pool: pooled }, { replicas: 1_000 });
    expect(findCheck('pooler', examination)).toMatchObject({
      status: 'warning',
      found: 'Migrations go through a pooler that keeps no sessions',
      evidence: { pooler: true, keepsSession: false, migrationPool: false },
    });
    expect(findCheck('connections', examination)).toMatchObject({
      status: 'ok',
      evidence: { perReplica: 0 },
    });
    expect(await check('pooler', { pool: pooled, migrationPool: url })).toMatchObject({
      status: 'ok',
      found: 'Migrations connect directly; pool goes through a pooler',
    });
  });

  it('is a problem for a pending file that needs a session', async () => {
    const { url } = await db.fresh();
    const pool = (await startPgBouncer({ mode: 'transaction' })).through(url);
    const migrations = await migrationFolder({ '0000_vacuum': 'VACUUM;' });
    const examination = await examine({ pool, plugins: [{ id: 'a', migrations }] });
    expect(findCheck('pooler', examination)).toMatchObject({
      status: 'problem',
      found: expect.stringContaining('0000_vacuum.sql'),
    });
    expect(findCheck('migrations', examination)).toMatchObject({ status: 'ok' });
  });

  it('that is said to keep sessions is a problem when it shows that it does not', async () => {
    const { url } = await db.fresh();
    const session = (await startPgBouncer({ mode: 'session' })).through(url);
    expect(await check('pooler', { pool: session, pooler: 'session' })).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('a pooler that keeps sessions'),
    });
    const transaction = (await startPgBouncer({ mode: 'transaction' })).through(url);
    expect(await check('pooler', { pool: transaction, pooler: 'session' })).toMatchObject({
      status: 'problem',
      found: `pooler is 'session', and the pooler gives the session of one client to another`,
    });
  });
});

describe('a server of its own', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    const settings = { max_connections: 14, max_prepared_transactions: 2 };
    server = await startPostgres({ from: 'local', settings });
  });
  afterAll(() => server.stop());

  it('with few connections is a warning while others use them', async () => {
    const found = await check('connections', { pool: server.url });
    expect(found).toMatchObject({ status: 'ok', evidence: { limit: 14, perReplica: 10 } });
    const others = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const client = new Client({ connectionString: server.url });
        await client.connect();
        return client;
      }),
    );
    try {
      expect(await check('connections', { pool: server.url })).toMatchObject({
        status: 'warning',
        evidence: { used: 5, free: 9 },
        remedy: expect.stringMatching(/^Free 1 connections/),
      });
    } finally {
      await Promise.all(others.map((client) => client.end()));
    }
  });

  it('with a prepared transaction that is left over is a warning', async () => {
    const sql = `BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'order-7'`;
    await beside(server.url, sql, async () => {
      const how = { longAfter: 0 };
      expect(await check('prepared-transactions', { pool: server.url }, how)).toMatchObject({
        status: 'warning',
        found: expect.stringContaining('order-7 of postgres for'),
      });
      expect(await check('prepared-transactions', { pool: server.url })).toMatchObject({
        status: 'ok',
      });
    });
    await beside(server.url, `ROLLBACK PREPARED 'order-7'`, async () => undefined);
  });
});
