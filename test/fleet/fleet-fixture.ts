import { expect } from 'vitest';
import {
  migrateFleet,
  type FleetBootOptions,
  type FleetEvent,
  type FleetReport,
  type FleetTarget,
  type MigrateFleetOptions,
  type MigrationFunction,
} from '../../src/index.ts';
import type { Database, FileDatabase } from '../support/database.ts';

/** What runs twice counts twice. */
export const counting: readonly MigrationFunction[] = [
  {
    name: '0000_counter',
    run: (client) => client.query('CREATE TABLE counter AS SELECT 0 AS n'),
  },
  { name: '0001_count', run: (client) => client.query('UPDATE counter SET n = n + 1') },
];

/** A file that fails. */
export function failIn(name: string): MigrationFunction {
  return { name, run: (client) => client.query('SELECT * FROM nowhere') };
}

/** The options of each boot: the plugin shop with these files. */
export function bootWith(migrations: readonly MigrationFunction[]): () => FleetBootOptions {
  return () => ({ plugins: [{ id: 'shop', migrations }], connect: { wait: 0 } });
}

/** A database of a fleet. */
export interface TestTarget {
  readonly name: string;
  readonly database: Database;
  readonly canary?: boolean;
}

/** Makes empty databases for the test that calls it: d0, d1, … */
export async function makeDatabases(
  db: FileDatabase,
  count: number,
): Promise<readonly TestTarget[]> {
  const made = await Promise.all(Array.from({ length: count }, () => db.fresh()));
  return made.map((database, at) => ({ name: `d${at}`, database }));
}

export function toTargets(
  databases: readonly TestTarget[],
): readonly (FleetTarget & { readonly url: string })[] {
  return databases.map(({ name, database, canary = false }) => ({
    name,
    url: database.url,
    canary,
  }));
}

/** How often the file that counts has run; -1 without the table. */
export async function countRuns({ query }: Pick<Database, 'query'>): Promise<number> {
  const { rows: there } = await query<{ is: boolean }>(
    `SELECT to_regclass('plugin_shop.counter') IS NOT NULL AS is`,
  );
  if (there[0]?.is !== true) return -1;
  const { rows } = await query<{ n: number }>('SELECT n FROM plugin_shop.counter');
  return rows[0]?.n ?? -1;
}

export async function expectCountedOnce(databases: readonly TestTarget[]): Promise<void> {
  for (const { name, database } of databases) expect(await countRuns(database), name).toBe(1);
}

/** `d0 done`, in the order of the report. */
export function outcomesOf({ databases }: FleetReport): readonly string[] {
  return databases.map(({ name, outcome }) => `${name} ${outcome}`);
}

/** Migrates a fleet, and keeps its events. */
export async function runFleet(
  options: Omit<MigrateFleetOptions, 'onEvent'>,
): Promise<{ readonly report: FleetReport; readonly events: readonly FleetEvent[] }> {
  const events: FleetEvent[] = [];
  const report = await migrateFleet({ ...options, onEvent: (event) => void events.push(event) });
  return { report, events };
}
