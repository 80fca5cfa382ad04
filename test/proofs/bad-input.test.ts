import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startPostgres } from 'slipway/testing';
import { describe, expect, test } from 'vitest';
import { definePlugin, formatBootError, type BootEventName, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { withClient } from '../support/leaks.ts';
import {
  alikePlugins,
  migrationFolder,
  temporaryFolder,
  writeMigrations,
} from '../support/migration-folder.ts';
import { startProxy } from '../support/proxy.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const items = { '0000_items': 'CREATE TABLE items (id int);' };

const next = ({ boot }: BootUnderTest, name: BootEventName): Promise<unknown> =>
  new Promise((resolve) => boot.once(name, resolve));

describe('migrations that cannot be read', () => {
  test('are told all at once, with what the database says, and nothing is changed', async () => {
    const fresh = await db.fresh();
    await fresh.query(
      'CREATE SCHEMA plugin_taken; CREATE TABLE plugin_taken.__drizzle_migrations (mine text);',
    );
    await using proxy = await startProxy(fresh.url);
    const { boot, recording } = bootUnderTest({
      pool: proxy.url,
      plugins: [
        { id: 'good', migrations: await migrationFolder(items) },
        { id: 'taken', migrations: await migrationFolder(items) },
        ...(await unreadablePlugins()),
      ],
    });

    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'PLAN_INVALID', phase: 'migrateAll' });
    const problems = error.problems ?? [];
    expect(problems.map(({ plugin, message }) => [plugin, message])).toEqual([
      ['missing', expect.stringMatching(/the folder .* cannot be read/)],
      ['empty', expect.stringMatching(/_journal\.json cannot be read/)],
      ['no-journal', expect.stringMatching(/_journal\.json cannot be read/)],
      ['torn-journal', expect.stringMatching(/_journal\.json is not JSON/)],
      ['lost-file', expect.stringMatching(/names 0000_items\.sql, which cannot be read/)],
      ['no-folder', expect.stringMatching(/0000_items\.sql is not a folder/)],
      ['taken', expect.stringMatching(/is not Drizzle's/)],
    ]);
    expect(error.report).toMatchObject({ outcome: 'failed', problems });
    const text = formatBootError(error);
    for (const { message, hint } of problems) {
      expect(text).toContain(message);
      expect(text).toContain(hint);
    }

    expect(recording.lines('plugin.migrate.started')).toEqual([]);
    expect(proxy.statements.filter((sql) => !/^\s*(?:select|with)\b/i.test(sql))).toEqual([]);
    const { rows } = await fresh.query("SELECT to_regnamespace('plugin_good') AS found");
    expect(rows).toEqual([{ found: null }]);
  });
});

describe('PostgreSQL', () => {
  test('that comes up after the boot is waited for', async () => {
    const port = await freePort();
    const waiting = bootUnderTest({
      pool: `postgres://postgres@127.0.0.1:${port}/postgres`,
      plugins: [{ id: 'a', migrations: await migrationFolder(items) }],
    });
    const ready = waiting.boot.start();
    await Promise.race([next(waiting, 'boot.waiting'), ready]);
    await using late = await startPostgres({ from: 'local', port });
    expect(await ready).toMatchObject({ outcome: 'ready', database: { server: late.version } });
    await waiting.boot.stop();
  });

  test('that dies in the middle of a migration fails the boot with the cause, and the next boot goes on from there', async () => {
    // A test server may forget its last commits in a crash; a real one does not.
    await using server = await startPostgres({ from: 'local' });
    const folder = await migrationFolder({
      ...items,
      '0001_long': 'CREATE TABLE long (id int);--> statement-breakpoint\nSELECT pg_sleep(600);',
    });
    const plugins = [{ id: 'a', migrations: folder }, { id: 'b' }];
    const installed = [{ id: 'a', migrations: await migrationFolder(items) }];
    await bootUnderTest({ pool: server.url, plugins: installed }).boot.migrate();
    const dying = bootUnderTest({ pool: server.url, plugins });
    dying.boot.on('plugin.migrate.executed', ({ file }) => {
      if (file === '0001_long.sql') void server.kill();
    });
    const error = await failureOf(dying.boot.start());
    expect(error).toMatchObject({
      code: 'MIGRATION_CONNECTION_LOST',
      plugin: 'a',
      position: { file: '0001_long.sql' },
      cause: expect.any(Error) as unknown,
    });
    expect(error.report?.error).toMatchObject({
      cause: { message: expect.any(String) as unknown },
    });
    expect(dying.recording.lines('plugin.init.started')).toEqual([]);

    await writeMigrations(folder, { ...items, '0001_long': 'CREATE TABLE long (id int);' });
    const healing = bootUnderTest({ pool: server.url, plugins });
    const healed = healing.boot.start();
    await Promise.race([next(healing, 'boot.waiting'), healed]);
    await server.restart();
    expect(await healed).toMatchObject({
      outcome: 'ready',
      plugins: [{ id: 'a', applied: ['0001_long.sql'] }, { id: 'b' }],
    });

    await server.kill();
    expect((await healing.boot.stop('the database is gone')).outcome).toBe('ready');
    expect(healing.recording.outcomes('stop')).toEqual({ a: 'done', b: 'done' });
  });

  test('that dies in the middle of a first install loses whole files or none, and says so', async () => {
    await using server = await startPostgres({ from: 'local' });
    const folder = await migrationFolder({ ...items, '0001_long': 'SELECT pg_sleep(600);' });
    const plugins = [{ id: 'a', migrations: folder }];
    const dying = bootUnderTest({ pool: server.url, plugins });
    dying.boot.on('plugin.migrate.applied', () => void server.kill());
    const { code, hint } = await failureOf(dying.boot.start());
    expect(code).toBe('MIGRATION_CONNECTION_LOST');
    expect(hint).toContain('0000_items.sql is committed and stays. If the server crashed,');

    await server.restart();
    await writeMigrations(folder, { ...items, '0001_long': 'INSERT INTO items VALUES (1);' });
    await bootUnderTest({ pool: server.url, plugins }).boot.start();
    const { rows } = await withClient(server.url, (client) =>
      client.query('SELECT FROM plugin_a.items CROSS JOIN plugin_a.__drizzle_migrations'),
    );
    expect(rows).toHaveLength(2);
  });

  test('that refuses the password ends the boot at once, with what to do and no secret told', async () => {
    await using server = await startPostgres({ from: 'local', password: 'the right one' });
    const url = new URL(server.url);
    url.password = 'swordfish';
    const error = await refusalOf(url.href);
    expect(error).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining('password authentication failed') as unknown,
      hint: expect.stringContaining('refused the password') as unknown,
    });
    expect(formatBootError(error) + JSON.stringify(error.report)).not.toContain('swordfish');
  });

  test('that has no such database ends the boot at once, with what to do', async () => {
    const url = new URL(db.url);
    url.pathname = '/nowhere_at_all';
    expect(await refusalOf(url.href)).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining('"nowhere_at_all" does not exist') as unknown,
      hint: expect.stringContaining('Create the database') as unknown,
    });
  });
});

describe('a boot on the edge of what is possible', () => {
  test('works with a pool of one client, which the plugins share with the migrations', async () => {
    const fresh = await db.fresh();
    const files = { ...items, '0001_one': 'INSERT INTO items VALUES (1);' };
    const counts: unknown[] = [];
    const alike = await alikePlugins(['a', 'b', 'c', 'd', 'e'], files);
    const plugins = alike.map(({ id, migrations }) =>
      definePlugin({
        id,
        migrations,
        async init({ database }) {
          const { rows } = await database.query('SELECT count(*)::int AS count FROM items');
          counts.push(...rows);
        },
      }),
    );
    const { boot } = bootUnderTest({ pool: fresh.pool({ max: 1 }), plugins });
    expect((await boot.start()).outcome).toBe('ready');
    expect(counts).toEqual(plugins.map(() => ({ count: 1 })));
  });

  test('takes an id whose schema name has 63 bytes, and keeps every one of them', async () => {
    const fresh = await db.fresh();
    const id = 'x'.repeat(56);
    const { boot } = bootUnderTest({
      pool: fresh.url,
      plugins: [{ id, migrations: await migrationFolder(items) }],
    });
    await boot.start();
    const { rows } = await fresh.query('SELECT to_regclass($1) IS NOT NULL AS found', [
      `plugin_${id}.items`,
    ]);
    expect(rows).toEqual([{ found: true }]);
    const tooLong = bootUnderTest({ pool: fresh.url, plugins: [{ id: `${id}x` }] });
    expect((await failureOf(tooLong.boot.start())).problems).toMatchObject([
      { code: 'SCHEMA_NAME_TOO_LONG' },
    ]);
  });
});

async function unreadablePlugins(): Promise<readonly Plugin[]> {
  const folder = await migrationFolder(items);
  const [noJournal, torn, lost] = [
    await migrationFolder(items),
    await migrationFolder(items),
    await migrationFolder(items),
  ];
  await rm(join(noJournal, 'meta'), { recursive: true });
  await writeFile(join(torn, 'meta', '_journal.json'), '{ "entries": [<<<<<<< HEAD');
  await rm(join(lost, '0000_items.sql'));
  return [
    { id: 'missing', migrations: join(folder, 'nowhere') },
    { id: 'empty', migrations: await temporaryFolder() },
    { id: 'no-journal', migrations: noJournal },
    { id: 'torn-journal', migrations: torn },
    { id: 'lost-file', migrations: lost },
    { id: 'no-folder', migrations: join(folder, '0000_items.sql') },
  ];
}

/** A boot that fails without having waited, which it would do for a minute. */
async function refusalOf(pool: string) {
  const { boot, recording } = bootUnderTest({
    pool,
    plugins: [{ id: 'a', migrations: await migrationFolder(items) }],
  });
  boot.once('boot.waiting', () => void boot.stop('it waits'));
  const error = await failureOf(boot.start());
  expect(recording.lines('boot.waiting')).toEqual([]);
  return error;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  probe.close();
  await once(probe, 'close');
  return port;
}
