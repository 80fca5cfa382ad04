import { describe, expect, it, vi } from 'vitest';
import type { MigrationFunction, MigrationSource } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

vi.setConfig({ testTimeout: 60_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

const counts = `CREATE TABLE counts (n int);--> statement-breakpoint
  CREATE FUNCTION tidy() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_unlock_all(); END $$;`;
const gate = 'SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock_shared(1);';

/** Three replicas, each with a pool of its own. */
function replicas(fresh: Database, migrations: MigrationSource) {
  const plugins = [{ id: 'shop', migrations }];
  return [1, 2, 3].map(() => bootUnderTest({ pool: fresh.pool(), plugins }));
}

async function untilAtGate({ query }: Database, count: number): Promise<void> {
  for (;;) {
    const { rowCount } = await query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    if (rowCount === count) return;
  }
}

async function countsOf({ query }: Database): Promise<readonly unknown[]> {
  return (await query('SELECT n FROM plugin_shop.counts')).rows;
}

describe('a file that frees the migration lock', () => {
  it.each([
    ['by a function of an earlier file', 'SELECT tidy();'],
    ['by a text for EXECUTE', `DO $$ BEGIN EXECUTE 'select pg_advisory_'||'unlock_all()'; END $$;`],
  ])('%s is kept by none of three replicas', async (_, frees) => {
    const fresh = await db.fresh();
    const blocked = await migrationFolder({
      '0000_counts': counts,
      '0001_count': `INSERT INTO counts VALUES (1);--> statement-breakpoint
        ${frees}--> statement-breakpoint
        ${gate}`,
    });
    const holder = await fresh.pool().connect();
    await holder.query('SELECT pg_advisory_lock(1)');
    const failures = replicas(fresh, blocked).map(({ boot }) => failureOf(boot.start()));
    // Each of them has found the lock free, while the others are in the middle of the same file.
    await untilAtGate(fresh, 3);
    await holder.query('SELECT pg_advisory_unlock(1)');
    holder.release();
    for (const error of await Promise.all(failures)) {
      expect(error).toMatchObject({
        code: 'MIGRATION_FAILED',
        plugin: 'shop',
        position: { file: '0001_count.sql' },
        message: expect.stringContaining('the migration lock was released while it ran') as unknown,
        hint: expect.stringContaining('Nothing of 0001_count.sql was kept') as unknown,
      });
    }
    expect(await countsOf(fresh)).toEqual([]);

    const corrected = await migrationFolder({
      '0000_counts': counts,
      '0001_count': 'INSERT INTO counts VALUES (1);',
    });
    const boots = replicas(fresh, corrected).map(({ boot }) => boot.start());
    for (const report of await Promise.all(boots)) expect(report.outcome).toBe('ready');
    expect(await countsOf(fresh)).toEqual([{ n: 1 }]);
  });

  it('is found before anything is changed where its text shows it', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder({
      '0000_counts': counts,
      '0001_count':
        'INSERT INTO counts VALUES (1);--> statement-breakpoint\nSELECT pg_advisory_unlock_all();',
      '0002_vacuum':
        '-- slipway: no-transaction\nDO $$ BEGIN PERFORM pg_advisory_unlock_all(); END $$',
    });
    const [replica] = replicas(fresh, migrations);
    const error = await failureOf(replica?.boot.start() ?? Promise.resolve());
    expect(error.code).toBe('PLAN_INVALID');
    expect(error.problems).toMatchObject([
      {
        code: 'MIGRATION_TRANSACTION_CONTROL',
        file: '0001_count.sql',
        message: 'shop: line 2 has PG_ADVISORY_UNLOCK_ALL, which releases the migration lock',
      },
      { code: 'MIGRATION_TRANSACTION_CONTROL', file: '0002_vacuum.sql' },
    ]);
    const { rows } = await fresh.query(`SELECT to_regnamespace('plugin_shop') AS schema`);
    expect(rows).toEqual([{ schema: null }]);
  });

  it('outside of a transaction counts as not applied, and the error says what stays', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder({
      '0000_counts': counts,
      '0001_tidy': `-- slipway: no-transaction\nDO $$ BEGIN EXECUTE 'SELECT tidy()'; END $$`,
    });
    const [replica] = replicas(fresh, migrations);
    const error = await failureOf(replica?.boot.start() ?? Promise.resolve());
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { file: '0001_tidy.sql' },
      hint: expect.stringContaining('its work stays, it counts as not applied') as unknown,
    });
    const { rows } = await fresh.query('SELECT FROM plugin_shop.__drizzle_migrations');
    expect(rows).toHaveLength(1);
  });
});

describe('a function that frees the migration lock', () => {
  it.each<[sql: string, how: { readonly transaction?: false }]>([
    ['select pg_advisory_unlock_all()', {}],
    ['select pg_advisory_unlock_all()', { transaction: false }],
    ['discard all', { transaction: false }],
  ])('by %s is refused when it asks for it, with %o', async (sql, how) => {
    const fresh = await db.fresh();
    const [replica] = replicas(fresh, [
      {
        name: 'count',
        ...how,
        run: async (client) => {
          await client.query('create table counts (n int)');
          await client.query(sql);
        },
      },
    ]);
    const error = await failureOf(replica?.boot.start() ?? Promise.resolve());
    expect(error.code).toBe('MIGRATION_FAILED');
    expect(error.message).toContain('is refused: it releases the migration lock');
  });

  it('in a way that no text shows has done nothing, or is told', async () => {
    const fresh = await db.fresh();
    const hidden = `do $$ begin execute 'select pg_advisory_'||'unlock_all()'; end $$`;
    for (const how of [{}, { transaction: false as const }]) {
      const run: MigrationFunction['run'] = (client) => client.query(hidden);
      const [replica] = replicas(fresh, [{ name: 'count', ...how, run }]);
      const error = await failureOf(replica?.boot.start() ?? Promise.resolve());
      expect(error).toMatchObject({ code: 'MIGRATION_FAILED', position: { file: 'count' } });
      expect(error.message).toContain('the migration lock was released while it ran');
    }
  });
});
