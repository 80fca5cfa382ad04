import pg from 'pg';
import { BootError, createBoot } from 'slipway';
import type { Boot } from 'slipway';
import { startPostgres } from 'slipway/testing';
import type { PostgresServer } from 'slipway/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareFolders } from './compare.ts';

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

const release = (folder: string): Boot =>
  createBoot({
    pool,
    plugins: [{ id: 'books', migrations: new URL(`./${folder}`, import.meta.url) }],
  });

test('the squashed folder makes what the old one has made', async () => {
  expect(await compareFolders(pool)).toEqual([]);
});

test('a database of the old release takes the squash file without running it, and refuses the old release then', async () => {
  await release('before').migrate();
  const { plugins } = await release('after').migrate();
  expect(plugins[0]?.replaced).toEqual([{ file: '0003_squash.sql', rows: 3 }]);
  const error: unknown = await release('before')
    .migrate()
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BootError);
  expect((error as BootError).problems?.[0]?.code).toBe('MIGRATION_HISTORY_UNKNOWN');
});
