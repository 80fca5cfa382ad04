import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { pgTable, text } from 'drizzle-orm/pg-core';
import type { Pool, PoolClient } from 'pg';
import { describe, expect, it } from 'vitest';
import { coreServices, definePlugin, type Plugin } from '../../src/index.ts';
import { createBackendPlugin } from '../../src/checkstack.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { untilFound } from '../support/server-sessions.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const sleeping = `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;

const leak = async (pool: Pool): Promise<void> => void (await pool.connect());
const fail = (): never => {
  throw new Error('init failed');
};

/** A pool of the host that has to end: one client that is still out would keep it for ever. */
async function expectToEnd(pool: Pool): Promise<void> {
  await pool.end();
  expect(pool.totalCount).toBe(0);
}

const failing: readonly (readonly [string, Plugin, number])[] = [
  [
    'from connect()',
    definePlugin({
      id: 'leaky',
      init: async ({ database }) => {
        await leak(database);
        await leak(database);
        fail();
      },
    }),
    2,
  ],
  [
    'from connect() with a callback',
    definePlugin({
      id: 'leaky',
      init: async ({ database }) => {
        await new Promise<void>((resolve) => database.connect(() => resolve()));
        fail();
      },
    }),
    1,
  ],
  [
    'in a transaction that never ends',
    definePlugin({
      id: 'leaky',
      database: (pool) => drizzle({ client: pool }),
      init: async ({ database }) => {
        const begun = deferred();
        void database
          .transaction(async (tx) => {
            await tx.execute(sql`select 1`);
            begun.resolve();
            await new Promise(() => undefined);
          })
          .catch(() => undefined);
        await begun.promise;
        fail();
      },
    }),
    1,
  ],
  [
    'in the middle of a query',
    definePlugin({
      id: 'leaky',
      init: async ({ database }) => {
        const client = await database.connect();
        void client.query('select pg_sleep(1000)').catch(() => undefined);
        fail();
      },
    }),
    1,
  ],
  [
    'by an init that hangs',
    definePlugin({
      id: 'leaky',
      timeouts: { init: 200 },
      init: async ({ database }) => {
        await leak(database);
        await new Promise(() => undefined);
      },
    }),
    1,
  ],
  [
    'by ready',
    definePlugin({
      id: 'leaky',
      ready: async ({ database }) => {
        await leak(database);
        fail();
      },
    }),
    1,
  ],
  [
    'in the form of Checkstack',
    createBackendPlugin({
      metadata: { pluginId: 'leaky' },
      register(env) {
        env.registerInit({
          deps: { pool: coreServices.database },
          schema: { t: pgTable('t', { name: text('name') }) },
          init: async ({ pool, database }) => {
            await leak(pool);
            await leak((database as unknown as { $client: Pool }).$client);
            fail();
          },
        });
      },
    }),
    2,
  ],
];

describe('a client that a plugin has taken and never released', () => {
  it.each(failing)('%s is taken back when the boot fails', async (_, plugin, clients) => {
    const pool = db.pool({ max: 5 });
    const { boot, recording } = bootUnderTest({ pool, plugins: [plugin] });
    const error = await failureOf(boot.start());
    const message = `leaky did not release ${clients} client${clients === 1 ? '' : 's'} of its database`;
    expect(error.report?.warnings).toEqual([
      { plugin: 'leaky', message: expect.stringContaining(message) as string },
    ]);
    expect(recording.of('boot.warning')).toMatchObject([{ plugin: 'leaky' }]);
    await expectToEnd(pool);
  });

  it('is taken back when the plugin stops, and with it nothing that others have', async () => {
    const pool = db.pool({ max: 5 });
    const late: (() => void)[] = [];
    const plugin = definePlugin({
      id: 'leaky',
      init: async ({ database, onStop }) => {
        const client = await database.connect();
        late.push(() => client.release());
        onStop(async () => void (await client.query('select 1')));
        await new Promise<void>((resolve) =>
          database.connect((error, other, done) => {
            late.push(() => done(error));
            other?.query('select 1', () => resolve());
          }),
        );
      },
    });
    const { boot } = bootUnderTest({ pool, plugins: [plugin, { id: 'tidy' }] });
    await boot.start();
    const ofHost = await pool.connect();
    await boot.stop();
    expect(boot.report().warnings).toMatchObject([
      {
        plugin: 'leaky',
        message: expect.stringContaining('leaky did not release 2 clients') as string,
      },
    ]);
    expect(boot.report().plugins.map(({ stop }) => stop.outcome)).toEqual(['done', 'done']);
    // The plugin's own finally, which comes too late, is no second release.
    for (const release of late) release();
    expect((await ofHost.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    ofHost.release();
    await expectToEnd(pool);
  });

  it('is there for the next attempt of init', async () => {
    const pool = db.pool({ max: 1 });
    let attempts = 0;
    const plugin = definePlugin({
      id: 'leaky',
      retry: { attempts: 2, backoff: 1 },
      init: async ({ database }) => {
        const client = await database.connect();
        attempts += 1;
        if (attempts === 1) fail();
        client.release();
      },
    });
    const report = await bootUnderTest({ pool, plugins: [plugin] }).boot.start();
    expect(report.warnings).toMatchObject([
      { message: expect.stringContaining('did not release 1 client of') as string },
    ]);
    expect(attempts).toBe(2);
  });

  it('is taken back from a `database` that throws', async () => {
    const pool = db.pool({ max: 1 });
    const plugin = definePlugin({
      id: 'leaky',
      database: (scoped) => {
        void scoped.connect().catch(() => undefined);
        return fail();
      },
    });
    await failureOf(bootUnderTest({ pool, plugins: [plugin] }).boot.start());
    await expectToEnd(pool);
  });

  it('goes back by itself when it comes after the end', async () => {
    const pool = db.pool({ max: 1 });
    const ofHost = deferred<PoolClient>();
    const waiting = deferred<unknown>();
    const plugin = definePlugin({
      id: 'leaky',
      init: async ({ database }) => {
        ofHost.resolve(await pool.connect());
        void database.connect().catch((error: unknown) => waiting.resolve(error));
        fail();
      },
    });
    await failureOf(bootUnderTest({ pool, plugins: [plugin] }).boot.start());
    expect(String(await waiting.promise)).toMatch(/database of leaky was closed/);
    (await ofHost.promise).release();
    await expectToEnd(pool);
  });
});

it('a plugin whose life has ended has no database any more', async () => {
  const pool = db.pool({ max: 4 });
  const databases: Pool[] = [];
  const failed = definePlugin({
    id: 'leaky',
    required: false,
    init: ({ database }) => {
      databases.push(database);
      fail();
    },
  });
  const served = definePlugin({
    id: 'served',
    init({ database, onStop }) {
      databases.push(database);
      onStop(async () => void (await database.query('select 1')));
    },
  });
  const { boot } = bootUnderTest({ pool, plugins: [failed, served] });
  await boot.start();
  const [early, late] = databases as [Pool, Pool];
  for (const attempt of [early.query('select 1'), early.connect()]) {
    expect(await failureOf(attempt)).toMatchObject({
      code: 'DATABASE_CLOSED',
      message: expect.stringContaining('database of leaky') as string,
    });
  }
  expect((await late.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await boot.stop();
  expect(await failureOf(late.query('select 1'))).toMatchObject({ code: 'DATABASE_CLOSED' });
  await expectToEnd(pool);
});

describe('a query that nobody awaits', () => {
  const sleepThenWrite = (seconds: number): string =>
    `insert into written select from pg_sleep(${seconds})`;

  it('may end when its plugin stops, in the pool and in a transaction', async () => {
    const database = await db.fresh();
    const pool = database.pool({ max: 4 });
    const migrations = await migrationFolder({ '0000_written': 'CREATE TABLE written ();' });
    const plugin = definePlugin({
      id: 'writer',
      migrations,
      init: ({ database: scoped, onStop }) =>
        onStop(() => {
          void scoped.query(sleepThenWrite(0.2));
          void drizzle({ client: scoped }).transaction(async (tx) => {
            await tx.execute(sql.raw(sleepThenWrite(0.2)));
            await tx.execute(sql.raw(sleepThenWrite(0)));
          });
        }),
    });
    const { boot } = bootUnderTest({ pool, plugins: [plugin] });
    await boot.start();
    await boot.stop();
    expect(boot.report().warnings).toEqual([]);
    const { rows } = await pool.query('select count(*)::int as n from plugin_writer.written');
    expect(rows).toEqual([{ n: 3 }]);
    await expectToEnd(pool);
  });

  it('is cut off, with a warning, when its plugin has failed', async () => {
    const pool = db.pool({ max: 4 });
    const plugin = definePlugin({
      id: 'leaky',
      init: async ({ database }) => {
        void database.query('select pg_sleep(1000)').catch(() => undefined);
        // A busy server may open the client of a later query first, and a query without a client does not run yet.
        await untilFound(db, sleeping);
        fail();
      },
    });
    const { boot } = bootUnderTest({ pool, plugins: [plugin] });
    const error = await failureOf(boot.start());
    expect(error.report?.warnings).toEqual([
      { plugin: 'leaky', message: 'leaky stopped while 1 query still ran: cut off' },
    ]);
    await expectToEnd(pool);
  });
});
