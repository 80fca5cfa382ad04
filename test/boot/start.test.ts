import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { createBoot, type BootOptions, type Clock } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { forgiveWarnings } from '../support/no-warnings.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('createBoot()', () => {
  it.each([
    [undefined, 'the options of createBoot() to be an object, got undefined'],
    [{}, 'pool to be a pg.Pool, a connection string or a pg config, got undefined'],
    [
      { pool: new URL('postgres://u:secret@localhost/shop') },
      'pool to be a pg.Pool, a connection string or a pg config, got a URL',
    ],
    [
      { pool: ' ' },
      'pool to be a pg.Pool, a connection string or a pg config, got an empty string',
    ],
    [
      { pool: { connect: () => {} } },
      'pool to be a pg.Pool, a connection string or a pg config, got an object with connect',
    ],
    [
      { pool: 'postgres://h/x', migrationPool: 5 },
      'migrationPool to be a pg.Pool, a connection string or a pg config, got 5',
    ],
    [{ pool: 'postgres://h/x', plugins: {} }, 'plugins to be an array, got an object with no keys'],
    [{ pool: 'postgres://h/x', services: [1] }, 'services[0] to be an object, got 1'],
    [
      { pool: 'postgres://h/x', logger: 'loud' },
      'logger to be a logger with debug, info, warn, error, or one of the levels trace, debug, info, warn, error, got "loud"',
    ],
    [
      { pool: 'postgres://h/x', hostApp: {} },
      'hostApp.name to be the name of an application, got undefined',
    ],
    [
      { pool: 'postgres://h/x', hostApp: { name: 'shop', version: 1 } },
      'hostApp.version to be a version, got 1',
    ],
    [{ pool: 'postgres://h/x', hostApp: 'shop' }, 'hostApp to be an object, got "shop"'],
    [{ pool: 'postgres://h/x', clock: 5 }, 'clock to be an object, got 5'],
  ])('refuses %j at the door', (options, message) => {
    expect(() => createBoot(options as unknown as BootOptions)).toThrow(`Expected ${message}`);
  });

  it('never writes the connection string into a message', () => {
    const wrong = { pool: 'postgres://u:secret@h/d', pooll: 1 } as unknown as BootOptions;
    expect(() => createBoot(wrong)).toThrow('createBoot() has no option pooll. Did you mean pool?');
  });
});

describe('start()', () => {
  it('of no plugins is ready at once, and asks the database nothing', async () => {
    const { boot } = bootUnderTest({ pool: 'postgres://nobody@127.0.0.1:1/nowhere' });
    const report = await boot.start();
    expect(report).toMatchObject({ outcome: 'ready', plugins: [], problems: [] });
    expect(report.phases.map(({ phase, outcome }) => [phase, outcome])).toEqual([
      ['discover', 'done'],
      ['sort', 'done'],
      ['migrateAll', 'done'],
      ['initAll', 'done'],
    ]);
  });

  it('is one boot however often it is called, until it has ended', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [{ id: 'a' }] });
    expect(boot.start()).toBe(boot.start());
    await boot.start();
    expect(await failureOf(boot.migrate())).toMatchObject({ code: 'BOOT_ALREADY_RUN' });
    await boot.stop();
    expect(await failureOf(boot.start())).toMatchObject({ code: 'BOOT_ALREADY_RUN' });
  });

  it('is the same boot for a listener that starts it again', async () => {
    const { boot, recording } = bootUnderTest({ pool: db.pool(), plugins: [{ id: 'a' }] });
    let again: Promise<unknown> | undefined;
    boot.once('boot.started', () => {
      again = boot.start();
    });
    const started = boot.start();
    expect(again).toBe(started);
    await started;
    expect(recording.of('boot.started')).toHaveLength(1);
  });

  it('reports every problem of the graph before anything else happens', async () => {
    const { boot, recording } = bootUnderTest({
      pool: 'postgres://nobody@127.0.0.1:1/nowhere',
      plugins: [{ id: 'twin' }, { id: 'twin' }, { id: 'x'.repeat(70) }],
    });
    const error = await failureOf(boot.start());
    expect(error.code).toBe('GRAPH_INVALID');
    expect(error.problems?.map(({ code }) => code)).toEqual([
      'PLUGIN_DUPLICATE',
      'SCHEMA_NAME_TOO_LONG',
    ]);
    expect(error.report?.problems).toEqual(error.problems);
    expect(recording.lines('phase')).toEqual([
      'phase.started discover',
      'phase.finished discover',
      'phase.started sort',
      'phase.finished sort',
      'phase.started stopAll',
      'phase.finished stopAll',
    ]);
    expect(recording.outcomes('migrate')['twin']).toBe('notReached');
  });

  it('harms nobody by a listener that throws, rejects or stops the boot twice', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [{ id: 'a' }, { id: 'b' }] });
    boot.onAny(() => {
      throw new Error('a broken listener');
    });
    boot.onAny(() => Promise.reject(new Error('a broken async listener')));
    expect((await boot.start()).outcome).toBe('ready');
  });

  it('harms nobody by a logger that throws', async () => {
    const broken = (): never => {
      throw new Error('the disk is full');
    };
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [{ id: 'a' }],
      logger: { debug: broken, info: broken, warn: broken, error: broken },
    });
    expect((await boot.start()).outcome).toBe('ready');
  });

  it('survives a defect of its own parts: everything is let go, and the error says so', async () => {
    forgiveWarnings();
    let calls = 0;
    const stopped: string[] = [];
    const { boot, recording } = bootUnderTest({
      pool: db.pool(),
      clock: {
        now: () => Date.now(),
        elapsed: () => {
          calls += 1;
          if (calls === 60) throw new Error('a broken clock');
          return performance.now();
        },
        after: (ms, callback) => {
          const timer = setTimeout(callback, ms);
          return () => clearTimeout(timer);
        },
      },
      plugins: Array.from({ length: 10 }, (_, index) => ({
        id: `p${index}`,
        init: ({ onStop }) =>
          (onStop as (handler: () => void) => void)(() => void stopped.push(`p${index}`)),
      })),
    });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'BOOT_BROKEN' });
    expect(error.message).toContain('a broken clock');
    const begun = recording.of('plugin.init.started').map(({ plugin }) => plugin);
    expect(stopped.toSorted()).toEqual(begun.toSorted());
  });
});

/** A clock that breaks once, when the next event is stamped. */
function breakableClock() {
  let isBroken = false;
  const clock: Clock = {
    ...systemClock,
    elapsed: () => {
      if (isBroken) {
        isBroken = false;
        throw new Error('a broken clock');
      }
      return systemClock.elapsed();
    },
  };
  return { clock, breakIt: () => void (isBroken = true) };
}

describe('a defect on the way down', () => {
  it('of a boot that failed is its error, and no uncaught exception', async () => {
    forgiveWarnings();
    const { clock, breakIt } = breakableClock();
    const plugin = { id: 'a', init: () => Promise.reject(new Error('init failed')) };
    const { boot } = bootUnderTest({ pool: db.pool(), clock, plugins: [plugin] });
    boot.once('boot.stopping', breakIt);
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'BOOT_BROKEN' });
    expect(error.message).toContain('a broken clock');
  });

  it('of a boot that was up is among the errors of its stop', async () => {
    forgiveWarnings();
    const { clock, breakIt } = breakableClock();
    const { boot, recording } = bootUnderTest({ pool: db.pool(), clock, plugins: [{ id: 'a' }] });
    await boot.start();
    boot.once('boot.stopping', breakIt);
    await boot.stop();
    expect(recording.of('boot.stopped')).toMatchObject([{ errors: [{ code: 'BOOT_BROKEN' }] }]);
  });
});

describe('a pool whose clients are all out', () => {
  it('is told while the boot waits, and named when it gives up', async () => {
    const pool = db.pool({ max: 1 });
    const held = await pool.connect();
    const { boot, recording } = bootUnderTest({
      pool,
      plugins: [{ id: 'a', migrations: await migrationFolder({ '0000_a': 'SELECT 1;' }) }],
      connect: { wait: 1_200 },
    });
    const error = await failureOf(boot.start());
    held.release();
    expect(error).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: 'Every client of the pool is checked out, and none was released',
    });
    expect(recording.of('boot.waiting')[0]).toMatchObject({
      kind: 'connection',
      reason: 'every client of the pool is checked out',
    });
  });

  it('keeps the reason of a refusal, however long the server is away', async () => {
    const { boot, recording } = bootUnderTest({
      pool: 'postgres://nobody@127.0.0.1:1/nothing',
      plugins: [{ id: 'a', migrations: await migrationFolder({ '0000_a': 'SELECT 1;' }) }],
      connect: { wait: 1_500 },
    });
    expect(await failureOf(boot.start())).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    const reasons = new Set(recording.of('boot.waiting').map(({ reason }) => reason));
    expect([...reasons]).toEqual(['PostgreSQL does not answer']);
  });

  it('is told too when the pool itself gives up sooner', async () => {
    const pool = db.pool({ max: 1, connectionTimeoutMillis: 100 });
    const held = await pool.connect();
    const { boot, recording } = bootUnderTest({
      pool,
      plugins: [{ id: 'a', migrations: await migrationFolder({ '0000_a': 'SELECT 1;' }) }],
    });
    boot.once('boot.waiting', () => held.release());
    await boot.start();
    const [waiting] = recording.of('boot.waiting');
    expect(waiting).toMatchObject({
      kind: 'connection',
      reason: 'every client of the pool is checked out',
      error: { message: 'timeout exceeded when trying to connect' },
    });
    // It is the survey that waits, for every plugin.
    expect(waiting).not.toHaveProperty('plugin');
  });
});

describe('a pool smaller than migrations.concurrency', () => {
  it('has no plugin waiting for a client that another one migrates on', async () => {
    const { url } = await db.fresh();
    const pool = db.pool({ connectionString: url, max: 2 });
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const waiting: number[] = [];
    const { boot } = bootUnderTest({
      pool,
      plugins: await alikePlugins(ids, { '0000_init': 'CREATE TABLE items (id int);' }),
      migrations: { concurrency: 6 },
    });
    boot.on('plugin.migrate.started', () => waiting.push(pool.waitingCount));
    boot.on('plugin.migrate.applied', () => waiting.push(pool.waitingCount));
    await boot.migrate();
    expect(waiting).toEqual(ids.flatMap(() => [0, 0]));
  });
});

describe('migrate()', () => {
  it('ends after the migrations, with nothing started', async () => {
    const { url, query } = await db.fresh();
    const folder = await migrationFolder({ '0000_init': 'CREATE TABLE items (id int);' });
    const { boot, recording } = bootUnderTest({
      pool: url,
      plugins: [{ id: 'a', migrations: folder, init: () => expect.unreachable() }],
    });
    const report = await boot.migrate();
    expect(report.outcome).toBe('migrated');
    expect(recording.outcomes('init')).toEqual({ a: 'notReached' });
    expect((await query("SELECT to_regclass('plugin_a.items')::text AS found")).rows).toEqual([
      { found: 'plugin_a.items' },
    ]);
  });
});

describe('plan()', () => {
  it('tells what is pending and changes nothing', async () => {
    const { url, query } = await db.fresh();
    const folder = await migrationFolder({ '0000_init': 'CREATE TABLE items (id int);' });
    const { boot } = bootUnderTest({
      pool: url,
      plugins: [
        { id: 'b', after: ['a'] },
        { id: 'a', migrations: folder },
      ],
    });
    expect(await boot.plan()).toMatchObject({
      plugins: [
        {
          id: 'a',
          schema: 'plugin_a',
          applied: [],
          pending: [
            {
              file: '0000_init.sql',
              statements: [{ text: 'CREATE TABLE items (id int);', line: 1, column: 1 }],
            },
          ],
          warnings: [],
          problems: [],
        },
        { id: 'b', applied: [], pending: [] },
      ],
      problems: [],
    });
    expect((await query("SELECT to_regnamespace('plugin_a') AS found")).rows).toEqual([
      { found: null },
    ]);
    await boot.start();
  });
});
