import { expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import { errorOf, migrateOptions, pluginWith } from './migration-fixture.ts';

const db = useDatabase();

const migrations = {
  '0000_init': 'create table t (id int);',
  '0001_long': 'create table u (id int);--> statement-breakpoint\nselect pg_sleep(60);',
};
const healed = { ...migrations, '0001_long': 'create table u (id int);' };

test('a killed session is an error with its cause, and the next run goes on from there', async () => {
  const pool = db.pool();
  const failing = errorOf(
    migratePlugin(pool, await pluginWith('killed', migrations), migrateOptions()),
  );
  await killSleeper();

  expect(await failing).toMatchObject({
    code: 'MIGRATION_CONNECTION_LOST',
    plugin: 'killed',
    phase: 'migrateAll',
    position: { file: '0001_long.sql' },
    cause: { code: '57P01' },
    hint: 'Nothing of 0001_long.sql was kept; 0000_init.sql is committed and stays. If the server crashed, committed files may be lost too, each with its row: they then run again. The connection was ended, by pg_terminate_backend or because the server was stopped. Start again once PostgreSQL is back: it continues where this one ended.',
  });
  expect(await migratePlugin(pool, await pluginWith('killed', healed), migrateOptions())).toEqual({
    status: 'done',
    applied: ['0001_long.sql'],
  });
});

test('a reset socket is an error with its cause, and the next run goes on from there', async () => {
  await using proxy = await startProxy(db.url);
  const pool = db.pool({ connectionString: proxy.url });
  const failing = errorOf(
    migratePlugin(pool, await pluginWith('reset', migrations), migrateOptions()),
  );
  await untilSleeping();
  proxy.reset();

  const error = await failing;
  expect(error).toMatchObject({
    code: 'MIGRATION_CONNECTION_LOST',
    position: { file: '0001_long.sql' },
  });
  expect(error.cause).toBeInstanceOf(Error);
  // The server notices by itself that its client is gone, and frees the lock while the statement would still run.
  let result = await migratePlugin(pool, await pluginWith('reset', healed), migrateOptions());
  while (result.status === 'locked') {
    result = await migratePlugin(pool, await pluginWith('reset', healed), migrateOptions());
  }
  expect(result).toEqual({ status: 'done', applied: ['0001_long.sql'] });
});

test('a server that is not there is an error of the plugin', async () => {
  const proxy = await startProxy(db.url);
  const pool = db.pool({ connectionString: proxy.url });
  await proxy.close();
  const absent = await pluginWith('absent', migrations);
  expect(await errorOf(migratePlugin(pool, absent, migrateOptions()))).toMatchObject({
    code: 'MIGRATION_CONNECTION_LOST',
    plugin: 'absent',
    cause: { code: 'ECONNREFUSED' },
  });
});

test('past the deadline of a stop the socket is cut, even through a network that has gone silent', async () => {
  await using proxy = await startProxy(db.url);
  const pool = db.pool({ connectionString: proxy.url });
  const [stop, cut] = [new AbortController(), new AbortController()];
  const running = migratePlugin(
    pool,
    await pluginWith('cut', migrations),
    migrateOptions({ signal: stop.signal, cut: cut.signal }),
  );
  await untilSleeping();
  proxy.blackHole();
  stop.abort();
  cut.abort();
  expect(await running).toEqual({ status: 'canceled', applied: ['0000_init.sql'] });
  expect(pool.totalCount).toBe(0);
  await killMigrations();
});

async function killSleeper(): Promise<void> {
  await untilSleeping();
  await killMigrations();
}

async function killMigrations(): Promise<unknown> {
  return db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'slipway/%'`,
  );
}

async function untilSleeping(): Promise<void> {
  for (;;) {
    const { rowCount } = await db.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
    );
    if (rowCount === 1) return;
  }
}
