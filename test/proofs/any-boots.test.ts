import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { Boot, BootError, Plugin } from '../../src/index.ts';
import { seedRandom } from '../../src/testing/stock/seeded-random.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

type Random = ReturnType<typeof seedRandom>;

/** Plugins with files, tenants and an order as chance has it. What is optional may fail. */
async function anyPlugins(random: Random): Promise<readonly Plugin[]> {
  const plugins: Plugin[] = [];
  const count = 1 + random(16);
  for (let at = 0; at < count; at += 1) {
    const required = random(5) > 0;
    const isBroken = !required && random(2) === 0;
    const tenants = Array.from({ length: 1 + random(8) }, (_, each) => `t${each}`);
    plugins.push({
      id: `p${at}`,
      required,
      migrations: await migrationFolder(anyFiles(random, isBroken)),
      ...(at > 0 && random(3) === 0 && { after: [`p${random(at)}`] }),
      ...(random(6) === 0 && { tenants: () => tenants }),
      ...(random(3) === 0 && { init: () => sleep(random(20)) }),
      ...(random(5) === 0 && { ready: () => (isBroken ? Promise.reject(new Error()) : undefined) }),
    });
  }
  return plugins;
}

function anyFiles(random: Random, isBroken: boolean): Readonly<Record<string, string>> {
  const files = {
    '0000_counter': 'CREATE TABLE counter (n int);INSERT INTO counter VALUES (0);',
    '0001_first': 'UPDATE counter SET n = n + 1;',
    '0002_second': 'UPDATE counter SET n = n + 1;SELECT pg_sleep(0.02);',
    ...(isBroken && { '0003_broken': 'SELECT 1 / 0;' }),
  };
  const kept = 1 + random(3);
  return Object.fromEntries(Object.entries(files).filter((_, at) => at < kept || at === 3));
}

/** Ends sessions of the database, whoever they are. */
async function endSessions({ query }: Database, random: Random): Promise<void> {
  for (let left = 3; left > 0; left -= 1) {
    await sleep(random(200));
    await query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid LIMIT 1`,
    );
  }
}

async function addAndRemove(boot: Boot): Promise<void> {
  const files = { '0000_late': 'CREATE TABLE late (id int);' };
  const added = ['late', 'later'].map(async (id) => {
    await boot.add({ id, migrations: await migrationFolder(files) });
  });
  await Promise.all(added);
  await boot.remove('late');
}

/** Each file but the first counts, and twice if it runs twice. */
async function expectEachFileOnce({ query }: Database): Promise<void> {
  const found = `SELECT schemaname AS schema FROM pg_tables WHERE tablename = 'counter'`;
  const { rows: schemas } = await query<{ schema: string }>(found);
  for (const { schema } of schemas) {
    const { rows } = await query<{ n: number; files: number }>(
      `SELECT n, (SELECT count(*)::int FROM ${schema}.__drizzle_migrations) AS files FROM ${schema}.counter`,
    );
    expect(rows, schema).toEqual([{ n: (rows[0]?.files ?? 0) - 1, files: rows[0]?.files }]);
  }
}

/** What a boot may end with, when sessions are ended and the wait for a lock is short. */
const excuses = /^MIGRATION_(?:CONNECTION_LOST|LOCK_TIMEOUT)$/;

// The story of each boot is verified when the test is over.
test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
  'replicas of any plugins come up and keep every rule, seed %i',
  async (seed) => {
    const random = seedRandom(seed);
    const fresh = await db.fresh();
    const plugins = await anyPlugins(random);
    const concurrency = 1 + random(5);
    const isCalm = random(3) > 0;
    const boots = Array.from({ length: 1 + random(4) }, () =>
      bootUnderTest({
        pool: random(2) === 0 ? fresh.url : fresh.pool({ max: 1 + random(10) }),
        plugins,
        connect: { wait: '20s' },
        migrations: { concurrency, lockWait: isCalm ? '60s' : '100ms' },
      }),
    );
    const ending = isCalm ? undefined : endSessions(fresh, random);
    const results = await Promise.allSettled(boots.map(({ boot }) => boot.start()));
    await ending;
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      const { code } = result.reason as BootError;
      expect(isCalm ? result.reason : undefined).toBeUndefined();
      expect(code).toMatch(excuses);
    }
    await expectEachFileOnce(fresh);
    const [first] = boots;
    if (first && isCalm) await addAndRemove(first.boot);
  },
);
