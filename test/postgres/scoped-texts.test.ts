import { Query, type ClientBase, type Pool, type PoolClient } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { listTables, useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { lookThroughPooler, untouched } from '../support/server-sessions.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();

beforeEach(async () => {
  await db.query(`drop schema if exists plugin_a cascade; drop schema if exists plugin_b cascade;
    create schema plugin_a; create table plugin_a.items (name text);
    create schema plugin_b; create table plugin_b.items (name text)`);
});

const nothingNew = ['plugin_a.items', 'plugin_b.items'];
const pidOf = async (pool: Pick<Pool, 'query'>): Promise<unknown> =>
  (await pool.query('select pg_backend_pid()')).rows;

const controls = [
  'BEGIN',
  'start  transaction read only',
  '/* traced */ commit',
  'END',
  'ROLLBACK',
  'abort',
  'SAVEPOINT a',
  'rollback to a',
  'release a',
  `prepare transaction 'x'`,
  'commit; create table x ()',
  'create table y (); commit; create table x ()',
  'create table y ();\n-- all of it\nCOMMIT AND CHAIN; create table x ()',
  'create function f() returns int begin atomic select 1; end; commit; create table x ()',
] as const;

const harmless = [
  `select 'commit; begin' as n`,
  'select $$ commit; $$ as n',
  'select 1 as n -- ; commit',
  'select case when true then 1 end as n',
  'select 1 as "commit"',
  'do $$ begin perform 1; end $$',
  'create or replace function f() returns int begin atomic select 1; end',
  'set transaction isolation level serializable; select 1 as n',
] as const;

const changes = [
  'set search_path to public',
  `select set_config('search_path', 'public', false)`,
  'set role pg_monitor',
  'reset all',
  'listen news',
  'prepare p as select 1',
  'create temp table items (name text)',
  'select 1 as n into temporary table items',
  'with a as (select 1 as n) select * into temp items from a',
  'discard plans',
] as const;

describe('query() of a scoped pool', () => {
  test.each(controls)('refuses %s, and nothing of it runs', async (text) => {
    const shared = db.pool({ max: 1 });
    const pool = createScopedPool(shared, 'plugin_a');
    const before = await pidOf(shared);
    expect((await errorOf(pool.query(text))).message).toMatch(/ is refused: .*connect\(\)/);
    expect(await listTables(db)).toEqual(nothingNew);
    expect(await pidOf(shared)).toEqual(before);
  });

  test.each(harmless)('runs %s', async (text) => {
    await createScopedPool(db.pool(), 'plugin_a').query(text);
  });

  test('keeps nothing of a text whose block commits', async () => {
    const pool = createScopedPool(db.pool(), 'plugin_a');
    const error = errorOf(
      pool.query('create table y (); do $$ begin commit; create table x (); end $$'),
    );
    expect(await error).toMatchObject({ code: '2D000' });
    expect(await listTables(db)).toEqual(nothingNew);
  });

  test.each(changes)('leaves nothing of %s to the next user', async (text) => {
    const shared = hostPool();
    const pool = createScopedPool(shared, 'plugin_a');
    await pool.query(text);
    await expectUntouched(shared);
  });

  test.each([
    ['VACUUM', 'vacuum items'],
    ['CREATE INDEX CONCURRENTLY', 'create  index concurrently on items (name)'],
    ['REINDEX TABLE CONCURRENTLY', '-- again\nreindex table concurrently items'],
    ['DROP DATABASE', 'select 1; drop database shop'],
  ])('refuses %s by its name, and says where to send it', async (name, text) => {
    const { message } = await errorOf(createScopedPool(db.pool(), 'plugin_a').query(text));
    expect(message).toMatch(new RegExp(`^${name} is refused: .*the host's pool`));
  });

  test('keeps the connection after statements that only look like that', async () => {
    const shared = db.pool({ max: 1 });
    const pool = createScopedPool(shared, 'plugin_a');
    const before = await pidOf(shared);
    await pool.query(`update items set name = 'set role'; set local role pg_monitor; show role`);
    await pool.query('alter table items alter name set not null');
    await pool.query('create table temp (n int); insert into temp (n) values (1)');
    await pool.query('insert into temp select 2');
    expect(await pidOf(shared)).toEqual(before);
  });
});

describe('a scoped client', () => {
  test.each(changes)('leaves nothing of %s to the next user', async (text) => {
    const shared = hostPool();
    const client = await createScopedPool(shared, 'plugin_a').connect();
    await client.query(text);
    client.release();
    await expectUntouched(shared);
  });

  test('that is released while its BEGIN is on the way is destroyed', async () => {
    const shared = db.pool({ max: 1 });
    const client = await createScopedPool(shared, 'plugin_a').connect();
    const begun = client.query('begin');
    client.release();
    await begun;
    await expect.poll(() => shared.totalCount).toBe(0);
  });

  test('takes no query after its release: the connection may be another user’s', async () => {
    const client = await createScopedPool(db.pool(), 'plugin_a').connect();
    client.release();
    expect((await errorOf(client.query('select 1'))).message).toMatch(/has been released/);
  });

  test('refuses what would run behind a COMMIT', async () => {
    const client = await createScopedPool(db.pool(), 'plugin_a').connect();
    const text = 'begin; create table x (); commit; create table y ()';
    expect((await errorOf(client.query(text))).message).toMatch(/^COMMIT is refused/);
    client.release();
    expect(await listTables(db)).toEqual(nothingNew);
  });
});

/** A pool whose host sets something on each of its connections. */
function hostPool(): Pool {
  // pg waits for it, and its types do not say so.
  const setUp = {
    onConnect: (client: ClientBase) => client.query(`set statement_timeout = '9min'`),
  };
  return db.pool({ max: 1, options: '-c search_path=plugin_b', ...setUp });
}

async function expectUntouched(shared: Pool): Promise<void> {
  const { rows } = await shared.query(
    `select current_setting('search_path') as path, current_setting('role') as role,
       current_setting('statement_timeout') as timeout, pg_my_temp_schema()::int as temp,
       (select count(*)::int from pg_prepared_statements) as prepared,
       (select count(*)::int from pg_listening_channels()) as channels`,
  );
  expect(rows).toEqual([
    { path: 'plugin_b', role: 'none', timeout: '9min', temp: 0, prepared: 0, channels: 0 },
  ]);
}

async function throughPooler(): Promise<{ pool: Pool; expectNothingLeft: () => Promise<void> }> {
  const url = (await startPgBouncer({ mode: 'transaction' })).through(db.url);
  return {
    pool: createScopedPool(db.pool({ connectionString: url, max: 1 }), 'plugin_a'),
    async expectNothingLeft() {
      for (const session of await lookThroughPooler(url, 2)) {
        expect(session).toMatchObject(untouched);
      }
    },
  };
}

async function withClient(use: (client: PoolClient) => Promise<void>): Promise<void> {
  const { pool, expectNothingLeft } = await throughPooler();
  const client = await pool.connect();
  await use(client);
  client.release();
  await expectNothingLeft();
}

describe.skipIf(!pgbouncer)('behind a pooler in transaction mode', () => {
  test('the pool refuses what would stay on a session that others have next', async () => {
    const { pool, expectNothingLeft } = await throughPooler();
    for (const text of changes) {
      expect((await errorOf(pool.query(text))).message, text).toMatch(/keeps no session/);
    }
    await expectNothingLeft();
  });

  test('a client refuses that too', () =>
    withClient(async (client) => {
      for (const text of changes) {
        expect((await errorOf(client.query(text))).message, text).toMatch(/keeps no session/);
      }
    }));

  test.each([
    'create table y (); commit; create table x ()',
    'begin; create table y (); commit; create table x ()',
    'begin; create table y (); commit; begin; create table x ()',
    'begin; create table y (); commit and chain; create table x ()',
    'savepoint a; create table x ()',
  ])('a client refuses %s, and nothing of it runs', (text) =>
    withClient(async (client) => {
      expect((await errorOf(client.query(text))).message).toMatch(/ is refused/);
      expect(await listTables(db)).toEqual(nothingNew);
    }),
  );

  test.each([
    'commit; create table x ()',
    'rollback; create table x ()',
    'commit and chain',
    'end; begin',
  ])('a client refuses %s inside of a transaction, which goes on', (text) =>
    withClient(async (client) => {
      await client.query('begin; create table y ()');
      expect((await errorOf(client.query(text))).message).toMatch(/ is refused/);
      expect(() => client.query(new Query(text))).toThrow(/ is refused/);
      await client.query('commit');
      expect(await listTables(db)).toEqual([...nothingNew, 'plugin_a.y'].toSorted());
    }),
  );

  test('a client runs transactions in one text or in several, with savepoints', () =>
    withClient(async (client) => {
      await client.query('rollback');
      await client.query('; begin; create table x (); commit; -- done');
      await client.query('begin');
      await client.query('savepoint a; create table gone ()');
      await client.query('rollback work to savepoint a; release a');
      await client.query('commit and no chain');
      await client.query('start transaction; create table y ()');
      await client.query('end');
      expect(await listTables(db)).toEqual([...nothingNew, 'plugin_a.x', 'plugin_a.y'].toSorted());
    }));
});

describe('a prepared statement', () => {
  const longName = 'n'.repeat(63);

  test.each(['one', longName])('of the name %s is each plugin’s own', async (name) => {
    await db.query(
      `insert into plugin_a.items values ('a'); insert into plugin_b.items values ('b')`,
    );
    await db.query(`alter table plugin_b.items add more int default 7`);
    const shared = db.pool({ max: 1 });
    const pools = ['plugin_a', 'plugin_b'].map((schema) => createScopedPool(shared, schema));
    const [a, b] = [[{ name: 'a' }], [{ name: 'b', more: 7 }]];
    for (let round = 0; round < 2; round += 1) {
      const seen: unknown[] = [];
      for (const pool of pools) {
        seen.push((await pool.query({ name, text: 'select * from items' })).rows);
        const client = await pool.connect();
        seen.push((await client.query({ name, text: 'select * from items' })).rows);
        await client.query('begin');
        const object = new Query({ name, text: 'select * from items' } as never);
        const running = client.query(object);
        seen.push(await new Promise((resolve) => running.once('row', resolve)));
        await client.query('commit');
        client.release();
      }
      expect(seen).toEqual([a, a, a[0], b, b, b[0]]);
    }
    await shared.query({ name, text: 'select 1' });
    const other = pools[1]?.query({ name: `${name}2`, text: 'select $1::int as n', values: [2] });
    expect((await other)?.rows).toEqual([{ n: 2 }]);
    const { rows } = await shared.query('select length(name) as n from pg_prepared_statements');
    expect(Math.max(...rows.map(({ n }) => n as number))).toBeLessThanOrEqual(63);
  });
});

test('a value that cannot be written fails its own query, and the next ones run', async () => {
  await db.query(`insert into plugin_a.items values ('a')`);
  const pool = createScopedPool(db.pool({ max: 1 }), 'plugin_a');
  const unwritable = {
    toPostgres: () => {
      throw new Error('cannot be written');
    },
  };
  for (let round = 0; round < 3; round += 1) {
    const failing = pool.query('select * from items where name = $1', [unwritable]);
    const next = pool.query('select * from items where name = $1', ['a']);
    await expect(failing).rejects.toThrow('cannot be written');
    expect((await next).rows).toEqual([{ name: 'a' }]);
  }
});
