import { beforeEach, describe, expect, test } from 'vitest';
import type { Plugin, RehearseOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { everything, filesOf, pluginOf, rehearse, shopWith } from '../support/rehearsals.ts';
import { lookThroughPooler, untouched } from '../support/server-sessions.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

let fresh: Database;

beforeEach(async () => {
  fresh = await db.fresh();
});

const shopOf = (files: Readonly<Record<string, string>>): Promise<Plugin> =>
  shopWith(bootUnderTest, fresh.url, files);
const run = (plugins: readonly Plugin[], options?: true | RehearseOptions) =>
  rehearse(bootUnderTest, fresh.url, plugins, options);

const everyKind = {
  '0001_index': 'CREATE INDEX CONCURRENTLY by_total ON orders (total);',
  '0002_total': 'ALTER TABLE orders ALTER COLUMN total TYPE bigint;',
  '0003_tax': 'ALTER TABLE orders ADD COLUMN tax int;',
};

/** The copies of this database that are there. */
async function copies(): Promise<readonly string[]> {
  const { rows } = await fresh.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database WHERE datname ~ concat('^slipway_rehearsal_', left(encode(sha256(current_database()::text::bytea), 'hex'), 8), '_')`,
  );
  return rows.map(({ name }) => name);
}

describe('on a copy', () => {
  test('everything runs, each file with the locks of its own transaction, and the copy is dropped', async () => {
    const shop = await shopOf(everyKind);
    const before = await everything(fresh);
    const rehearsal = await run([shop], { copy: true });
    expect(rehearsal.on).toBe('copy');
    const lock = { mode: 'ACCESS EXCLUSIVE', relation: 'plugin_shop.orders' };
    expect(filesOf(rehearsal)).toMatchObject([
      { file: '0001_index.sql', outcome: 'done' },
      { outcome: 'done', locks: [lock], rewrites: [{ kind: 'table' }] },
      { outcome: 'done', locks: [lock], rewrites: [] },
    ]);
    expect(await copies()).toEqual([]);
    expect(await everything(fresh)).toEqual(before);
  });

  test('of a file whose commands have transactions of their own, each relation is there once', async () => {
    const shop = await shopOf({
      '0001_steps': `-- slipway: no-transaction
        UPDATE orders SET total = 0 WHERE id <= 3;
        ALTER TABLE orders ADD COLUMN tax int;
        UPDATE orders SET tax = 0 WHERE id <= 2;`,
    });
    const [file] = filesOf(await run([shop], { copy: true }));
    const relation = 'plugin_shop.orders';
    expect(file?.outcome).toBe('done');
    expect(file?.locks).toMatchObject([{ relation, mode: 'ACCESS EXCLUSIVE' }]);
    expect(file?.locks).toHaveLength(1);
    expect(file?.rows).toEqual([{ relation, inserted: 0, updated: 5, deleted: 0 }]);
  });

  test('the rows of a file are its own', async () => {
    const shop = await shopOf({
      '0001_three': 'UPDATE orders SET total = 0 WHERE id <= 3;',
      '0002_two': 'UPDATE orders SET total = 0 WHERE id <= 2;',
    });
    expect(filesOf(await run([shop], { copy: true }))).toMatchObject([
      { rows: [{ updated: 3 }] },
      { rows: [{ updated: 2 }] },
    ]);
  });

  test('a failure is reported, and the copy is dropped', async () => {
    const shop = await shopOf({
      '0001_fine': 'SELECT 1;',
      '0002_wrong': 'SELECT wrong;',
      '0003_last': 'SELECT 1;',
    });
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop] });
    const { rehearsal, problems } = await boot.plan({ rehearse: { copy: true } });
    expect(rehearsal?.plugins[0]?.files.map(({ outcome }) => outcome)).toEqual([
      'done',
      'failed',
      'notReached',
    ]);
    expect(problems).toMatchObject([
      { code: 'MIGRATION_FAILED', file: '0002_wrong.sql', column: 8 },
    ]);
    expect(await copies()).toEqual([]);
  });

  test('an abort drops the copy', async () => {
    const shop = await shopOf({ '0001_slow': 'SELECT pg_sleep(600);' });
    const stop = new AbortController();
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop] });
    const running = boot.plan({ rehearse: { copy: true, signal: stop.signal } });
    const sleeping = `SELECT FROM pg_stat_activity a, pg_database d WHERE d.oid = a.datid AND d.datname = $1 AND a.wait_event = 'PgSleep'`;
    let found = 0;
    for (let tries = 0; tries < 5_000 && found === 0; tries += 1) {
      const [name] = await copies();
      if (name !== undefined) found = (await db.query(sleeping, [name])).rows.length;
    }
    stop.abort();
    expect((await failureOf(running)).code).toBe('BOOT_CANCELED');
    expect(found).toBe(1);
    expect(await copies()).toEqual([]);
  });

  test('a copy that a killed process has left is named', async () => {
    const shop = await shopOf(everyKind);
    const { rows } = await fresh.query<{ name: string }>(
      `SELECT concat('slipway_rehearsal_', left(encode(sha256(current_database()::text::bytea), 'hex'), 8), '_left') AS name`,
    );
    const name = rows[0]?.name ?? '';
    await db.query(`CREATE DATABASE ${name}`);
    try {
      expect((await run([shop], { copy: true })).left).toEqual([name]);
    } finally {
      await db.query(`DROP DATABASE ${name}`);
    }
  });

  test('is refused while another session is connected, which is named', async () => {
    const shop = await shopOf(everyKind);
    const pool = fresh.pool({ application_name: 'api' });
    await pool.query('SELECT 1');
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop] });
    const failure = await failureOf(boot.plan({ rehearse: { copy: true } }));
    await pool.end();
    expect(failure.code).toBe('REHEARSAL_REFUSED');
    expect(failure.message).toMatch(
      / cannot be copied: other sessions are connected to it: api \(pid \d+\)$/,
    );
    expect(await copies()).toEqual([]);
  });

  test('works on a pool of the host', async () => {
    const shop = await shopOf(everyKind);
    const pool = fresh.pool({ max: 3 });
    const { boot } = bootUnderTest({ pool, plugins: [shop] });
    const { rehearsal } = await boot.plan({ rehearse: { copy: true } });
    expect(rehearsal?.plugins).toMatchObject([{ outcome: 'done' }]);
  });
});

describe('against another database', () => {
  test('everything is kept there, and nothing changes here', async () => {
    const shop = await shopOf(everyKind);
    const other = await db.fresh();
    const before = await everything(fresh);
    const rehearsal = await run([shop], { against: other.url });
    expect(rehearsal).toMatchObject({ on: 'other', plugins: [{ outcome: 'done' }] });
    expect(filesOf(rehearsal)).toHaveLength(4);
    expect(await everything(fresh)).toEqual(before);
    const { rows } = await other.query('SELECT indexname FROM pg_indexes WHERE indexname = $1', [
      'by_total',
    ]);
    expect(rows).toHaveLength(1);
  });

  test('is refused when it is the same database', async () => {
    const shop = await shopOf(everyKind);
    const same = fresh.url.replace('127.0.0.1', 'localhost');
    const { boot } = bootUnderTest({ pool: fresh.url, plugins: [shop] });
    const failure = await failureOf(boot.plan({ rehearse: { against: same } }));
    expect(failure.code).toBe('REHEARSAL_REFUSED');
    expect((await run([shop])).plugins[0]?.files).toHaveLength(3);
  });
});

describe.skipIf(!pgbouncer)('through a pooler in transaction mode', () => {
  test('a rehearsal is the same, and leaves nothing on the sessions', async () => {
    const shop = await shopOf({ '0001_total': everyKind['0002_total'] });
    const needing = await pluginOf(
      'needing',
      { '0000_b': 'CREATE TABLE b ();' },
      { after: ['shop'] },
    );
    const before = await everything(fresh);
    const through = (await startPgBouncer({ mode: 'transaction' })).through(fresh.url);
    const { plugins } = await rehearse(bootUnderTest, through, [shop, needing]);
    expect(plugins).toMatchObject([
      { id: 'shop', outcome: 'done', files: [{ rewrites: [{ kind: 'table' }] }] },
      { id: 'needing', outcome: 'done' },
    ]);
    for (const session of await lookThroughPooler(through, 2))
      expect(session).toMatchObject(untouched);
    expect(await everything(fresh)).toEqual(before);
    const { boot } = bootUnderTest({ pool: through, plugins: [shop] });
    const failure = await failureOf(boot.plan({ rehearse: { copy: true } }));
    expect(failure.message).toBe('A copy of the database cannot be made through a pooler');
  });
});
