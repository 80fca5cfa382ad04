import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { definePlugin, formatBootError, sqlFiles } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, temporaryFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('a boot', () => {
  test('migrates plugins from every source, and the host with functions', async () => {
    const { url, query } = await db.fresh();
    const folder = await temporaryFolder();
    await writeFile(join(folder, '1_init.sql'), 'CREATE TABLE plain (id int);');
    const options = {
      pool: url,
      host: {
        migrations: [
          { name: 'shared', run: (client) => client.query('CREATE TABLE shared (id int)') },
        ],
      },
      plugins: [
        { id: 'a', migrations: await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' }) },
        { id: 'b', migrations: sqlFiles(folder) },
        definePlugin({
          id: 'c',
          migrations: [{ name: 'c', run: (client) => client.query('CREATE TABLE c (id int)') }],
        }),
      ],
    } satisfies Parameters<typeof bootUnderTest>[0];
    const { boot, recording } = bootUnderTest(options);
    await boot.start();
    expect(
      recording.events.flatMap((event) =>
        event.type === 'plugin.migrate.planned' ? [[event.plugin, ...event.pending]] : [],
      ),
    ).toEqual([
      ['host', 'shared'],
      ['a', '0000_a.sql'],
      ['b', '1_init.sql'],
      ['c', 'c'],
    ]);
    const { rows } = await query(
      `select schemaname || '.' || tablename as name from pg_tables
       where schemaname = any('{public,plugin_a,plugin_b,plugin_c}') and tablename not like '\\_%' order by 1`,
    );
    expect(rows.map(({ name }) => name as string)).toEqual([
      'plugin_a.a',
      'plugin_b.plain',
      'plugin_c.c',
      'public.shared',
    ]);
    await boot.stop('once more');
    const again = bootUnderTest(options);
    await again.boot.start();
    expect(again.recording.lines('plugin.migrate.started')).toEqual([]);
  });

  test('that fails in a function prints where, in the words of its author', async () => {
    const { url } = await db.fresh();
    const { boot } = bootUnderTest({
      pool: url,
      plugins: [
        {
          id: 'a',
          migrations: [{ name: 'broken', run: (client) => client.query('SELECT\n  nope') }],
        },
      ],
    });
    const text = formatBootError(await failureOf(boot.start()));
    expect(text).toContain('  file      broken, statement 1, line 2, column 3');
    expect(text).toContain('2 |   nope\n        |   ^');
  });

  test('whose function never ends is down when its time is up', async () => {
    const { url, query } = await db.fresh();
    const { boot } = bootUnderTest({
      pool: url,
      stop: { total: '300ms' },
      plugins: [
        {
          id: 'a',
          migrations: [
            {
              name: 'endless',
              run: async (client) => {
                await client.query('CREATE TABLE never (id int)');
                void boot.stop('test');
                await new Promise(() => undefined);
              },
            },
          ],
        },
      ],
    });
    expect(await failureOf(boot.start())).toMatchObject({ code: 'BOOT_CANCELED' });
    const { rows } = await query(`select to_regnamespace('plugin_a') as found`);
    expect(rows).toEqual([{ found: null }]);
  });
});
