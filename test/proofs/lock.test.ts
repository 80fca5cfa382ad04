import { expect, test, vi } from 'vitest';
import { startBootProcess, startBootProcesses } from '../support/boot-process.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

/** Sleeps as long as the table `public.brake` says, in its second statement. */
const braking = {
  '0000_brake': `CREATE TABLE t (id int);--> statement-breakpoint
                 SELECT pg_sleep(seconds) FROM public.brake;`,
};

async function untilAsleep({ query }: Database): Promise<number> {
  for (;;) {
    const { rows } = await query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
    );
    if (rows[0]) return rows[0].pid;
  }
}

async function untilWaiting({ query }: Database, count: number): Promise<void> {
  for (;;) {
    const { rowCount } = await query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    if (rowCount === count) return;
  }
}

test('whoever waits longer than lockWait for a migration ends with MIGRATION_LOCK_TIMEOUT, and says who holds it', async () => {
  const fresh = await db.fresh();
  await fresh.query('CREATE TABLE public.brake AS SELECT 600 AS seconds');
  const plugins = [{ id: 'shop', migrations: await migrationFolder(braking) }];
  const holder = bootUnderTest({ pool: fresh.pool(), plugins });
  const held = failureOf(holder.boot.start());
  const pid = await untilAsleep(fresh);

  const waiter = bootUnderTest({ pool: fresh.pool(), plugins, migrations: { lockWait: '300ms' } });
  const error = await failureOf(waiter.boot.start());
  expect(error).toMatchObject({
    code: 'MIGRATION_LOCK_TIMEOUT',
    plugin: 'shop',
    phase: 'migrateAll',
    message: expect.stringMatching(
      new RegExp(
        `^shop waited .* for its migration lock, held by slipway/shop@.* \\(pid ${pid} at `,
      ),
    ) as unknown,
  });
  expect(waiter.recording.of('plugin.migrate.waiting')[0]).toMatchObject({
    plugin: 'shop',
    holder: { pid, applicationName: expect.stringMatching(/^slipway\/shop@/) as unknown },
  });
  expect(waiter.recording.lines('plugin.migrate.started')).toEqual([]);
  await holder.boot.stop();
  expect(await held).toMatchObject({ code: 'BOOT_CANCELED' });
});

test('a process that is killed in the middle of a statement frees its lock long before that statement would have ended', async () => {
  const fresh = await db.fresh();
  await fresh.query('CREATE TABLE public.brake AS SELECT 600 AS seconds');
  const plugin = { id: 'shop', migrations: await migrationFolder(braking) };
  const victim = await startBootProcess();
  const lost = victim.carryOut({ url: fresh.url, plugins: [plugin] }).catch(() => 'killed');
  const pid = await untilAsleep(fresh);
  await fresh.query('UPDATE public.brake SET seconds = 0');

  const { boot, recording } = bootUnderTest({ pool: fresh.pool(), plugins: [plugin] });
  const waiting = new Promise((resolve) => boot.once('plugin.migrate.waiting', resolve));
  const ready = boot.start();
  expect(await waiting).toMatchObject({ holder: { pid } });
  await victim.kill();
  expect(await lost).toBe('killed');
  // The test would be over before: what was started is ten minutes of sleep.
  expect(await ready).toMatchObject({ outcome: 'ready' });
  expect(recording.lines('plugin.migrate.applied')).toEqual(['plugin.migrate.applied shop']);
});

test('CREATE INDEX CONCURRENTLY ends while others wait for its lock: a waiter keeps no snapshot open', async () => {
  const fresh = await db.fresh();
  const items = { '0000_items': 'CREATE TABLE items (id int);' };
  const folder = await migrationFolder(items);
  await bootUnderTest({
    pool: fresh.url,
    plugins: [{ id: 'shop', migrations: folder }],
  }).boot.migrate();
  const migrations = await migrationFolder({
    ...items,
    '0001_index': 'CREATE INDEX CONCURRENTLY items_id ON items (id);',
  });
  const plugins = [{ id: 'shop', migrations }];
  // The build has to wait for this one; so the others come while it is under way.
  const application = await fresh.pool().connect();
  await application.query('BEGIN; INSERT INTO plugin_shop.items VALUES (1)');

  const boots = [1, 2, 3].map(() => bootUnderTest({ pool: fresh.pool(), plugins }));
  const starts = boots.map(({ boot }) => boot.start());
  const refused = boots.map(
    ({ boot }) =>
      new Promise<void>((resolve) => boot.once('plugin.migrate.waiting', () => resolve())),
  );
  let waiting = 0;
  await new Promise<void>((resolve) => {
    for (const one of refused) void one.then(() => (waiting += 1) === 2 && resolve());
  });
  await application.query('COMMIT');
  application.release();
  const reports = await Promise.all(starts);
  expect(reports.map(({ outcome }) => outcome)).toEqual(['ready', 'ready', 'ready']);
  const { rows } = await fresh.query(
    `SELECT indisvalid FROM pg_index WHERE indexrelid = 'plugin_shop.items_id'::regclass`,
  );
  expect(rows).toEqual([{ indisvalid: true }]);
});

test('two replicas share the work of twenty plugins: neither sits by while there is some left', async () => {
  const replicas = await startBootProcesses(2);
  const fresh = await db.fresh();
  const gate = await fresh.pool().connect();
  await gate.query('SELECT pg_advisory_lock(1)');
  const ids = Array.from({ length: 20 }, (_, index) => `p-${index}`);
  const plugins = await alikePlugins(ids, {
    '0000_work': `SET LOCAL lock_timeout = 0;--> statement-breakpoint
                  SELECT pg_advisory_xact_lock_shared(1);--> statement-breakpoint
                  SELECT pg_sleep(0.1);`,
  });
  const running = replicas.map((replica) => replica.carryOut({ url: fresh.url, plugins }));
  // Four at once is the default: the second has found four that the first does not have.
  await untilWaiting(fresh, 8);
  await gate.query('SELECT pg_advisory_unlock(1)');
  gate.release();
  const reports = await Promise.all(running);
  const shares = reports.map(
    (report) => report.plugins.filter(({ applied }) => applied && applied.length > 0).length,
  );
  expect(shares.reduce((sum, share) => sum + share)).toBe(20);
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(4);
});

test('a pool of one client is enough for a boot, also for one that waits for a lock', async () => {
  const fresh = await db.fresh();
  await fresh.query('CREATE TABLE public.brake AS SELECT 0.2 AS seconds');
  const plugins = await alikePlugins(['a', 'b', 'c'], braking);
  const boots = [1, 2].map(() => bootUnderTest({ pool: fresh.pool({ max: 1 }), plugins }));
  const reports = await Promise.all(boots.map(({ boot }) => boot.start()));
  expect(reports.map(({ outcome }) => outcome)).toEqual(['ready', 'ready']);
  const applied = boots.flatMap(({ recording }) => recording.lines('plugin.migrate.applied'));
  expect(applied.toSorted()).toEqual(['a', 'b', 'c'].map((id) => `plugin.migrate.applied ${id}`));
});
