import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { expect, test } from 'vitest';
import { createRepair, type BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { writeSnapshots } from '../support/snapshots.ts';
import { saturate } from '../support/workers.ts';

/**
 * What a pool without pinning leaves behind, and no later fix heals by itself: the tables of a plugin stand in public, and
 * its history says that all is well.
 */
const v1 = {
  '0000_checks': `CREATE TYPE health_check_status AS ENUM ('healthy', 'degraded');--> statement-breakpoint
                  CREATE TABLE checks (id serial PRIMARY KEY, status health_check_status NOT NULL);`,
};
const v2 = {
  ...v1,
  '0001_runs': `CREATE TABLE runs (id serial PRIMARY KEY, check_id int REFERENCES checks,
                  status health_check_status DEFAULT 'healthy' NOT NULL);`,
};
const first = { tables: ['checks'], enums: ['health_check_status'] };
const second = { ...first, tables: ['checks', 'runs'] };

const db = useDatabase();
const bootUnderTest = useBoots();

test('what a saturated pool stranded in public is told before anything is changed, moved on request, and then upgraded with its data', async () => {
  const fresh = await db.fresh();
  const id = await installWithoutPinning(fresh);
  await fresh.query("INSERT INTO public.checks (status) VALUES ('healthy'), ('degraded')");

  const migrations = await migrationFolder(v2);
  await writeSnapshots(migrations, { '0000_checks': first, '0001_runs': second });
  const options: BootOptions = { pool: fresh.url, plugins: [{ id, migrations }] };
  const error = await failureOf(bootUnderTest(options).boot.start());
  expect(error.code).toBe('PLAN_INVALID');
  expect(error.problems).toMatchObject([
    {
      code: 'MIGRATION_STRANDED_OBJECTS',
      plugin: id,
      message: expect.stringContaining('table checks, type health_check_status') as string,
      hint: expect.stringContaining(`repair.relocate('${id}')`) as string,
    },
  ]);
  expect(await placesOf(fresh)).toEqual(['public.checks']);

  await createRepair(options).relocate(id);
  const report = await bootUnderTest(options).boot.start();
  expect(report).toMatchObject({ outcome: 'ready', plugins: [{ applied: ['0001_runs.sql'] }] });
  expect(await placesOf(fresh)).toEqual([`plugin_${id}.checks`, `plugin_${id}.runs`]);
  const { rows } = await fresh.query(
    `INSERT INTO plugin_${id}.runs (check_id) SELECT id FROM plugin_${id}.checks RETURNING check_id, status::text`,
  );
  expect(rows).toEqual([
    { check_id: 1, status: 'healthy' },
    { check_id: 2, status: 'healthy' },
  ]);
});

/** Sets the search_path on the pool and migrates, as backends do without a pinned client, until it has gone wrong. */
async function installWithoutPinning(fresh: Database): Promise<string> {
  const migrationsFolder = await migrationFolder(v1);
  const pool = fresh.pool({ max: 10 });
  const workers = saturate(pool, 20);
  try {
    await workers.busy;
    for (let round = 1; round <= 50; round += 1) {
      const id = `round${round}`;
      const migrationsSchema = `plugin_${id}`;
      await pool.query(`CREATE SCHEMA ${migrationsSchema}`);
      await pool.query(`SET search_path = ${migrationsSchema}`);
      const work = migrate(drizzle({ client: pool }), { migrationsFolder, migrationsSchema });
      const hasFailed = await work.then(
        () => false,
        () => true,
      );
      const places = await placesOf(fresh);
      if (!hasFailed && places.includes('public.checks')) {
        await fresh.query(dropOthers(places));
        return id;
      }
    }
  } finally {
    await workers.stop();
    await pool.end();
  }
  throw new Error('The pool stranded nothing in 50 rounds');
}

/** Rounds that went well are nobody's plugin. */
function dropOthers(places: readonly string[]): string {
  const others = places.filter((place) => !place.startsWith('public.'));
  return others.map((place) => `DROP TABLE ${place}`).join(';') || 'SELECT 1';
}

async function placesOf({ query }: Database): Promise<readonly string[]> {
  const { rows } = await query<{ place: string }>(
    `SELECT schemaname || '.' || tablename AS place FROM pg_tables
     WHERE schemaname !~ '^(pg_|information_schema)' AND tablename <> '__drizzle_migrations' ORDER BY 1`,
  );
  return rows.map(({ place }) => place);
}
