import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import type { Pool, PoolClient } from 'pg';
import { expect, test } from 'vitest';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { saturate, type WorkDone } from '../support/workers.ts';

/**
 * What Slipway was made for. A release adds a migration that uses an enum of an earlier one, and is rolled out onto a
 * backend whose workers keep every connection of the pool busy.
 */
const v1 = {
  '0000_checks': `CREATE TYPE health_check_status AS ENUM ('healthy', 'degraded');--> statement-breakpoint
                  CREATE TABLE checks (id serial PRIMARY KEY, status health_check_status NOT NULL);`,
};
const v2 = {
  ...v1,
  '0001_runs': `CREATE TABLE runs (id serial PRIMARY KEY,
                  status health_check_status DEFAULT 'healthy' NOT NULL);`,
};
const rounds = Array.from({ length: 20 }, (_, index) => `round-${index + 1}`);

const db = useDatabase();
const bootUnderTest = useBoots();

test('an upgrade that references an enum created by an earlier migration works while twenty workers saturate the pool, 20 of 20', async () => {
  const fresh = await db.fresh();
  const folders = await bothVersions();
  const work = await whileSaturated(fresh, async (pool) => {
    for (const id of rounds) {
      for (const migrations of folders) {
        const { boot } = bootUnderTest({ pool, plugins: [{ id, migrations }] });
        expect((await boot.start()).outcome).toBe('ready');
        await boot.stop();
      }
    }
  });
  expect(work).toEqual({ queries: expect.any(Number), errors: 0 });
  expect(await objectsIn(fresh)).toEqual(
    Object.fromEntries(rounds.map((id) => [`plugin_${id}`, 'checks health_check_status runs'])),
  );
});

test('the same upgrade through a pool in place of the pinned client is refused, and puts nothing into public, 20 of 20', async () => {
  const fresh = await db.fresh();
  const versions = await Promise.all(rounds.map(bothVersions));
  const bringing = (version: 0 | 1) =>
    rounds.map((id, index) => ({ id, migrations: versions[index]?.[version] ?? '' }));
  await bootUnderTest({ pool: fresh.url, plugins: bringing(0) }).boot.migrate();
  const codes = new Set<string>();
  for (const plugin of bringing(1)) {
    // A pool for each: the transactions that wandering statements leave open would confuse the next round.
    await whileSaturated(fresh, async (pool) => {
      const { boot } = bootUnderTest({ pool: withoutPinning(pool), plugins: [plugin] });
      const error = await failureOf(boot.start());
      expect(error.plugin).toBe(plugin.id);
      codes.add(error.code);
    });
  }
  // Most are noticed before the first statement; a few by the statement that runs outside of the transaction.
  expect(codes).toContain('MIGRATION_WRONG_SCHEMA');
  expect(['MIGRATION_WRONG_SCHEMA', 'MIGRATION_FAILED']).toEqual(
    expect.arrayContaining([...codes]),
  );
  expect(Object.keys(await objectsIn(fresh))).not.toContain('public');
  const { plugins } = await bootUnderTest({
    pool: fresh.url,
    plugins: bringing(1),
  }).boot.plan();
  expect(plugins).toMatchObject(
    rounds.map((id) => ({
      id,
      applied: ['0000_checks.sql'],
      pending: [{ file: '0001_runs.sql' }],
    })),
  );
});

test('set search_path on the pool and migrate, as backends do without a pinned client, goes wrong within 20 rounds', async () => {
  const fresh = await db.fresh();
  const folders = await bothVersions();
  const failures: string[] = [];
  await whileSaturated(fresh, async (pool) => {
    for (const id of rounds) {
      const migrationsSchema = `plugin_${id}`;
      await pool.query(`CREATE SCHEMA "${migrationsSchema}"`);
      for (const migrationsFolder of folders) {
        await pool.query(`SET search_path = "${migrationsSchema}"`);
        const work = migrate(drizzle({ client: pool }), { migrationsFolder, migrationsSchema });
        await work.catch((error: Error) => failures.push(String(error.cause)));
      }
    }
  });
  // The two faces of the fault: objects in a schema that is not theirs, and then a type that nobody finds.
  const isStranded = 'public' in (await objectsIn(fresh));
  const isNotFound = failures.some((message) => /type .* does not exist/.test(message));
  expect(isStranded || isNotFound).toBe(true);
});

/** Lets twenty workers keep a pool of ten busy for the length of `use`, and tells how they fared. */
async function whileSaturated(
  fresh: Database,
  use: (pool: Pool) => Promise<void>,
): Promise<WorkDone> {
  const pool = fresh.pool({ max: 10 });
  const workers = saturate(pool, 20);
  try {
    await workers.busy;
    await use(pool);
  } finally {
    await workers.stop();
    await pool.end();
  }
  return workers.stop();
}

function bothVersions(): Promise<readonly [string, string]> {
  return Promise.all([migrationFolder(v1), migrationFolder(v2)]);
}

/** The tables and enums of each schema, history aside. */
async function objectsIn({ query }: Database): Promise<Readonly<Record<string, string>>> {
  const { rows } = await query<{ schema: string; names: string }>(`
    SELECT nspname AS schema, string_agg(name, ' ' ORDER BY name) AS names
    FROM pg_namespace n, LATERAL (
      SELECT relname AS name FROM pg_class WHERE relnamespace = n.oid AND relkind = 'r'
      UNION ALL
      SELECT typname FROM pg_type WHERE typnamespace = n.oid AND typtype = 'e'
    ) AS object
    WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND name <> '__drizzle_migrations'
    GROUP BY nspname`);
  return Object.fromEntries(rows.map(({ schema, names }) => [schema, names]));
}

/**
 * A pool whose "clients" are the pool itself: each statement goes out on some connection, and never twice in a row on
 * the same one, so that no round succeeds by luck.
 */
function withoutPinning(pool: Pool): Pool {
  let last: PoolClient | undefined;
  let status: ReturnType<PoolClient['getTransactionStatus']> = null;
  const takeAnother = async (): Promise<PoolClient> => {
    const client = await pool.connect();
    if (client !== last) return client;
    try {
      return await takeAnother();
    } finally {
      client.release();
    }
  };
  const unpinned = {
    async query(query: string) {
      const client = await takeAnother();
      last = client;
      try {
        return await client.query(query);
      } finally {
        status = client.getTransactionStatus();
        client.release();
      }
    },
    getTransactionStatus: () => status,
    release: () => undefined,
  };
  return new Proxy(pool, {
    get: (target, name) =>
      name === 'connect' ? async () => unpinned : (Reflect.get(target, name) as unknown),
  });
}
