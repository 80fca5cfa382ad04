import fc from 'fast-check';
import type { Pool, PoolClient } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { untilFound } from '../support/server-sessions.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const schemas = ['plugin_a', 'plugin_b', 'plugin_c'] as const;
type Schema = (typeof schemas)[number];

beforeEach(async () => {
  process.on('warning', ignore);
  for (const schema of schemas) {
    await db.query(`drop schema if exists ${schema} cascade; create schema ${schema};
      create table ${schema}.items (owner text default '${schema}')`);
  }
});

function ignore(): void {
  // The warnings about changed sessions have a test of their own.
}

/** The work of a plugin. Some of it fails. */
interface Use {
  readonly schema: Schema;
  readonly pool: Pool;
  readonly host: Pool;
}
type Action = (use: Use) => Promise<unknown>;

/** Every answer has to come from the schema of the plugin that has asked. */
async function expectOwn(
  { schema, pool }: Use,
  target: Pick<Pool, 'query'> = pool,
  more: object = {},
) {
  const text = 'select current_schema() as s, (select min(owner) from items) as owner';
  const { rows } = await target.query<{ s: string; owner: string | null }>({ text, ...more });
  const seen = rows.map(({ s, owner }) => [s, owner ?? schema]);
  if (seen[0]?.[0] !== schema || seen[0][1] !== schema) foreign.push([schema, rows]);
}
const foreign: unknown[] = [];

const withClient = async (
  { pool }: Use,
  work: (client: PoolClient) => Promise<unknown>,
): Promise<void> => {
  const client = await pool.connect();
  try {
    await work(client);
  } finally {
    client.release();
  }
};

let mark = 0;

const actions: Readonly<Record<string, Action>> = {
  query: (use) => expectOwn(use),
  'named statement': (use) => expectOwn(use, use.pool, { name: 'own' }),
  insert: ({ pool }) => pool.query('insert into items default values'),
  'values of several commands': ({ pool }) =>
    pool.query('select 1; insert into items default values; select 2'),
  error: ({ pool }) => pool.query('select 1 / 0'),
  'error in a named statement': ({ pool }) =>
    pool.query({ name: 'broken', text: 'select 1 / $1::int', values: [0] }),
  'error in the second command': ({ pool }) =>
    pool.query('insert into items default values; select 1 / 0'),
  statement_timeout: ({ pool }) =>
    pool.query('set local statement_timeout = 1; select pg_sleep(60)'),
  query_timeout: ({ pool }) =>
    pool.query({ text: 'select pg_sleep(0.02)', query_timeout: 1 } as never),
  'query_timeout on a client': (use) =>
    withClient(use, (client) =>
      client.query({ text: 'select pg_sleep(0.02)', query_timeout: 1 } as never),
    ),
  cancel: async ({ pool }) => {
    mark += 1;
    const sleeping = pool.query(`select pg_sleep(60) as asleep_${mark}`);
    const failed = sleeping.catch((error: unknown) => error);
    await untilFound(
      db,
      `select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database()
       and wait_event = 'PgSleep' and query like '%asleep\\_${mark}'`,
    );
    throw await failed;
  },
  'a client with several statements': (use) =>
    withClient(use, async (client) => {
      await expectOwn(use, client);
      await Promise.allSettled([client.query('select 1 / 0'), expectOwn(use, client)]);
    }),
  transaction: (use) =>
    withClient(use, async (client) => {
      await client.query('begin');
      await client.query('insert into items default values');
      await expectOwn(use, client, { name: 'own' });
      await client.query('commit');
      await expectOwn(use, client);
    }),
  'transaction with a savepoint and an error': (use) =>
    withClient(use, async (client) => {
      await client.query('begin; savepoint a');
      await client.query('select nope').catch(ignore);
      await client.query('rollback to a');
      await expectOwn(use, client);
      await client.query('rollback');
    }),
  'transaction left by a throw': (use) =>
    withClient(use, async (client) => {
      await client.query('begin');
      await client.query('insert into items default values');
      throw new Error('thrown');
    }),
  'released behind a BEGIN that fails': (use) =>
    withClient(use, (client) => client.query('begin; select 1 / 0')),
  'released while BEGIN is on its way': async ({ pool }) => {
    const client = await pool.connect();
    const begun = client.query('begin; create temp table on_its_way () on commit drop');
    client.release();
    await begun;
  },
  'killed in a query': ({ pool }) => pool.query('select pg_terminate_backend(pg_backend_pid())'),
  'killed in a transaction': (use) =>
    withClient(use, async (client) => {
      await client.query('begin');
      await client.query('select pg_terminate_backend(pg_backend_pid())');
    }),
  'the host deallocates': ({ host }) => host.query('deallocate all'),
  'the host discards': ({ host }) => host.query('discard all'),
  'the host reads': async ({ host }) => {
    const { rows } = await host.query('select current_schema() as s');
    if ((rows[0] as { s: string }).s !== 'public') foreign.push(['host', rows]);
  },
  set: ({ pool }) => pool.query('set search_path = plugin_b; set application_name = mine'),
  'set on a client': (use) =>
    withClient(use, async (client) => {
      await client.query(`set role pg_monitor`);
      await client.query('begin');
    }),
  set_config: ({ pool }) => pool.query(`select set_config('search_path', 'plugin_c', false)`),
  listen: ({ pool }) => pool.query('listen news'),
  prepare: (use) => withClient(use, (client) => client.query('prepare p as select 1')),
  'temporary table': (use) =>
    withClient(use, (client) => client.query('create temp table items (owner text)')),
};

/** A sequence of actions in two lanes, so that two plugins are at work at the same moment. */
const sequences = fc.array(
  fc.record({
    action: fc.constantFrom(...Object.keys(actions)),
    schema: fc.constantFrom(...schemas),
    lane: fc.nat({ max: 1 }),
  }),
  { minLength: 20, maxLength: 30, size: 'max' },
);

async function run(
  sequence: readonly { action: string; schema: Schema; lane: number }[],
  host: Pool,
): Promise<void> {
  const pools = new Map(schemas.map((schema) => [schema, createScopedPool(host, schema)]));
  const inLane = async (lane: number): Promise<void> => {
    for (const step of sequence.filter((each) => each.lane === lane)) {
      const use = { schema: step.schema, pool: pools.get(step.schema) ?? host, host };
      await actions[step.action]?.(use).catch(ignore);
    }
  };
  await Promise.all([inLane(0), inLane(1)]);
  expect(foreign.splice(0)).toEqual([]);
}

async function untilIdle(host: Pool): Promise<void> {
  await expect.poll(() => host.idleCount === host.totalCount && host.waitingCount === 0).toBe(true);
}

/** As many sessions of the pool at once, each in a transaction of its own. */
async function look(host: Pool, count: number): Promise<readonly unknown[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => host.connect()));
  const status = clients.map((client) => client.getTransactionStatus());
  await Promise.all(clients.map((client) => client.query('begin')));
  const seen = clients.map((client) =>
    client.query<object>(
      `select current_setting('search_path') as path, current_setting('application_name') as name,
         current_setting('role') as role, current_setting('statement_timeout') as timeout,
         pg_my_temp_schema()::int as temp, (select count(*)::int from pg_listening_channels()) as channels,
         (select count(*)::int from pg_prepared_statements where from_sql) as prepared`,
    ),
  );
  const sessions = (await Promise.all(seen)).map(({ rows }, index) => ({
    status: status[index],
    ...rows[0],
  }));
  await Promise.all(clients.map((client) => client.query('rollback')));
  for (const client of clients) client.release();
  return sessions;
}

const asNew = {
  status: 'I',
  path: '"$user", public',
  name: 'host',
  role: 'none',
  timeout: '0',
  temp: 0,
  channels: 0,
  prepared: 0,
};

describe('whatever plugins do with the clients of one pool', () => {
  test('each session is as new afterwards, and no query has seen another schema', async () => {
    const property = fc.asyncProperty(sequences, async (sequence) => {
      const host = db.pool({ max: 2, application_name: 'host' });
      await run(sequence, host);
      await untilIdle(host);
      for (const session of await look(host, host.totalCount)) expect(session).toEqual(asNew);
      await host.end();
    });
    await fc.assert(property, { numRuns: 40, endOnFailure: true });
  });

  test.skipIf(!pgbouncer)('so is each session behind a pooler in transaction mode', async () => {
    const url = (await startPgBouncer({ mode: 'transaction', size: 2 })).through(db.url);
    const property = fc.asyncProperty(sequences, async (sequence) => {
      // A command of the host may leave something on a session.
      const plugins = sequence.filter(({ action }) => !action.startsWith('the host d'));
      const host = db.pool({ connectionString: url, max: 3, application_name: 'host' });
      await run(plugins, host);
      await untilIdle(host);
      // The pooler has two sessions, whatever clients there are.
      await Promise.all([1, 2].map(() => host.query('select 1')));
      for (const session of await look(host, 2)) expect(session).toEqual(asNew);
      await host.end();
    });
    await fc.assert(property, { numRuns: 10, endOnFailure: true });
  });
});
