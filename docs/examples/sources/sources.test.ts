import pg from 'pg';
import { createBoot, createRepair } from 'slipway';
import { startPostgres } from 'slipway/testing';
import type { PostgresServer } from 'slipway/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackend, options } from './adopted-host.ts';
import { notes, notesApi } from './kysely.ts';
import { ledger } from './node-pg-migrate-runner.ts';
import { orders } from './knex.ts';
import { tasks } from './node-pg-migrate.ts';
import { adopt, visits } from './other-tools.ts';
import { posts } from './prisma.ts';
import { library } from './several.ts';
import { counters } from './sql-files.ts';

let postgres: PostgresServer;
let pool: pg.Pool;

beforeAll(async () => {
  postgres = await startPostgres({ from: 'local' }); // new and empty, whatever DATABASE_URL says
  pool = new pg.Pool({ connectionString: postgres.url });
}, 60_000);

afterAll(async () => {
  await pool.end();
  await postgres.stop();
});

const plugins = [notes, tasks, ledger, counters, posts, orders, library];

const valuesOf = async (sql: string): Promise<readonly unknown[]> =>
  (await pool.query({ text: sql, rowMode: 'array' })).rows.flat();

test('a backend whose plugins migrate with Kysely, Knex, node-pg-migrate, Prisma and plain SQL boots, and is up to date then', async () => {
  await using boot = createBoot({ pool, plugins });
  await boot.start();
  const api = boot.services.get(notesApi);
  await api.add('second');
  expect(await api.titles()).toEqual(['welcome', 'second']);
  expect(await valuesOf('SELECT title FROM plugin_tasks.tasks')).toEqual(['migrate']);
  expect(await valuesOf('SELECT name FROM plugin_counters.counters')).toEqual(['visits']);
  expect(await valuesOf('SELECT title FROM plugin_library.long_books')).toEqual(['Long']);
  expect(await valuesOf('SELECT amount FROM plugin_ledger.entries')).toEqual(['100']);

  expect(await valuesOf('SELECT name FROM plugin_orders.customers')).toEqual(['first']);
  expect(await valuesOf(`SELECT enum_range(NULL::plugin_posts."State")::text`)).toEqual([
    '{DRAFT,PUBLISHED}',
  ]);

  await using again = createBoot({ pool, plugins });
  const { plugins: planned } = await again.plan();
  expect(planned.flatMap(({ pending }) => pending)).toEqual([]);
});

test('each history is in the schema of its plugin', async () => {
  const names = (plugin: string): Promise<readonly unknown[]> =>
    valuesOf(`SELECT name FROM plugin_${plugin}.__drizzle_migrations ORDER BY id`);
  expect(await names('notes')).toEqual(['2024-05-01-notes', '2024-06-01-first-note']);
  expect(await names('tasks')).toEqual(['1714521600000_tasks', '1717200000000_first-task']);
  expect(await names('posts')).toEqual(['20240102030405_posts', '20240203040506_states']);
  expect(await names('orders')).toEqual([
    '20240102030405_orders',
    '20240203040506_customers',
    '20240304050607_state_index',
  ]);
  expect(await names('counters')).toEqual(['0001_counters', '0002_value']);
  expect(await names('library')).toEqual([
    '20240501100000_books',
    '20240501120000_import',
    '20240601100000_words',
    'long_books',
  ]);
  expect(await valuesOf('SELECT name FROM plugin_ledger.pgmigrations ORDER BY id')).toEqual(
    await names('ledger'),
  );
});

test('a plugin with files of dbmate takes over what dbmate has applied, and applies the rest', async () => {
  await pool.query(`
    CREATE SCHEMA plugin_visits;
    CREATE TABLE plugin_visits.visits (page text PRIMARY KEY, count int NOT NULL DEFAULT 0);
    CREATE TABLE plugin_visits.schema_migrations (version varchar PRIMARY KEY);
    INSERT INTO plugin_visits.schema_migrations VALUES ('20240102030405')`);
  expect(await adopt(pool)).toEqual(['20240102030405_visits.sql']);
  await using boot = createBoot({ pool, plugins: [visits] });
  await boot.start();
  expect(await valuesOf('SELECT page FROM plugin_visits.visits')).toEqual(['/']);
});

test('a host takes over what dbmate has applied in public, and stops before that', async () => {
  await pool.query(`
    CREATE TABLE public.visits (page text PRIMARY KEY, count int NOT NULL DEFAULT 0);
    CREATE TABLE public.schema_migrations (version varchar PRIMARY KEY);
    INSERT INTO public.schema_migrations VALUES ('20240102030405')`);
  await using early = createBackend(pool);
  const { problems } = await early.plan();
  expect(problems.map(({ code }) => code)).toEqual(['MIGRATION_HISTORY_UNKNOWN']);
  await createRepair({ ...options, pool }).baseline('host', { from: 'dbmate' });
  await using boot = createBackend(pool);
  await boot.start();
  expect(await valuesOf('SELECT page FROM public.visits')).toEqual(['/']);
});
