import { describe, expect, it } from 'vitest';
import { definePlugin, serviceRef } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('the database of plugins that are added', () => {
  it('an addition whose migration fails starts nothing, keeps what was committed, and can be tried again', async () => {
    const fresh = await db.fresh();
    const started: string[] = [];
    const first = await migrationFolder({ '0000_a': 'CREATE TABLE first (n int);' });
    const broken = await migrationFolder({ '0000_a': 'CREATE TABLE second (n nonsense);' });
    const mended = await migrationFolder({ '0000_a': 'CREATE TABLE second (n int);' });
    const firstApi = serviceRef<number>('first.api');
    const given = (folder: string) => [
      definePlugin({
        id: 'first',
        migrations: first,
        provides: { firstApi },
        init: () => {
          started.push('first');
          return { firstApi: 1 };
        },
      }),
      definePlugin({
        id: 'second',
        migrations: folder,
        deps: { firstApi },
        init: () => void started.push('second'),
      }),
    ];
    const { boot, recording } = bootUnderTest({ pool: fresh.pool(), plugins: [{ id: 'auth' }] });
    await boot.start();
    const error = await failureOf(boot.add(given(broken)));
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', plugin: 'second' });
    expect(started).toEqual([]);
    expect(() => boot.database('first')).toThrow('This boot has no plugin first');
    const again = await boot.add(given(mended));
    expect(started).toEqual(['first', 'second']);
    expect(again.plugins.map(({ id, migrate }) => [id, migrate.outcome])).toEqual([
      ['first', 'upToDate'],
      ['second', 'done'],
    ]);
    expect(recording.of('plugin.migrate.applied').map(({ plugin }) => plugin)).toEqual([
      'first',
      'second',
    ]);
  });

  it('a plugin that the registry has disabled is skipped, and the registry learns of those that are added', async () => {
    const fresh = await db.fresh();
    const { boot } = bootUnderTest({
      pool: fresh.pool(),
      registry: true,
      plugins: [{ id: 'auth' }, { id: 'off', required: false }],
    });
    await boot.start();
    await fresh.query(`UPDATE slipway.plugins SET enabled = false WHERE id = 'off'`);
    await boot.remove('off');
    const report = await boot.add([{ id: 'off', required: false }, { id: 'on' }]);
    expect(report.plugins.map(({ id, init }) => [id, init.outcome])).toEqual([
      ['on', 'done'],
      ['off', 'skipped'],
    ]);
    const { rows } = await fresh.query('SELECT id, enabled FROM slipway.plugins ORDER BY id');
    expect(rows).toEqual([
      { id: 'auth', enabled: true },
      { id: 'off', enabled: false },
      { id: 'on', enabled: true },
    ]);
  });

  it('a plugin that the boot came up without is not missed when another one is added', async () => {
    const fresh = await db.fresh();
    const flaky = definePlugin({
      id: 'flaky',
      required: false,
      init() {
        throw new Error('not today');
      },
    });
    const { boot } = bootUnderTest({
      pool: fresh.pool(),
      registry: { missing: 'error' },
      plugins: [flaky],
    });
    await boot.start();
    expect((await boot.add({ id: 'other' })).outcome).toBe('ready');
  });

  it('a failed attempt to bring an optional plugin back leaves its database as it was', async () => {
    const fresh = await db.fresh();
    const folder = await migrationFolder({ '0000_a': 'CREATE TABLE notes (t text);' });
    const flaky = definePlugin({
      id: 'flaky',
      required: false,
      migrations: folder,
      init() {
        throw new Error('not today');
      },
    });
    const { boot } = bootUnderTest({ pool: fresh.pool(), plugins: [flaky] });
    await boot.start();
    const database = boot.database('flaky');
    const { code } = await failureOf(boot.add({ ...flaky, required: true }));
    expect(code).toBe('INIT_FAILED');
    expect(boot.database('flaky')).toBe(database);
    expect((await database.query('SELECT * FROM notes')).rows).toEqual([]);
    // A launch that fails before it knows its plugins has none to take back.
    await boot.add({ id: 'flaky', required: false, migrations: folder });
    await failureOf(
      boot.add(definePlugin({ id: 'other', deps: { absent: serviceRef('absent') } })),
    );
    expect((await boot.remove('flaky')).plugins).toEqual(['flaky']);
  });

  it('two processes that add the same plugin at once apply its files once', async () => {
    const fresh = await db.fresh();
    const folder = await migrationFolder({
      '0000_a': 'CREATE TABLE notes (t text);',
      '0001_b': `INSERT INTO notes SELECT 'once' FROM pg_sleep(0.05);`,
    });
    const both = [1, 2].map(() => bootUnderTest({ pool: fresh.pool(), plugins: [] }));
    await Promise.all(both.map(({ boot }) => boot.start()));
    const notes = definePlugin({ id: 'notes', migrations: folder });
    await Promise.all(both.map(({ boot }) => boot.add(notes)));
    const { rows } = await fresh.query('SELECT t FROM plugin_notes.notes');
    expect(rows).toEqual([{ t: 'once' }]);
    const applied = both.flatMap(({ recording }) => recording.of('plugin.migrate.applied'));
    expect(applied.map(({ file }) => file).toSorted()).toEqual(['0000_a.sql', '0001_b.sql']);
  });

  it('a connection that breaks while a file runs fails the addition only, and leaves no client out', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    const { boot } = bootUnderTest({ pool, plugins: [{ id: 'auth' }] });
    await boot.start();
    const backend = deferred<number>();
    boot.on('plugin.migrate.started', ({ backendPid }) => backend.resolve(backendPid));
    const slow = await migrationFolder({ '0000_a': 'SELECT pg_sleep(60);' });
    const adding = failureOf(boot.add(definePlugin({ id: 'slow', migrations: slow })));
    await fresh.query('SELECT pg_terminate_backend($1)', [await backend.promise]);
    expect((await adding).code).toBe('MIGRATION_CONNECTION_LOST');
    expect(pool.totalCount - pool.idleCount).toBe(0);
    expect(boot.state().phase).toBe('ready');
    await boot.add({ id: 'later' });
  });

  it('stop() in the middle of an added migration cancels it on the server, and nothing of the file stays', async () => {
    const fresh = await db.fresh();
    const { boot } = bootUnderTest({ pool: fresh.pool(), plugins: [{ id: 'auth' }] });
    await boot.start();
    const running = deferred();
    boot.on('plugin.migrate.executing', () => running.resolve());
    const slow = await migrationFolder({
      '0000_a': 'CREATE TABLE half (n int);--> statement-breakpoint\nSELECT pg_sleep(60);',
    });
    const adding = failureOf(boot.add(definePlugin({ id: 'slow', migrations: slow })));
    await running.promise;
    await boot.stop();
    expect((await adding).code).toBe('BOOT_CANCELED');
    const { rows } = await fresh.query(`SELECT to_regclass('plugin_slow.half') AS half`);
    expect(rows).toEqual([{ half: null }]);
  });

  it('the pool of the host is taken back from a removed plugin with a warning, and its queries may end', async () => {
    const fresh = await db.fresh();
    const folder = await migrationFolder({ '0000_a': 'CREATE TABLE notes (t text);' });
    const { boot, recording } = bootUnderTest({
      pool: fresh.pool(),
      plugins: [],
      stop: { timeout: '200ms' },
    });
    await boot.start();
    await boot.add(definePlugin({ id: 'notes', migrations: folder }));
    const database = boot.database('notes');
    const held = await database.connect();
    const ending = database.query<{ n: number }>('SELECT 1 AS n FROM pg_sleep(0.02)');
    await boot.remove('notes');
    expect((await ending).rows).toEqual([{ n: 1 }]);
    expect(recording.of('boot.warning').map(({ message }) => message)).toEqual([
      expect.stringContaining(`boot.database('notes')`),
    ]);
    await expect(database.query('SELECT 1')).rejects.toThrow('The database of notes is closed');
    await expect(held.query('SELECT 1')).rejects.toThrow('closed');
  });
});
