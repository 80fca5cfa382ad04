import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { getPluginSchemaName } from 'slipway';
import { findPluginMigrations, hostMigrations } from './migration-folders.ts';

/** What is in one schema of the database. */
export interface PlacedObjects {
  readonly schema: string;
  readonly tables: number;
  readonly types: number;
  readonly indexes: number;
  readonly sequences: number;
  /** The tables and enums, by name; indexes and sequences are always where their table is. */
  readonly names: readonly string[];
}

/** The part of a snapshot of drizzle-kit that is needed here. */
interface Snapshot {
  readonly tables: Readonly<Record<string, { readonly name: string }>>;
  readonly enums: Readonly<Record<string, { readonly name: string }>>;
}

/** Looks what is in each schema, PostgreSQL's own and the histories of migrations aside. */
export async function readPlacedObjects(pool: Pool): Promise<readonly PlacedObjects[]> {
  const { rows } = await pool.query<PlacedObjects>(`
    SELECT nspname AS schema,
      count(*) FILTER (WHERE kind IN ('r', 'p'))::int AS tables,
      count(*) FILTER (WHERE kind = 'enum')::int AS types,
      count(*) FILTER (WHERE kind IN ('i', 'I'))::int AS indexes,
      count(*) FILTER (WHERE kind = 'S')::int AS sequences,
      coalesce(array_agg(name ORDER BY name) FILTER (WHERE kind IN ('r', 'p', 'enum')), '{}') AS names
    FROM pg_namespace AS n, LATERAL (
      SELECT relname::text AS name, relkind::text AS kind FROM pg_class WHERE relnamespace = n.oid
      UNION ALL
      SELECT typname::text, 'enum' FROM pg_type WHERE typnamespace = n.oid AND typtype = 'e'
    ) AS object
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'slipway', 'drizzle')
      AND name !~ '^__drizzle_migrations'
    GROUP BY nspname ORDER BY nspname`);
  return rows;
}

/** Reports each object that is not where its plugin's Drizzle schema declares it, or that no plugin declares. */
export async function findMisplaced(placed: readonly PlacedObjects[]): Promise<readonly string[]> {
  const expected = await readExpected();
  const found = new Map(placed.map(({ schema, names }) => [schema, new Set<string>(names)]));
  const missing = [...expected].flatMap(([schema, names]) =>
    [...names]
      .filter((name) => !found.get(schema)?.has(name))
      .map((name) => `${name} is not in ${schema}`),
  );
  const strange = [...found].flatMap(([schema, names]) =>
    [...names]
      .filter((name) => !expected.get(schema)?.has(name))
      .map((name) => `${name} is in ${schema}, where no plugin declares it`),
  );
  return [...missing, ...strange];
}

/** The tables and enums of each schema, as the last snapshots of drizzle-kit have them. */
async function readExpected(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const expected = new Map([['public', await namesIn(hostMigrations)]]);
  for (const { id, folder } of await findPluginMigrations()) {
    expected.set(getPluginSchemaName(id), await namesIn(folder));
  }
  return expected;
}

async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  const files = await readdir(join(folder, 'meta'));
  const last =
    files
      .filter((file) => file.endsWith('_snapshot.json'))
      .toSorted()
      .at(-1) ?? '';
  const { tables, enums } = JSON.parse(
    await readFile(join(folder, 'meta', last), 'utf8'),
  ) as Snapshot;
  return new Set([...Object.values(tables), ...Object.values(enums)].map(({ name }) => name));
}
