import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { checkSettings } from '../../src/core/settings.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { surveyWhileReading, type Survey } from '../../src/postgres/survey/survey.ts';
import type { PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import type { PoolLike } from '../../src/postgres/connection/connection.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { startProxy } from '../support/proxy.ts';
import { errorOf, migrateOptions, pluginWith, takeSurvey, toPlugin } from './migration-fixture.ts';

const db = useDatabase();
const init = { '0000_init': 'create table t (id int);' };
const { signal } = new AbortController();

function look(pool: PoolLike, plugins: readonly PluginMigrations[]): Promise<Survey> {
  return withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
    takeSurvey(client, plugins),
  );
}

test.each([1, 10, 100])(
  'of %i migrated plugins takes exactly two statements on the wire',
  async (count) => {
    const fresh = await db.fresh();
    const one = await pluginWith('p', init);
    const plugins = Array.from({ length: count }, (_, index) => ({
      ...toPlugin(`p${index}`, one.files),
      furtherSchemas: [`further_${index}`],
    }));
    const direct = fresh.pool();
    for (const plugin of plugins) await migratePlugin(direct, plugin, migrateOptions());
    await direct.end();

    await using proxy = await startProxy(fresh.url);
    const pool = fresh.pool({ connectionString: proxy.url });
    const survey = await look(pool, plugins);

    expect(proxy.statements).toHaveLength(2);
    expect(survey.problems).toEqual([]);
    expect(survey.plugins).toEqual(
      plugins.map(({ id, schema, furtherSchemas, files }) => ({
        id,
        schema,
        historySchema: schema,
        schemaExists: true,
        historyExists: true,
        furtherSchemas,
        missingSchemas: [],
        applied: files.map(({ name }) => name),
        pending: [],
        squashes: [],
        repeats: [],
        warnings: [],
        problems: [],
      })),
    );
    expect(pool.idleCount).toBe(1);
    await pool.end();
  },
);

test('of an empty database takes two statements, changes nothing and finds everything pending', async () => {
  const fresh = await db.fresh();
  const plugins = [await pluginWith('a', init), await pluginWith('b', init)];
  await using proxy = await startProxy(fresh.url);
  const pool = fresh.pool({ connectionString: proxy.url });
  const survey = await look(pool, plugins);

  expect(proxy.statements).toHaveLength(2);
  expect(survey).toMatchObject({ pooler: false, readOnly: false, problems: [] });
  expect(survey.server).toMatch(/^\d+(\.\d+|devel|beta\d+|rc\d+)$/);
  expect(survey.plugins.map(({ pending }) => pending.length)).toEqual([1, 1]);
  const { rows } = await fresh.query(`select 1 from pg_namespace where nspname like 'plugin%'`);
  expect(rows).toEqual([]);
  await pool.end();
});

test('of an upgrade takes a third, and one where extensions or public are used does not', async () => {
  const fresh = await db.fresh();
  await fresh.query(`create schema ext; create extension citext schema ext;
    create table public.of_the_host (id int)`);
  const old = await pluginWith('a', init);
  const upgraded = await pluginWith('a', { ...init, '0001_more': 'create table more (id int);' });
  const direct = fresh.pool();
  await migratePlugin(direct, old, migrateOptions());
  await direct.end();
  await using proxy = await startProxy(fresh.url);
  const pool = fresh.pool({ connectionString: proxy.url });

  const nothing = await look(pool, [old]);
  expect(proxy.statements).toHaveLength(2);
  expect(nothing).toMatchObject({ schemasOnPath: ['ext'], problems: [] });
  const upgrade = await look(pool, [upgraded]);
  expect(proxy.statements).toHaveLength(2 + 3);
  expect(upgrade.plugins[0]?.pending.map(({ name }) => name)).toEqual(['0001_more.sql']);
  const repeated = await look(pool, [
    await pluginWith('a', { ...init, '0001_again': init['0000_init'] }),
  ]);
  expect(proxy.statements).toHaveLength(2 + 3 + 3);
  expect(repeated.plugins[0]?.pending.map(({ name }) => name)).toEqual(['0001_again.sql']);
  await pool.end();
});

test('asks for all that an applied plugin needs while its files are still being read', async () => {
  const plugins = [await pluginWith('a', init)];
  const fresh = await db.fresh();
  const pool = fresh.pool();
  for (const plugin of plugins) await migratePlugin(pool, plugin, migrateOptions());

  const reading = deferred<readonly PluginMigrations[]>();
  const { migrations: settings } = checkSettings({});
  const survey = await withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
    surveyWhileReading(
      {
        async query<Row>(text: string, values?: readonly unknown[]) {
          // Without values it is the second message.
          if (!values) reading.resolve(plugins);
          return client.query<Row>(text, values);
        },
      },
      plugins,
      () => reading.promise,
      { settings, willApply: true },
    ),
  );
  expect(survey.plugins.map(({ pending }) => pending)).toEqual([[]]);
});

test('starts again when a history disappears between its messages', async () => {
  const fresh = await db.fresh();
  const gone = await pluginWith('gone', init);
  const stays = await pluginWith('stays', init);
  const pool = fresh.pool();
  for (const plugin of [gone, stays]) await migratePlugin(pool, plugin, migrateOptions());

  const survey = await withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
    takeSurvey(
      {
        processID: client.processID,
        async query<Row>(text: string, values?: readonly unknown[]) {
          if (!values) await fresh.query('drop schema if exists plugin_gone cascade');
          return client.query<Row>(text, values);
        },
      },
      [gone, stays],
    ),
  );
  expect(survey.plugins.map(({ pending }) => pending.length)).toEqual([1, 0]);
});

test('on a connection that breaks is an error with its cause', async () => {
  await using proxy = await startProxy(db.url);
  const pool = db.pool({ connectionString: proxy.url });
  const plugins = [await pluginWith('a', init)];
  const broken = withPinnedClient(pool, { clock: systemClock, signal }, (client) => {
    proxy.reset();
    return takeSurvey(client, plugins);
  });
  const error = await errorOf(broken);
  expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  expect(error.cause).toBeInstanceOf(Error);
});

describe('tells before anything is changed that', () => {
  test('the database takes no writes', async () => {
    const pool = db.pool({ options: '-c default_transaction_read_only=on' });
    const survey = await look(pool, [await pluginWith('a', init)]);
    expect(survey.readOnly).toBe(true);
    expect(survey.problems).toMatchObject([{ code: 'DATABASE_READ_ONLY' }]);
  });

  test('behind a pooler a file needs more than a transaction, unless the pooler keeps sessions', async () => {
    const plugins = [
      await pluginWith('a', { ...init, '0001_index': 'create index concurrently i on t (id)' }),
    ];
    const pool = db.pool();
    const pooled = await withPinnedClient(pool, { clock: systemClock, signal }, async (client) => {
      const announced = { processID: 1, query: client.query.bind(client) };
      return Promise.all([
        takeSurvey(announced, plugins),
        takeSurvey(announced, plugins, { pooler: 'session' }),
      ]);
    });
    expect(pooled.map(({ pooler }) => pooler)).toEqual([true, true]);
    expect(pooled.map(({ keepsSession }) => keepsSession)).toEqual([false, true]);
    expect(pooled[0].problems).toMatchObject([
      {
        code: 'POOLER_UNSUPPORTED',
        plugin: 'a',
        file: '0001_index.sql',
        hint: expect.stringContaining('migrationPool') as unknown,
      },
    ]);
    expect(pooled[1].problems).toEqual([]);
  });

  test('the role lacks a right, and how to grant it', async () => {
    const fresh = await db.fresh();
    const role = fresh.name;
    const url = new URL(fresh.url);
    url.username = role;
    const plugins = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => pluginWith(id, init)));
    const [, , c, d] = plugins;
    const admin = fresh.pool();
    for (const plugin of [c, d]) if (plugin) await migratePlugin(admin, plugin, migrateOptions());
    await fresh.query(`create role ${role} login`);
    try {
      await fresh.query(`create schema plugin_b; grant usage on schema plugin_b to ${role}`);
      await fresh.query(`grant usage on schema plugin_d to ${role}`);
      await fresh.query(
        `create schema plugin_e; create table plugin_e.__drizzle_migrations (x int)`,
      );
      await fresh.query(
        `grant all on schema plugin_e to ${role}; grant all on all tables in schema plugin_e to ${role}`,
      );

      const pool = fresh.pool({ connectionString: url.href });
      const { problems } = await look(pool, plugins);
      expect(problems.map(({ code, plugin, hint }) => [code, plugin, hint])).toEqual([
        ['DATABASE_PRIVILEGE', 'a', `GRANT CREATE ON DATABASE "${fresh.name}" TO "${role}";`],
        ['DATABASE_PRIVILEGE', 'b', `GRANT CREATE ON SCHEMA "plugin_b" TO "${role}";`],
        ['DATABASE_PRIVILEGE', 'c', `GRANT USAGE ON SCHEMA "plugin_c" TO "${role}";`],
        [
          'DATABASE_PRIVILEGE',
          'd',
          `GRANT SELECT ON "plugin_d"."__drizzle_migrations" TO "${role}";`,
        ],
        ['MIGRATION_HISTORY_UNKNOWN', 'e', expect.stringContaining('Rename that table')],
      ]);
      await pool.end();
    } finally {
      await fresh.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  test('nothing is wrong for a role that may only read, when nothing is pending', async () => {
    const fresh = await db.fresh();
    const role = fresh.name;
    const url = new URL(fresh.url);
    url.username = role;
    const done = await pluginWith('done', init);
    await migratePlugin(fresh.pool(), done, migrateOptions());
    await fresh.query(
      `create role ${role} login; grant usage on schema plugin_done to ${role}; grant select on plugin_done.__drizzle_migrations to ${role}`,
    );
    try {
      const pool = fresh.pool({ connectionString: url.href });
      expect((await look(pool, [done])).problems).toEqual([]);
      await pool.end();
    } finally {
      await fresh.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
