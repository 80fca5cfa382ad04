import { describe, expect, test, vi } from 'vitest';
import type { Plugin } from '../../src/index.ts';
import { startBootProcess } from '../support/boot-process.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { readCatalog } from '../support/catalog.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { startTurnstile } from '../support/turnstile.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

/** What runs twice counts twice. */
const files = {
  '0000_counter': 'CREATE TABLE counter (n int);INSERT INTO counter VALUES (0);',
  '0001_first': 'UPDATE counter SET n = n + 1;',
  '0002_second': 'UPDATE counter SET n = n + 1;',
};

const names = Array.from({ length: 24 }, (_, at) => `t${at}`);

async function expectCountedOnce({ query }: Pick<Database, 'query'>, tenants = names) {
  for (const tenant of tenants) {
    const { rows } = await query(
      `SELECT n, (SELECT count(*)::int FROM plugin_shop_${tenant}.__drizzle_migrations) AS files FROM plugin_shop_${tenant}.counter`,
    );
    expect(rows, tenant).toEqual([{ n: 2, files: 3 }]);
  }
}

async function shop(): Promise<Plugin> {
  return { id: 'shop', migrations: await migrationFolder(files), tenants: () => names };
}

describe('tenants', () => {
  test('that a killed process leaves behind at any place are healed by the next boot', async () => {
    const fresh = await db.fresh();
    const tenants = ['a', 'b', 'c'];
    const migrations = await migrationFolder(files);
    await using rehearsal = await startTurnstile(fresh.url);
    const whole = { id: 'whole', migrations, tenants: () => tenants };
    const { boot } = bootUnderTest({ pool: rehearsal.url, plugins: [whole] });
    await boot.start();
    await boot.stop();
    const victim = await startBootProcess();
    const lost: Promise<unknown>[] = [];
    const plugins: Plugin[] = [];
    const open: AsyncDisposable[] = [];
    // From the first connection on; side by side they do not always send the same number.
    for (let request = 3; request <= rehearsal.requests.length - 6; request += 3) {
      const turnstile = await startTurnstile(fresh.url);
      open.push(turnstile);
      const standing = turnstile.stopAt({ request, when: request % 2 === 1 ? 'before' : 'after' });
      const plugin = { id: `shop-${request}`, migrations: await migrationFolder(files) };
      plugins.push({ ...plugin, tenants: () => tenants });
      const order = { url: turnstile.url, plugins: [{ ...plugin, tenantNames: tenants }] };
      lost.push(victim.carryOut(order).catch(() => undefined));
      await standing;
    }
    await victim.kill();
    await Promise.all(lost);
    for (const turnstile of open) await turnstile[Symbol.asyncDispose]();
    const again = bootUnderTest({ pool: fresh.url, plugins });
    await again.boot.start();
    const pool = fresh.pool();
    const expected = await readCatalog(pool, 'plugin_whole_a');
    expect(expected.filter((line) => line.startsWith('row of __drizzle_migrations'))).toHaveLength(
      3,
    );
    expect(plugins.length).toBeGreaterThan(5);
    for (const { id } of plugins) {
      for (const tenant of tenants) {
        expect(await readCatalog(pool, `plugin_${id}_${tenant}`), `${id}/${tenant}`).toEqual(
          expected,
        );
      }
    }
  });

  test('are shared by four replicas that boot at once, and each is migrated once', async () => {
    const fresh = await db.fresh();
    const plugin = await shop();
    const boots = Array.from({ length: 4 }, () =>
      bootUnderTest({ pool: fresh.url, plugins: [plugin], migrations: { concurrency: 2 } }),
    );
    const reports = await Promise.all(boots.map(({ boot }) => boot.start()));
    expect(reports.map(({ outcome }) => outcome)).toEqual(Array(4).fill('ready'));
    await expectCountedOnce(fresh);
    const shares = reports.map(
      ({ plugins }) =>
        plugins[0]?.migrate.tenants?.migrated.filter(({ outcome }) => outcome === 'done').length ??
        0,
    );
    expect(shares.reduce((sum, share) => sum + share)).toBe(names.length);
    expect(shares.filter((share) => share > 0).length).toBeGreaterThan(1);
  });

  test('do not keep another plugin waiting longer than one of them takes', async () => {
    const fresh = await db.fresh();
    const slow = names.slice(0, 8);
    const sleeping = { '0000_slow': 'SELECT pg_sleep(0.1); CREATE TABLE slow (id int);' };
    const { boot, recording } = bootUnderTest({
      pool: fresh.url,
      migrations: { concurrency: 2 },
      plugins: [
        { id: 'shop', migrations: await migrationFolder(sleeping), tenants: () => slow },
        // Its place becomes a spare one, and its end is what auth has waited for.
        { id: 'quick', migrations: await migrationFolder(files) },
        { id: 'auth', after: ['quick'], migrations: await migrationFolder(files) },
      ],
    });
    await boot.start();
    const order = recording.events.flatMap((event) =>
      event.type === 'plugin.migrate.settled' ||
      (event.type === 'plugin.migrate.finished' && event.plugin === 'auth')
        ? [event.plugin]
        : [],
    );
    expect(order.indexOf('auth')).toBeLessThan(5);
    const running = new Set<string>();
    for (const event of recording.events) {
      const isTenant = 'tenant' in event && event.tenant !== undefined;
      const who = isTenant ? event.tenant : event.type === 'plugin.migrate.started' ? '' : 'auth';
      if (event.type === 'plugin.migrate.started' && isTenant) running.add(who);
      if (event.type === 'plugin.migrate.settled') running.delete(who);
      expect(running.size).toBeLessThanOrEqual(2);
    }
  });
});

describe.skipIf(!pgbouncer)('tenants through a pooler in transaction mode', () => {
  test('are migrated once by two boots, with names from a table', async () => {
    const database = await db.fresh();
    await database.query('CREATE TABLE tenants AS SELECT unnest($1::text[]) AS name', [names]);
    const pooled = (await startPgBouncer({ mode: 'transaction' })).through(database.url);
    const plugin: Plugin = {
      ...(await shop()),
      tenants: async ({ query }) =>
        (await query<{ name: string }>('SELECT name FROM tenants')).rows.map(({ name }) => name),
    };
    const boots = [1, 2].map(() => bootUnderTest({ pool: pooled, plugins: [plugin] }));
    const reports = await Promise.all(boots.map(({ boot }) => boot.start()));
    expect(reports.map(({ database: facts }) => facts?.pooler)).toEqual([true, true]);
    await expectCountedOnce(database);
    const applied = boots.flatMap(({ recording }) => recording.of('plugin.migrate.applied'));
    expect(applied).toHaveLength(names.length * 3);
  });
});
