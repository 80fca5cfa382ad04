import { expect, test, vi } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { startTurnstile } from '../support/turnstile.ts';
import { makeCountingShop, setRound } from './counting-shop.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';

// Many boots take their time on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

/** Four replicas boot at once, with another text in each round. */
async function race(fresh: Database, url: string): Promise<void> {
  const shop = await makeCountingShop('p');
  const pools = Array.from({ length: 4 }, () => fresh.pool({ connectionString: url, max: 3 }));
  for (const round of Array.from({ length: 6 }, (_, index) => index)) {
    await setRound(shop, round);
    const runs = pools.map((pool) => bootUnderTest({ pool, plugins: [shop.plugin] }));
    await Promise.all(runs.map(({ boot }) => boot.start()));
    await Promise.all(runs.map(({ boot }) => boot.stop()));
    const applied = runs.flatMap(({ recording }) =>
      recording.events.flatMap((event) =>
        event.type === 'plugin.migrate.applied' ? [event.file] : [],
      ),
    );
    const expected = round === 0 ? ['0000_runs.sql', 'a.sql', 'b.sql'] : ['a.sql', 'b.sql'];
    expect(applied.toSorted(), `round ${round}`).toEqual(expected);
    const { rows } = await fresh.query(
      `SELECT (SELECT count(*)::int FROM plugin_p.runs) AS runs, plugin_p.b() AS b,
         (SELECT count(*)::int FROM plugin_p.__drizzle_migrations) AS rows`,
    );
    expect(rows).toEqual([{ runs: 2 * (round + 1), b: round, rows: 3 }]);
  }
}

test('a changed repeatable file runs exactly once, of four replicas that boot at once', async () => {
  const fresh = await db.fresh();
  await race(fresh, fresh.url);
});

test.skipIf(!pgbouncer)('so it does through PgBouncer in transaction mode', async () => {
  const fresh = await db.fresh();
  await race(fresh, (await startPgBouncer({ mode: 'transaction', size: 3 })).through(fresh.url));
});

test.skipIf(!pgbouncer)(
  'a file that another replica has run between two files of this one does not run again, through PgBouncer',
  async () => {
    const fresh = await db.fresh();
    const url = (await startPgBouncer({ mode: 'transaction', size: 3 })).through(fresh.url);
    const shop = await makeCountingShop('p');
    const boot = async (through: string): Promise<void> => {
      const pool = fresh.pool({ connectionString: through });
      await bootUnderTest({ pool, plugins: [shop.plugin] }).boot.migrate();
      await pool.end();
    };
    await boot(url);
    await using turnstile = await startTurnstile(url);
    await setRound(shop, 1);
    await boot(turnstile.url);
    const [, secondFile = 0] = turnstile.requests.flatMap((sql, index) =>
      sql.includes('pg_try_advisory_xact_lock') ? [index + 1] : [],
    );
    expect(secondFile).toBeGreaterThan(0);
    await setRound(shop, 2);
    const standing = turnstile.stopAt({ request: secondFile, when: 'before' });
    const behind = boot(turnstile.url);
    const connection = await standing;
    expect(connection.request).toContain('pg_try_advisory_xact_lock');
    await boot(url);
    connection.release();
    await behind;
    const { rows } = await fresh.query('SELECT round FROM plugin_p.runs ORDER BY round');
    expect(rows.map(({ round }) => round as number)).toEqual([0, 0, 1, 1, 2, 2]);
  },
);
