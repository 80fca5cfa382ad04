import pg from 'pg';
import { createBoot } from 'slipway';
import { startPostgres } from 'slipway/testing';
import type { PostgresServer } from 'slipway/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notes, notesApi } from './kysely.ts';
import { ledger } from './node-pg-migrate-runner.ts';
import { tasks } from './node-pg-migrate.ts';
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

const plugins = [notes, tasks, ledger, counters];

const valuesOf = async (sql: string): Promise<readonly unknown[]> =>
  (await pool.query({ text: sql, rowMode: 'array' })).rows.flat();

test('a backend whose plugins migrate with Kysely, node-pg-migrate and plain SQL boots, and is up to date then', async () => {
  await using boot = createBoot({ pool, plugins });
  await boot.start();
  const api = boot.services.get(notesApi);
  await api.add('second');
  expect(await api.titles()).toEqual(['welcome', 'second']);
  expect(await valuesOf('SELECT title FROM plugin_tasks.tasks')).toEqual(['migrate']);
  expect(await valuesOf('SELECT name FROM plugin_counters.counters')).toEqual(['visits']);
  expect(await valuesOf('SELECT amount FROM plugin_ledger.entries')).toEqual(['100']);

  await using again = createBoot({ pool, plugins });
  const { plugins: planned } = await again.plan();
  expect(planned.flatMap(({ pending }) => pending)).toEqual([]);
});

test('each history is in the schema of its plugin', async () => {
  const names = (plugin: string): Promise<readonly unknown[]> =>
    valuesOf(`SELECT name FROM plugin_${plugin}.__drizzle_migrations ORDER BY id`);
  expect(await names('notes')).toEqual(['2024-05-01-notes', '2024-06-01-first-note']);
  expect(await names('tasks')).toEqual(['1714521600000_tasks', '1717200000000_first-task']);
  expect(await names('counters')).toEqual(['0001_counters', '0002_value']);
  expect(await valuesOf('SELECT name FROM plugin_ledger.pgmigrations ORDER BY id')).toEqual(
    await names('ledger'),
  );
});
