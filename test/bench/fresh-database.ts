import type { Pool } from 'pg';
import type { Plugin } from 'slipway';
import { TestDatabase } from '../support/test-database.ts';
import type { Rival } from './rivals.ts';

/** Makes an empty database for as long as `use` runs. */
export async function withDatabase<Result>(
  adminUrl: string,
  use: (database: TestDatabase) => Promise<Result>,
): Promise<Result> {
  const database = new TestDatabase(adminUrl);
  await database.create();
  try {
    return await use(database);
  } finally {
    await database.drop();
  }
}

/** How a boot is to be looked at. */
export interface BootIn {
  /** How it comes to the server; straight unless told. */
  readonly lineUrl?: string;
  /** Gets the pool before it has a connection. */
  readonly onPool?: (pool: Pool) => void;
  /** How many tables there have to be afterwards in the schemas of plugins. */
  readonly tables: number;
}

/** Boots on a pool that has no connection yet, as in a process that has just started, and looks whether it was done. */
export async function bootIn(
  database: TestDatabase,
  rival: Rival,
  plugins: readonly Plugin[],
  { lineUrl = database.url, onPool, tables }: BootIn,
): Promise<number> {
  const url = new URL(lineUrl);
  url.pathname = `/${database.name}`;
  const pool = database.pool({ connectionString: url.href });
  onPool?.(pool);
  const ms = await rival(pool, plugins);
  await database.expectNoLeak();
  await expectTables(database, tables);
  return ms;
}

async function expectTables(database: TestDatabase, expected: number): Promise<void> {
  const { rows } = await database.query<{ tables: number }>(
    "select count(*)::int as tables from pg_tables where schemaname like 'plugin\\_%'",
  );
  const found = rows[0]?.tables;
  if (found !== expected) throw new Error(`Expected ${expected} tables, found ${found}`);
}
