import { expect, test } from 'vitest';
import { startPostgres } from 'slipway/testing';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';
import { startProxy } from '../support/proxy.ts';
import { TestDatabase } from '../support/test-database.ts';

const bootUnderTest = useBoots();

const table = (name: string): string => `CREATE TABLE ${name} (id int);`;

test('after migrations.durable a crash of the server takes nothing back', async () => {
  // The settings keep the server from writing its log by itself too soon.
  const settings = { wal_writer_delay: '10s', checkpoint_timeout: '1h', bgwriter_delay: '10s' };
  await using server = await startPostgres({ from: 'local', settings });
  const database = new TestDatabase(server.url);
  await database.create();
  const ids = ['auth', 'catalog', 'search'];
  const pool = database.pool();
  const isOnDisk: unknown[] = [];
  // The end of the log when the last migration ran is before that of its COMMIT, which is before the end that is read here.
  const init = async (): Promise<void> => {
    const { rows } = await pool.query<{ ok: boolean }>(
      'select pg_current_wal_flush_lsn() >= max(lsn) as ok from plugin_search.seen',
    );
    isOnDisk.push(rows[0]?.ok);
  };
  const plugins = await alikePlugins(['auth', 'catalog'], {
    '0000_a': table('a'),
    '0001_b': table('b'),
  });
  const last = {
    id: 'search',
    after: ['auth', 'catalog'],
    migrations: await migrationFolder({
      '0000_a': table('a'),
      '0001_b': 'CREATE TABLE seen AS SELECT pg_current_wal_insert_lsn() AS lsn;',
    }),
    init,
  };
  const { boot } = bootUnderTest({ pool, plugins: [...plugins, last] });
  await boot.start();
  await server.kill();
  await server.restart();
  await boot.stop();
  expect(isOnDisk).toEqual([true]);
  const { rows } = await database.query<{ schema: string; files: number }>(
    ids
      .map(
        (id) =>
          `select '${id}' as schema, count(*)::int as files from plugin_${id}.__drizzle_migrations`,
      )
      .join(' union all '),
  );
  expect(rows).toEqual(ids.map((schema) => ({ schema, files: 2 })));
  await database.expectNoLeak();
});

test.each([
  ['all files are', { '0000_a': table('a'), '0001_b': table('b') }, 2],
  [
    'the file behind one that has waited is',
    {
      '0000_a': table('a'),
      '0001_b': `-- slipway: no-transaction\n${table('b')}`,
      '0002_c': table('c'),
    },
    1,
  ],
])(
  'a server that crashes before the flush and is back fails the boot: %s gone, and no init sees that',
  async (_, files, gone) => {
    const settings = { wal_writer_delay: '10s', checkpoint_timeout: '1h', bgwriter_delay: '10s' };
    await using server = await startPostgres({ from: 'local', settings });
    const database = new TestDatabase(server.url);
    await database.create();
    await using proxy = await startProxy(database.url);
    const plugins = [
      { id: 'auth', migrations: await migrationFolder(files), init: () => undefined },
    ];
    const pool = database.pool({ connectionString: proxy.url });
    const { boot, recording } = bootUnderTest({ pool, plugins });
    boot.once('migrations.flushing', () => proxy.blackHole());
    const flushing = new Promise<void>((resolve) => {
      boot.once('migrations.flushing', () => resolve());
    });
    const failure = failureOf(boot.start());
    await flushing;
    await server.kill();
    await server.restart();
    proxy.reset();
    await proxy.restore();
    const error = await failure;
    expect(error).toMatchObject({ code: 'MIGRATION_CONNECTION_LOST', phase: 'migrateAll' });
    expect(error.message).toContain('PostgreSQL no longer has migrations of auth');
    expect(recording.lines('plugin.init.started')).toEqual([]);
    const again = bootUnderTest({ pool: database.url, plugins });
    await again.boot.start();
    expect(again.recording.lines('plugin.migrate.applied')).toHaveLength(gone);
    await again.boot.stop();
    await database.expectNoLeak();
  },
);
