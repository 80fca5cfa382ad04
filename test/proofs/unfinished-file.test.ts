import { expect, test, vi } from 'vitest';
import { startBootProcesses } from '../support/boot-process.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { readCatalog } from '../support/catalog.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { killBoots, listPlaces } from '../support/killed-boots.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { startTurnstile, type StopPlace, type Turnstile } from '../support/turnstile.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

/** Five commands of which the ordinary ones count twice, or fail, when they run twice. The others are repeatable. */
const files = {
  '0000_orders': `CREATE TABLE orders (id int PRIMARY KEY, cents int, version int DEFAULT 0);
                  INSERT INTO orders VALUES (1, 500), (2, 700);`,
  '0001_mixed': `-- slipway: no-transaction
                 UPDATE orders SET cents = cents + 100, version = version + 1;
                 CREATE INDEX CONCURRENTLY orders_cents ON orders (cents);
                 INSERT INTO orders SELECT id + 2, cents FROM orders;
                 CREATE INDEX CONCURRENTLY orders_version ON orders (version);
                 ALTER TABLE orders ADD COLUMN paid boolean DEFAULT false NOT NULL;`,
};

test('a process that is killed before or after any message of a file of commands leaves a file that goes on', async () => {
  const fresh = await db.fresh();
  const migrations = await migrationFolder(files);
  await using first = await startTurnstile(fresh.url);
  const { boot } = bootUnderTest({ pool: first.url, plugins: [{ id: 'shop', migrations }] });
  await boot.start();
  await boot.stop();
  const whole = await readCatalog(fresh.pool(), 'plugin_shop');
  expect(whole.filter((line) => line.startsWith('row of orders'))).toHaveLength(4);
  const places = chooseRelevant(first);
  // In the middle of a batch a session has a snapshot, for which the indexes of all others would wait.
  const waves = [
    places.filter(({ request }) => !first.inBatch.has(request)),
    ...places.filter(({ request }) => first.inBatch.has(request)).map((place) => [place]),
  ];
  const plugins: { readonly id: string; readonly migrations: string }[] = [];
  const names: string[] = [];
  for (const wave of waves) {
    const boots = await Promise.all(
      wave.map(async (place, at) => {
        const id = `shop-${plugins.length + at}`;
        return { place, plugin: { id, migrations: await migrationFolder(files) } };
      }),
    );
    names.push(...(await killBoots(fresh.url, boots)));
    plugins.push(...boots.map(({ plugin }) => plugin));
  }
  const again = bootUnderTest({ pool: fresh.url, plugins });
  await again.boot.start();
  await again.boot.stop();
  const resumed = again.recording.of('plugin.migrate.applying').flatMap((e) => e.goesOnAt ?? []);
  // Each command is one that a file has gone on at, but for the first.
  expect(new Set(resumed)).toEqual(new Set([2, 3, 4, 5]));
  for (const [at, { id }] of plugins.entries()) {
    expect(await readCatalog(fresh.pool(), `plugin_${id}`), names[at]).toEqual(whole);
  }
});

/** Before and after each message from the lock on; and in the middle of the batch of an ordinary command behind an index. */
function chooseRelevant({
  requests,
  inBatch,
}: Pick<Turnstile, 'requests' | 'inBatch'>): readonly StopPlace[] {
  const lock = requests.findIndex((sql) => sql.includes('pg_try_advisory_lock')) + 1;
  const insert = requests.findIndex((sql) => sql.startsWith('INSERT INTO orders SELECT')) + 1;
  const commit = requests.findIndex((sql, at) => at >= insert && sql === 'commit') + 1;
  const inTheMiddle = new Set([insert, insert + 1, commit]);
  return listPlaces({ requests, inBatch }).filter(({ request }) =>
    inBatch.has(request) ? inTheMiddle.has(request) : request >= lock,
  );
}

test('four replicas that boot at once run each command once', async () => {
  const fresh = await db.fresh();
  const migrations = await migrationFolder(files);
  const replicas = await startBootProcesses(4);
  const plugins = [{ id: 'shop', migrations }];
  const reports = await Promise.all(
    replicas.map((replica) => replica.carryOut({ url: fresh.url, plugins })),
  );
  expect(reports.map(({ outcome }) => outcome)).toEqual(replicas.map(() => 'ready'));
  const ran = replicas.flatMap(({ events }) =>
    events.flatMap((event) =>
      event.type === 'plugin.migrate.executed' && event.file === '0001_mixed.sql'
        ? [event.statement]
        : [],
    ),
  );
  expect(ran).toEqual([1, 2, 3, 4, 5]);
  expect(await ordersOf(fresh)).toEqual([
    { id: 1, cents: 600, version: 1 },
    { id: 2, cents: 800, version: 1 },
    { id: 3, cents: 600, version: 0 },
    { id: 4, cents: 800, version: 0 },
  ]);
});

async function ordersOf({ query }: Database): Promise<readonly unknown[]> {
  const sql = 'SELECT id, cents, version FROM plugin_shop.orders ORDER BY id';
  return (await query(sql)).rows;
}
