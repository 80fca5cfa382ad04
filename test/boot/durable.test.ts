import type { Client } from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from 'slipway/testing';
import type { Boot, BootEventName, MigrationFunction, Plugin } from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { expectNoInitBeforeMigrateAll } from '../support/event-recorder.ts';
import { asAdmin, withClient } from '../support/leaks.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { startProxy } from '../support/proxy.ts';
import { untilFound } from '../support/server-sessions.ts';
import { TestDatabase } from '../support/test-database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const table = (name: string): string => `CREATE TABLE ${name} (id int);`;
const seen = (by: string): string =>
  `INSERT INTO public.seen VALUES ('${by}', current_setting('synchronous_commit'));`;

const once = (boot: Boot, name: BootEventName): Promise<void> =>
  new Promise((resolve) => boot.once(name, () => resolve()));

/** Plugins with two files each, the second of which fails for those that are called `broken`. */
async function pluginsOf(...ids: readonly string[]): Promise<readonly Plugin[]> {
  return Promise.all(
    ids.map(async (id) => ({
      id,
      migrations: await migrationFolder({
        '0000_a': table('a'),
        '0001_b': id === 'broken' ? 'SELECT 1 / 0;' : table('b'),
      }),
      init: () => undefined,
    })),
  );
}

/** A database whose own setting is neither on nor off: a test can tell when a file has changed it. */
async function freshLocal(): Promise<Database> {
  const database = await db.fresh();
  await database.query(
    `alter database ${database.name} set synchronous_commit = 'local'; create table public.seen (by text, value text)`,
  );
  return database;
}

async function valuesIn({ query }: Database): Promise<Readonly<Record<string, string>>> {
  const { rows } = await query<{ by: string; value: string }>('select * from public.seen');
  return Object.fromEntries(rows.map(({ by, value }) => [by, value]));
}

describe('a COMMIT of a migration waits for the disk', () => {
  test('not on a first install, also not that of the last file; and in an upgrade', async () => {
    const database = await freshLocal();
    const folder = await migrationFolder({ '0000_a': seen('a'), '0001_b': seen('b') });
    const plugins = [{ id: 'catalog', migrations: folder }];
    const first = bootUnderTest({ pool: database.url, plugins });
    const report = await first.boot.start();
    expect(await valuesIn(database)).toEqual({ a: 'off', b: 'off' });
    const [durable] = first.recording.of('migrations.durable');
    expect(durable).toMatchObject({ plugins: 1 });
    expect(report.database?.durableAtMs).toBe(durable?.elapsedMs);

    const more = { '0000_a': seen('a'), '0001_b': seen('b'), '0002_c': seen('c') };
    await writeMigrations(folder, { ...more, '0003_d': seen('d') });
    const second = bootUnderTest({ pool: database.url, plugins });
    const upgraded = await second.boot.start();
    expect(await valuesIn(database)).toEqual({ a: 'off', b: 'off', c: 'local', d: 'local' });
    expect(upgraded.database).not.toHaveProperty('durableAtMs');
    expect(second.recording.lines('migrations.')).toEqual([]);
  });

  test('always after a function, which may have acted outside of the database', async () => {
    const database = await freshLocal();
    const run: MigrationFunction['run'] = (client) => client.query(seen('run'));
    const plugin = { id: 'mail', migrations: [{ name: '0000_run', run }] };
    const { boot, recording } = bootUnderTest({ pool: database.url, plugins: [plugin] });
    await boot.start();
    expect(await valuesIn(database)).toEqual({ run: 'local' });
    expect(recording.lines('migrations.')).toEqual([]);
  });

  test('never where the user has chosen so: then nothing is promised', async () => {
    const database = await db.fresh();
    await database.query(`alter database ${database.name} set synchronous_commit = off`);
    const { boot } = bootUnderTest({ pool: database.url, plugins: await pluginsOf('catalog') });
    expect((await boot.start()).database).not.toHaveProperty('durableAtMs');
  });
});

describe('the flush', () => {
  const flushes = (statements: readonly string[]): readonly number[] =>
    statements.flatMap((sql, at) => (sql.includes('pg_logical_emit_message') ? [at] : []));

  test('is one statement, after every COMMIT and before any init; a restart sends none', async () => {
    const { url } = await db.fresh();
    await using proxy = await startProxy(url);
    const plugins = await pluginsOf('auth', 'catalog', 'search');
    const { boot, recording } = bootUnderTest({ pool: proxy.url, plugins });
    let sent: readonly string[] = [];
    boot.once('plugin.init.started', () => {
      sent = [...proxy.statements];
    });
    await boot.start();
    await boot.stop();
    expect(flushes(sent)).toEqual([sent.length - 1]);
    expect(sent.findLastIndex((sql) => /\bcommit\b/i.test(sql))).toBeLessThan(sent.length - 1);
    expect(recording.of('migrations.durable')).toMatchObject([{ plugins: 3 }]);
    expectNoInitBeforeMigrateAll(recording.events);

    proxy.forgetStatements();
    const again = bootUnderTest({ pool: proxy.url, plugins });
    await again.boot.start();
    expect(again.recording.lines('migrations.')).toEqual([]);
    expect(flushes(proxy.statements)).toEqual([]);
  });

  test('follows a migration that fails, too, because what is committed stays', async () => {
    const { url } = await db.fresh();
    const { boot, recording } = bootUnderTest({ pool: url, plugins: await pluginsOf('broken') });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', plugin: 'broken' });
    expect(error.hint).toContain('0000_a.sql is committed and stays');
    expect(error.report?.database?.durableAtMs).toBeGreaterThan(0);
    expect(recording.of('migrations.durable')).toMatchObject([{ plugins: 1 }]);
  });

  test('follows a boot that is stopped, too', async () => {
    const { url } = await db.fresh();
    const plugins = await pluginsOf('auth');
    const { boot, recording } = bootUnderTest({ pool: url, plugins });
    boot.once('plugin.migrate.applied', () => void boot.stop('SIGTERM'));
    expect(await failureOf(boot.start())).toMatchObject({ code: 'BOOT_CANCELED' });
    expect(recording.of('migrations.durable')).toMatchObject([{ plugins: 1 }]);
  });

  test('follows what another replica has committed since the survey', async () => {
    const { url, query } = await db.fresh();
    const plugins = await pluginsOf('auth');
    const first = bootUnderTest({ pool: url, plugins });
    await first.boot.migrate();
    // To the survey nothing is there; under its lock everything is.
    await query('alter schema plugin_auth rename to elsewhere');
    await using lock = await holdLock(url, migrationLockKey('plugin_auth'));
    const { boot, recording } = bootUnderTest({ pool: url, plugins });
    const waiting = once(boot, 'plugin.migrate.waiting');
    const started = boot.start();
    await waiting;
    await query('alter schema elsewhere rename to plugin_auth');
    await lock.release();
    await started;
    expect(recording.lines('plugin.migrate.applied')).toEqual([]);
    expect(recording.of('migrations.durable')).toMatchObject([{ plugins: 1 }]);
  });
});

describe('while the disk does not answer', () => {
  let server: PostgresServer;
  let database: TestDatabase;

  /** A standby that never comes holds up each COMMIT that waits, as a disk that hangs would. */
  async function holdUp(isHeldUp: boolean): Promise<void> {
    await asAdmin(server.url, async (admin) => {
      await admin.query(
        `alter system set synchronous_standby_names = '${isHeldUp ? 'nobody' : ''}'`,
      );
      await admin.query('select pg_reload_conf()');
    });
    const shown = isHeldUp ? 'nobody' : '';
    await untilFound(
      database,
      `select where current_setting('synchronous_standby_names') = '${shown}'`,
    );
    if (isHeldUp) await withClient(database.url, untilHeldUp);
  }

  /** Sessions read their settings before the checkpointer does, and it is the checkpointer that makes a COMMIT wait. */
  async function untilHeldUp(probe: Client): Promise<void> {
    const { rows } = await probe.query<{ pid: number }>('select pg_backend_pid() as pid');
    for (;;) {
      const committing = new AbortController();
      const committed = probe
        .query(`select pg_logical_emit_message(true, 'test', '')`)
        .then(() => committing.abort());
      while (!committing.signal.aborted) {
        const { rowCount } = await database.query(
          `select pg_cancel_backend(pid) from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'`,
          [rows[0]?.pid],
        );
        if (!rowCount) continue;
        await committed;
        return;
      }
    }
  }

  const untilFlushing = (): Promise<{ pid: number }> =>
    untilFound<{ pid: number }>(
      database,
      `select pid from pg_stat_activity where datname = current_database() and wait_event = 'SyncRep'`,
    );

  beforeEach(async () => {
    server = await startPostgres({ from: 'local' });
    database = new TestDatabase(server.url);
    await database.create();
    await holdUp(true);
    return async () => {
      await database.expectNoLeak();
      await server.stop();
    };
  });

  const lostMessage =
    /^The migrations of auth are committed, and possibly not yet on the disk of PostgreSQL: /;

  test('no init begins, and the boot says what it waits for', async () => {
    const plugins = await pluginsOf('auth', 'catalog');
    const { boot, recording } = bootUnderTest({ pool: database.pool(), plugins });
    const started = boot.start();
    await untilFlushing();
    expect(boot.state()).toMatchObject({ phase: 'migrateAll', wait: { kind: 'database' } });
    expect(boot.state().headline).toMatch(
      /^The boot waits .+: the migrations are committed, and not yet on the disk of PostgreSQL$/,
    );
    expect(recording.lines('plugin.init')).toEqual([]);
    await holdUp(false);
    await started;
    expectNoInitBeforeMigrateAll(recording.events);
    expect(recording.of('migrations.durable')).toHaveLength(1);
  });

  test('a stop cancels the flush', async () => {
    const plugins = await pluginsOf('auth');
    const { boot, recording } = bootUnderTest({ pool: database.pool(), plugins });
    const failure = failureOf(boot.start());
    await untilFlushing();
    const { warnings } = await boot.stop('SIGTERM');
    expect(await failure).toMatchObject({ code: 'BOOT_CANCELED' });
    expect(warnings[0]?.message).toMatch(lostMessage);
    expect(recording.lines('migrations.')).toEqual(['migrations.flushing']);
    expect(recording.lines('plugin.init.started')).toEqual([]);
  });

  test('a connection that is lost is replaced, and the flush asked again', async () => {
    const plugins = await pluginsOf('auth');
    const { boot, recording } = bootUnderTest({ pool: database.pool(), plugins });
    const waiting = once(boot, 'boot.waiting');
    const started = boot.start();
    const { pid } = await untilFlushing();
    await database.query('select pg_terminate_backend($1)', [pid]);
    await waiting;
    await holdUp(false);
    expect((await started).database?.durableAtMs).toBeGreaterThan(0);
    expect(recording.of('boot.waiting')[0]).toMatchObject({ kind: 'database' });
  });

  test('a connection that is lost for good ends the boot, with the plugins that are concerned', async () => {
    const plugins = await pluginsOf('auth');
    const connect = { wait: 0 };
    const { boot, recording } = bootUnderTest({ pool: database.pool(), plugins, connect });
    const failure = failureOf(boot.start());
    const { pid } = await untilFlushing();
    await database.query('select pg_terminate_backend($1)', [pid]);
    const error = await failure;
    expect(error).toMatchObject({ code: 'MIGRATION_CONNECTION_LOST', phase: 'migrateAll' });
    expect(error.message).toMatch(lostMessage);
    expect(error.hint).toContain('the next boot looks at what is there');
    expect(recording.lines('plugin.init.started')).toEqual([]);
  });

  test('a boot that has failed waits for it no longer than stop.timeout', async () => {
    const plugins = await pluginsOf('broken');
    const { boot } = bootUnderTest({ pool: database.pool(), plugins, stop: { timeout: 50 } });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', plugin: 'broken' });
    const { warnings = [], database: facts } = error.report ?? {};
    expect(warnings.at(-1)?.message).toContain('possibly not yet on the disk of PostgreSQL');
    expect(facts).not.toHaveProperty('durableAtMs');
  });

  test('a boot that has failed keeps its own error, and warns', async () => {
    const plugins = await pluginsOf('auth', 'broken');
    const { boot } = bootUnderTest({ pool: database.pool(), plugins });
    const failure = failureOf(boot.start());
    const { pid } = await untilFlushing();
    await database.query('select pg_terminate_backend($1)', [pid]);
    const error = await failure;
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', plugin: 'broken' });
    const { warnings = [] } = error.report ?? {};
    expect(warnings.at(-1)?.message).toContain('possibly not yet on the disk of PostgreSQL');
  });
});
