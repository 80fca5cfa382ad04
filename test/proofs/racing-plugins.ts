import { expect } from 'vitest';
import type { BootEvent } from '../../src/index.ts';

/** The files of a plugin by tag. */
export type Files = Readonly<Record<string, string>>;

/** What a first install brings. Whatever runs twice fails, or counts twice. */
export const firstInstall: Files = {
  '0000_items': `CREATE TYPE item_state AS ENUM ('open', 'closed');--> statement-breakpoint
                 CREATE TABLE items (id serial PRIMARY KEY, state item_state NOT NULL);`,
  '0001_counter': `CREATE TABLE counter (runs int NOT NULL);--> statement-breakpoint
                   INSERT INTO counter VALUES (0);`,
};

/** The first install, and so many releases after it: objects on top of earlier ones. */
export function upgraded(releases: number): Files {
  return withReleases(
    releases,
    'upgrade',
    (
      n,
    ) => `CREATE TABLE more_${n} (item_id int REFERENCES items(id), state item_state);--> statement-breakpoint
     CREATE INDEX more_${n}_index ON more_${n} (item_id);--> statement-breakpoint
     UPDATE counter SET runs = runs + 1;`,
  );
}

/** The same, with releases that change nothing but data: no error shows when that is done twice. */
export function recounted(releases: number): Files {
  return withReleases(releases, 'data', () => 'UPDATE counter SET runs = runs + 1;');
}

function withReleases(releases: number, name: string, sql: (release: number) => string): Files {
  const files = Array.from({ length: releases }, (_, index) => {
    return [`${String(index + 2).padStart(4, '0')}_${name}`, sql(index + 1)] as const;
  });
  return { ...firstInstall, ...Object.fromEntries(files) };
}

/** Whatever answers queries. */
interface Queryable {
  query(sql: string): Promise<{ readonly rows: readonly unknown[] }>;
}

/** Fails unless each file has one row in its history and has counted once, and all objects are where they belong. */
export async function expectEachFileOnce(
  database: Queryable,
  plugins: Readonly<Record<string, Files>>,
): Promise<void> {
  const schemas = Object.keys(plugins).map((id) => `plugin_${id}`);
  const { rows } = await database.query(schemas.map(standingSql).join(' UNION ALL '));
  const wanted = Object.entries(plugins).map(([id, files]) => {
    const tags = Object.keys(files);
    const runs = Object.values(files).filter((sql) => sql.includes('runs + 1')).length;
    const made = tags.filter((tag) => tag.endsWith('_upgrade')).length;
    const tables = ['__drizzle_migrations', 'counter', 'items'].length + made;
    const standing = { rows: tags.length, files: tags.length, runs, tables, enums: 1 };
    return { plugin: `plugin_${id}`, ...standing };
  });
  expect(rows).toEqual(wanted);
  const elsewhere = await database.query(
    `SELECT relnamespace::regnamespace::text AS schema, relname FROM pg_class
     WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema$|${schemas.join('$|')}$)'`,
  );
  expect(elsewhere.rows).toEqual([]);
}

function standingSql(schema: string): string {
  return `SELECT '${schema}' AS plugin, count(*)::int AS rows, count(DISTINCT created_at)::int AS files,
    (SELECT sum(runs)::int FROM ${schema}.counter) AS runs,
    (SELECT count(*)::int FROM pg_tables WHERE schemaname = '${schema}') AS tables,
    (SELECT count(*)::int FROM pg_type WHERE typtype = 'e' AND typnamespace = '${schema}'::regnamespace) AS enums
    FROM ${schema}.__drizzle_migrations`;
}

/**
 * Fails unless, of all the boots together, exactly one told of each file that it applied it.
 *
 * @param before What each plugin had already.
 */
export function expectAppliedOnce(
  events: readonly BootEvent[],
  before: Readonly<Record<string, Files>>,
  plugins: Readonly<Record<string, Files>>,
): void {
  const applied = events.filter((event) => event.type === 'plugin.migrate.applied');
  const told = applied.map(({ plugin, file }) => `${plugin} ${file}`);
  const wanted = Object.entries(plugins).flatMap(([id, files]) =>
    Object.keys(files)
      .filter((tag) => !(tag in (before[id] ?? {})))
      .map((tag) => `${id} ${tag}.sql`),
  );
  expect(told.toSorted()).toEqual(wanted.toSorted());
}
