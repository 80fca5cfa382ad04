import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { findings } from '../../src/insight/findings.ts';
import { exportStory, storyOf, why } from '../../src/insight.ts';
import { nodeListener, probes } from '../../src/http/index.ts';
import { createLiveOutput, type SessionsBehind } from '../../src/index.ts';
import { ask, listening } from '../http/listening.ts';
import { describeLook } from '../../src/insight/statement-words.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { createTerminal } from '../support/terminal.ts';
import { inOneFile, keeping, patient, progressOf, useSessions } from './watched-boot.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
const openSession = useSessions();

/** A million rows, and a function whose index takes at least three seconds, however fast the machine is. */
const ordersFile = inOneFile(
  `CREATE UNLOGGED TABLE orders AS SELECT id, md5(id::text) AS code FROM generate_series(1, 1000000) id;`,
  `CREATE FUNCTION slowly(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
   'BEGIN IF id % 10000 = 0 THEN PERFORM pg_sleep(0.03); END IF; RETURN id; END';`,
);

describe('an index that is built concurrently on a million rows', () => {
  test('reports its percentage and the time left, and then the session whose snapshot it waits for', async () => {
    const { url } = await db.fresh();
    const terminal = createTerminal({ columns: 600 });
    const { boot, recording } = bootUnderTest({
      pool: url,
      plugins: [
        {
          id: 'catalog',
          migrations: await migrationFolder({
            '0000_orders': ordersFile,
            '0001_index': 'CREATE INDEX CONCURRENTLY orders_idx ON orders (slowly(id));',
          }),
        },
      ],
    });
    boot.onAny(createLiveOutput({ stream: terminal, live: true, colors: false }));
    const address = await listening(createServer(nodeListener([probes(boot)], () => {})));
    const report = await openSession(url, 'report');
    boot.on('plugin.migrate.executing', ({ command }) => {
      if (command !== 'CREATE INDEX CONCURRENTLY') return;
      void report.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    });
    const timed = progressOf(boot, ({ progress }) => progress?.etaMs !== undefined);
    const blocked = progressOf(boot, ({ blockers }) => blockers);
    const started = boot.start();

    const { progress } = await timed;
    expect(progress).toMatchObject({
      phase: 'building index: scanning table',
      index: 'orders_idx',
      relation: 'orders',
      unit: 'blocks',
    });
    const { done = 0, total = 0 } = progress ?? {};
    expect(progress?.percent).toBe(Math.floor((done / total) * 100));
    const words =
      /CREATE INDEX CONCURRENTLY orders_idx: \d+ %, about \d+ s left \(building index: scanning table\)/;
    expect(boot.state().headline).toMatch(words);
    expect(boot.state().running[0]?.file?.progress).toMatchObject({ index: 'orders_idx' });

    const { blockers } = await blocked;
    expect(blockers).toMatchObject([
      { pid: report.processID, applicationName: 'report', state: 'idle in transaction' },
    ]);
    const waits = new RegExp(
      String.raw`CREATE INDEX CONCURRENTLY orders_idx: waits for old snapshots of report \(pid ${report.processID}, idle in transaction, since`,
    );
    expect(boot.state().headline).toMatch(waits);
    expect((await ask(`${address}/startupz`)).body).toMatchObject({
      headline: expect.stringMatching(waits) as string,
      running: [{ file: { progress: { phase: 'waiting for old snapshots' }, blockers } }],
    });
    expect(why(storyOf(boot), 'catalog').chain.at(-1)).toMatchObject({
      kind: 'session',
      session: { pid: report.processID },
    });
    await terminal.shows(waits);
    await report.query('COMMIT');
    await started;
    expect(terminal.pictures.some((picture) => words.test(picture))).toBe(true);
    expect(recording.outcomes('migrate')).toEqual({ catalog: 'done' });
  });
});

describe('a lock that a file keeps until its transaction ends', () => {
  test('and that ten readers wait for is reported with their number, their application and their wait', async () => {
    const { url } = await db.fresh();
    const terminal = createTerminal({ columns: 600 });
    const { boot, recording } = bootUnderTest({
      pool: url,
      migrations: patient,
      plugins: [{ id: 'catalog', migrations: await keeping('ALTER TABLE orders ADD note text;') }],
    });
    boot.onAny(createLiveOutput({ stream: terminal, live: true, colors: false }));
    const holder = await openSession(url, 'psql');
    await holder.query('SELECT pg_advisory_lock(42)');
    const readers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => openSession(url, at < 7 ? 'api@web-1' : 'jobs@web-2')),
    );
    const reading: Promise<unknown>[] = [];
    boot.on('plugin.migrate.executed', ({ file, statement }) => {
      if (file !== '0001_orders.sql' || statement !== 1) return;
      reading.push(
        ...readers.map((reader) => reader.query('SELECT count(*) FROM plugin_catalog.orders')),
      );
    });
    const seen = progressOf(boot, ({ behind }) => behind?.[0]?.sessions === 10);
    const started = boot.start();

    const { behind, statement, command } = await seen;
    expect({ statement, command }).toEqual({ statement: 2, command: 'SELECT' });
    const lock: Partial<SessionsBehind> = {
      statement: 1,
      command: 'ALTER TABLE',
      relation: 'orders',
      mode: 'ACCESS EXCLUSIVE',
      sessions: 10,
      applicationNames: ['api@web-1', 'jobs@web-2'],
    };
    expect(behind).toEqual([
      {
        ...lock,
        heldMs: expect.any(Number) as number,
        longestMs: expect.any(Number) as number,
      },
    ]);
    const words =
      /; 10 sessions of api@web-1 and jobs@web-2 waited up to .* so far for its ACCESS EXCLUSIVE lock on orders/;
    expect(boot.state().headline).toMatch(words);
    await terminal.shows(words);

    await holder.query('SELECT pg_advisory_unlock(42)');
    const report = await started;
    await Promise.all(reading);
    const { longestMs = 0 } = behind?.[0] ?? {};
    const locks = report.plugins[0]?.migrate.locks ?? [];
    expect(locks).toMatchObject([
      {
        file: '0001_orders.sql',
        statement: 1,
        command: 'ALTER TABLE',
        relation: 'orders',
        mode: 'ACCESS EXCLUSIVE',
        sessions: 10,
        applicationNames: ['api@web-1', 'jobs@web-2'],
      },
    ]);
    expect(locks[0]?.longestWaitMs).toBeGreaterThanOrEqual(longestMs);
    expect(locks[0]?.heldMs).toBeGreaterThan(longestMs);
    expect(report.plugins[0]?.init).not.toHaveProperty('locks');

    const told =
      /ALTER TABLE orders: ACCESS EXCLUSIVE [\d.]+s, 10 sessions of api@web-1 and jobs@web-2 waited up to [\d.]+s/;
    const finding = findings(storyOf(boot)).find(({ id }) => id === 'held-lock');
    expect(finding?.title).toMatch(told);
    expect(exportStory(storyOf(boot), 'markdown')).toContain('## Sessions kept waiting');
    expect(terminal.lines.join('\n')).toMatch(told);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(JSON.stringify(recording.events)).not.toContain('count(*)');
  });
});

describe('the progress of', () => {
  /** A smaller table; its index still takes three seconds. */
  const small = ordersFile.replace('1000000', '100000').replace('10000 =', '1000 =');

  test.each([
    [
      'VACUUM',
      [small, 'VACUUM orders;'],
      /^VACUUM orders: \d+ %(, about \d+ s left)? \(scanning heap\)$/,
    ],
    [
      'CLUSTER',
      [inOneFile(small, 'CREATE INDEX i ON orders (slowly(id));'), 'CLUSTER orders USING i;'],
      /^CLUSTER orders: rebuilding index$/,
    ],
    [
      'COPY',
      [
        'CREATE TABLE orders (id int);',
        `COPY orders FROM PROGRAM 'for i in 1 2 3 4; do echo $i; sleep 1; done';`,
      ],
      /^COPY orders: copying, \d tuples$/,
    ],
  ])('%s is reported', async (command, files, words) => {
    const database = await db.fresh();
    // VACUUM pauses after every five pages.
    for (const setting of [`vacuum_cost_delay = '20ms'`, 'vacuum_cost_limit = 5']) {
      await database.query(`alter database ${database.name} set ${setting}`);
    }
    const { boot } = bootUnderTest({
      pool: database.url,
      plugins: [
        {
          id: 'catalog',
          migrations: await migrationFolder(
            Object.fromEntries(files.map((sql, at) => [`000${at}_orders`, sql])),
          ),
        },
      ],
    });
    const seen = progressOf(
      boot,
      (event) => event.command === command && words.test(describeLook(command, event)),
    );
    await Promise.all([boot.start(), seen]);
  });
});

describe('sessions that wait', () => {
  test('for a table behind an ALTER that waits itself are reported, and that it never had the lock', async () => {
    const { url } = await db.fresh();
    const migrations = await migrationFolder({ '0000_orders': 'CREATE TABLE orders (id int);' });
    const plugins = [{ id: 'catalog', migrations }];
    await bootUnderTest({ pool: url, plugins }).boot.start();
    await writeMigrations(migrations, {
      '0000_orders': 'CREATE TABLE orders (id int);',
      '0001_orders': 'ALTER TABLE orders ADD note text;',
    });
    const holder = await openSession(url, 'psql');
    const reader = await openSession(url, 'api');
    await holder.query('BEGIN; SELECT FROM plugin_catalog.orders');
    const { boot } = bootUnderTest({ pool: url, migrations: patient, plugins });
    const seen = progressOf(boot, ({ blockers }) => blockers);
    const seenBehind = progressOf(boot, (event) => event.behind);
    const failing = failureOf(boot.start());
    await seen;
    const reading = reader.query('SELECT FROM plugin_catalog.orders');
    const { behind } = await seenBehind;
    await boot.stop();
    expect(await failing).toMatchObject({ code: 'BOOT_CANCELED' });
    await reading;
    expect(behind).toMatchObject([
      { command: 'ALTER TABLE', mode: 'ACCESS EXCLUSIVE', sessions: 1, applicationNames: ['api'] },
    ]);
    expect(behind?.[0]).not.toHaveProperty('heldMs');
    const [lock] = boot.report().plugins[0]?.migrate.locks ?? [];
    expect(lock).toMatchObject({ relation: 'orders', sessions: 1 });
    expect(lock).not.toHaveProperty('heldMs');
  });

  test('for a row, directly and behind another that does, are reported with the table', async () => {
    const { url } = await db.fresh();
    const { boot } = bootUnderTest({
      pool: url,
      migrations: patient,
      plugins: [
        {
          id: 'catalog',
          migrations: await migrationFolder({
            '0000_orders': 'CREATE TABLE orders AS SELECT 1 AS id;',
            '0001_orders': inOneFile(
              'UPDATE orders SET id = 2;',
              'SELECT pg_advisory_xact_lock(42);',
            ),
          }),
        },
      ],
    });
    const holder = await openSession(url, 'psql');
    await holder.query('SELECT pg_advisory_lock(42)');
    const writers = await Promise.all([openSession(url, 'api'), openSession(url, 'jobs')]);
    const writing: Promise<unknown>[] = [];
    const seen = progressOf(boot, ({ behind }) => behind?.[0]?.sessions === 2);
    boot.on('plugin.migrate.executed', ({ file, statement }) => {
      if (file !== '0001_orders.sql' || statement !== 1) return;
      writing.push(...writers.map((writer) => writer.query('DELETE FROM plugin_catalog.orders')));
    });
    const started = boot.start();
    const { behind } = await seen;
    expect(behind).toMatchObject([{ relation: 'orders', sessions: 2 }]);
    // Which statement has locked a row is not known.
    expect(behind?.[0]).not.toHaveProperty('mode');
    expect(behind?.[0]).not.toHaveProperty('statement');
    await holder.query('SELECT pg_advisory_unlock(42)');
    await started;
    await Promise.all(writing);
  });
});
