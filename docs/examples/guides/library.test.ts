import { Pool } from 'pg';
import type { Boot } from 'slipway';
import { startPostgres } from 'slipway/testing';
import type { PostgresServer } from 'slipway/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { booksApi } from './api.ts';
import { createLibrary } from './library.ts';
import { overviewApi } from './overview.ts';

let postgres: PostgresServer;
let pool: Pool;
let boot: Boot;

beforeAll(async () => {
  postgres = await startPostgres({ from: 'local' }); // new and empty, whatever DATABASE_URL says
  pool = new Pool({ connectionString: postgres.url });
  boot = createLibrary({ pool });
  await boot.start();
}, 60_000);

afterAll(async () => {
  await boot.stop();
  await pool.end();
  await postgres.stop();
});

test('a book that is lent is still counted', async () => {
  const books = boot.services.get(booksApi);
  await books.lend(await books.add('Moby-Dick'), 'ishmael@sea.example');
  expect(await boot.services.get(overviewApi).read()).toEqual({ books: 1 });
});

test('no mailer, no reminders, and the library is up all the same', () => {
  expect(boot.report()).toMatchObject({ outcome: 'ready', problems: [] });
});
