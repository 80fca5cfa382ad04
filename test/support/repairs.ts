import { expect } from 'vitest';
import type { RepairReport } from '../../src/index.ts';
import type { Database } from './database.ts';

/** Returns the objects of plugins, host and `public`, and every row of the histories. A dry run must not change any of it. */
export async function stateOf({ query }: Database): Promise<unknown> {
  const { rows } = await query<{ name: string; relname: string }>(
    `SELECT quote_ident(nspname) || '.' || quote_ident(relname) AS name, relname::text, relkind::text,
       pg_sequence_last_value(CASE relkind WHEN 'S' THEN c.oid END) AS last
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE nspname !~ '^(pg_|information_schema)' UNION ALL
     SELECT quote_ident(nspname) || '.' || quote_ident(typname), typname::text, 'enum', null
     FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE typtype = 'e'
     ORDER BY 1`,
  );
  const histories = rows.filter(({ relname }) => relname === '__drizzle_migrations');
  const contents = histories.map(
    async ({ name }) => (await query(`SELECT * FROM ${name} ORDER BY id`)).rows,
  );
  return { rows, histories: await Promise.all(contents) };
}

/** Runs a repair dry, then for real, then once more. The dry run must report what the second does; the third has no work. */
export async function thrice(
  fresh: Database,
  run: (dryRun: boolean) => Promise<RepairReport>,
): Promise<RepairReport> {
  const before = await stateOf(fresh);
  const dry = await run(true);
  expect(await stateOf(fresh)).toEqual(before);
  const real = await run(false);
  expect({ ...real, dryRun: true }).toEqual(dry);
  expect(JSON.parse(JSON.stringify(real))).toEqual(real);
  const after = await stateOf(fresh);
  expect(await run(false)).toMatchObject({ changes: [], statements: [] });
  expect(await stateOf(fresh)).toEqual(after);
  return real;
}
