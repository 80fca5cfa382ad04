import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AdvisoryLock } from '../../src/core/core-services.ts';
import { LockSession } from '../../src/postgres/locks/lock-session.ts';
import { readOnce, writeOnce, type OnceRun } from '../../src/postgres/locks/once-table.ts';
import { listTables, useDatabase, type Database } from '../support/database.ts';
import { withClient } from '../support/leaks.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { startProxy } from '../support/proxy.ts';
import { errorOf } from './migration-fixture.ts';
import { heldWork, useReplicas } from './run-once-fixture.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const startReplica = useReplicas(db);
const remember = { remember: true } as const;
const notRun = (): never => expect.unreachable('the work ran');

/** Runs a test in a database of its own, with the locks of a role that has no more rights than it is given. */
async function withRole(
  use: (given: { database: Database; role: string; locks: AdvisoryLock }) => Promise<void>,
): Promise<void> {
  const database = await db.fresh();
  const role = database.name;
  await database.query(`create role ${role} login`);
  try {
    const url = new URL(database.url);
    url.username = role;
    const replica = startReplica(url.href);
    await use({ database, role, locks: replica.locks });
    await replica.close();
  } finally {
    await database.query(`drop owned by ${role} cascade; drop role ${role}`);
  }
}

async function columnsOf({ query }: Database): Promise<readonly object[]> {
  const { rows } = await query<object>(
    `select attname, format_type(atttypid, atttypmod) as type, attnotnull from pg_attribute
     where attrelid = 'slipway.once'::regclass and attnum > 0 order by attnum`,
  );
  return rows;
}

describe('the table slipway.once', () => {
  test('is made by the first run, and by eight at once without one of them failing', async () => {
    const database = await db.fresh();
    const replicas = Array.from({ length: 8 }, () => startReplica(database.url));
    const results = await Promise.all(
      replicas.map(({ locks }, index) => locks.runOnce(`shop.${index}`, () => index, remember)),
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(8).fill('ran'));
    expect(await listTables(database)).toEqual(['slipway.once']);
    const { rows } = await database.query('select key from slipway.once');
    expect(rows).toHaveLength(8);
    await Promise.all(replicas.map((replica) => replica.close()));
  });

  test('answers for a key that is remembered: one statement, and no lock', async () => {
    await startReplica().locks.runOnce('shop.seed', () => 1, remember);
    const { work, began, finish } = heldWork();
    const again = startReplica().locks.runOnce('shop.seed', work);
    await began;
    const proxy = await startProxy(db.url);
    const { locks } = startReplica(proxy.url);
    await locks.withLock('connected', () => undefined);
    proxy.forgetStatements();
    // The lock is taken meanwhile.
    expect(await locks.runOnce('shop.seed', notRun, remember)).toEqual({ outcome: 'remembered' });
    expect(proxy.statements).toHaveLength(1);
    finish('');
    await again;
    await proxy.close();
  });

  test('gets no row from a session that does not hold the lock', async () => {
    await startReplica().locks.runOnce('shop.made', () => 1);
    const session = await LockSession.open(
      { source: db.url, connectWaitMs: 10_000 },
      new AbortController().signal,
    );
    const run: OnceRun = {
      key: 'shop.freed',
      durationMs: 1,
      isRemembered: true,
      plugin: 'shop',
      host: 'here',
      pid: 1,
      app: undefined,
    };
    expect(await writeOnce(session, 7n, run)).toBe(false);
    const holder = await LockSession.open(
      { source: db.url, connectWaitMs: 10_000 },
      new AbortController().signal,
    );
    expect(await holder.tryLock(7n)).toBe(true);
    expect(await writeOnce(session, 7n, run)).toBe(false);
    expect((await readOnce(session, run.key, Number.POSITIVE_INFINITY))?.run).toBeNull();
    expect(await writeOnce(holder, 7n, run)).toBe(true);
    // A table that is locked keeps the other locks of the process waiting for a moment only.
    const { rows } = await session.query('show lock_timeout');
    expect(rows).toEqual([{ lock_timeout: '10s' }]);
    await Promise.all([session.end(), holder.end()]);
  });

  test('gets no row when the connection breaks as the work ends', async () => {
    const proxy = await startProxy(db.url);
    const broken = startReplica(proxy.url).locks.runOnce('shop.cut', () => proxy.reset(), remember);
    await expect(broken).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await proxy.close();
    const next = await startReplica().locks.runOnce('shop.cut', () => 2, remember);
    expect(next).toEqual({ outcome: 'ran', value: 2 });
  });

  test.skipIf(!pgbouncer)(
    'gets no row when a pooler that is said to keep sessions has given the lock away',
    async () => {
      const pooled = (await startPgBouncer({ mode: 'transaction', size: 1 })).through(db.url);
      const { locks } = startReplica(pooled, 'session');
      const freeing = locks.runOnce(
        'shop.given-away',
        () => withClient(pooled, (client) => client.query('select pg_advisory_unlock_all()')),
        remember,
      );
      await expect(freeing).rejects.toMatchObject({
        code: 'LOCK_LOST',
        message:
          'The lock of runOnce shop.given-away was lost: its session does not hold it any more',
      });
      const { rows } = await db.query("select from slipway.once where key = 'shop.given-away'");
      expect(rows).toEqual([]);
    },
  );

  test.each([
    ['create table slipway.once (name text, price numeric(8,2))', 'name text, price numeric(8,2)'],
    ['create table slipway.once (key int)', 'key integer'],
  ])('of another owner is not touched: %s', async (sql, shape) => {
    const database = await db.fresh();
    await database.query(`create schema slipway; ${sql}`);
    const replica = startReplica(database.url);
    expect(await errorOf(replica.locks.runOnce('a', notRun))).toMatchObject({
      code: 'SCHEMA_TAKEN',
      message: `slipway.once is not the table of runOnce(), but a table with the columns ${shape}`,
    });
    await replica.close();
  });
});

describe('a role', () => {
  test('without the right to make the table learns what to grant, before the work', async () => {
    await withRole(async ({ database, role, locks }) => {
      // Two at once on one connection: a statement that fails for one is no matter of the other.
      const [error, other] = await Promise.all(
        ['a', 'b'].map((key) => errorOf(locks.runOnce(key, notRun))),
      );
      expect(other).toMatchObject({ code: 'DATABASE_PRIVILEGE' });
      const grant = `GRANT CREATE ON DATABASE "${database.name}" TO "${role}";`;
      expect(error).toMatchObject({
        code: 'DATABASE_PRIVILEGE',
        message: `The role ${role} may not make slipway.once: permission denied for database ${database.name}`,
        hint: grant,
      });
      await database.query(grant);
      expect(await locks.runOnce('a', () => 1)).toEqual({ outcome: 'ran', value: 1 });
    });
  });

  test('finds the table that an administrator has made as the documentation says', async () => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const [block = ''] = /CREATE SCHEMA [^`]*CREATE TABLE slipway.once[^`]*/.exec(page) ?? [];
    await withRole(async ({ database, role, locks }) => {
      await database.query(block.replaceAll('TO app', `TO ${role}`));
      expect(await locks.runOnce('a', () => 1)).toEqual({ outcome: 'ran', value: 1 });
      const made = await db.fresh();
      const own = startReplica(made.url);
      await own.locks.runOnce('a', () => 1);
      await own.close();
      expect(await columnsOf(database)).toEqual(await columnsOf(made));
    });
  });

  test.each(['', 'usage'])(
    'that may not make it in a schema of another owner learns what to grant (%s)',
    async (right) => {
      await withRole(async ({ database, role, locks }) => {
        await database.query('create schema slipway');
        if (right !== '') await database.query(`grant ${right} on schema slipway to ${role}`);
        const error = await errorOf(locks.runOnce('a', notRun));
        const hint = `GRANT USAGE, CREATE ON SCHEMA slipway TO "${role}";`;
        expect(error).toMatchObject({ code: 'DATABASE_PRIVILEGE', hint });
        await database.query(hint);
        expect(await locks.runOnce('a', () => 1)).toEqual({ outcome: 'ran', value: 1 });
      });
    },
  );

  test('that may only read the table finds what is remembered, and runs nothing', async () => {
    await withRole(async ({ database, role, locks }) => {
      const owner = startReplica(database.url);
      await owner.locks.runOnce('seeded', () => 1, remember);
      await owner.close();
      const hint = `GRANT USAGE ON SCHEMA slipway TO "${role}"; GRANT SELECT, INSERT, UPDATE, DELETE ON slipway.once TO "${role}";`;
      expect(await errorOf(locks.runOnce('seeded', notRun, remember))).toMatchObject({
        code: 'DATABASE_PRIVILEGE',
        message: `The role ${role} may not read slipway.once: permission denied for schema slipway`,
        hint,
      });
      await database.query(
        `grant usage on schema slipway to ${role}; grant select, insert, update on slipway.once to ${role}`,
      );
      const seeded = await locks.runOnce('seeded', notRun, remember);
      expect(seeded).toEqual({ outcome: 'remembered' });
      expect(await errorOf(locks.runOnce('new', notRun))).toMatchObject({
        code: 'DATABASE_PRIVILEGE',
        message: `The role ${role} may not write slipway.once`,
        hint,
      });
      await database.query(hint);
      expect(await locks.runOnce('new', () => 1)).toEqual({ outcome: 'ran', value: 1 });
    });
  });

  test.each(['with a table', 'without a table'])(
    'in a database that takes no writes learns it before the work, %s',
    async (which) => {
      await withRole(async ({ database, role, locks }) => {
        await database.query(
          `grant create on database ${database.name} to ${role}; alter role ${role} set default_transaction_read_only = on`,
        );
        if (which === 'with a table') {
          const owner = startReplica(database.url);
          await owner.locks.runOnce('made', () => 1);
          await owner.close();
          await database.query(
            `grant usage on schema slipway to ${role}; grant all on slipway.once to ${role}`,
          );
        }
        const error = await errorOf(locks.runOnce('a', notRun));
        expect(error).toMatchObject({ code: 'DATABASE_READ_ONLY' });
      });
    },
  );
});
