import { describe, expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import type { PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { useDatabase } from '../support/database.ts';
import {
  commands,
  first,
  lines,
  mark,
  mixed,
  repairNames,
  run,
  runs,
  stopped,
  survey,
  tables,
  write,
} from './command-fixture.ts';
import { errorOf, migrateOptions, pluginWith, takeSurvey } from './migration-fixture.ts';

const db = useDatabase();

describe('an unfinished file', () => {
  test('goes on when later commands were repaired, and settings or comments were added', async () => {
    const fresh = await stopped(db);
    const told = await run(fresh, {
      ...first,
      '0001_mixed': `${mark}set statement_timeout = 0;\n${commands.slice(0, 2).join('; -- done\n')};
        delete from items where id = 1;
        create unique index concurrently items_name on items (name);
        insert into runs values (4)`,
    });
    expect(lines(told)[0]).toBe('0001_mixed.sql of 6 from 4');
    expect(await runs(fresh)).toEqual([1, 4]);
    expect(await tables(fresh)).not.toContain('__slipway_unfinished');
  });

  test('is a problem when a command was changed that has run, in the survey and under the lock', async () => {
    const fresh = await stopped(db);
    const edited = await pluginWith('a', {
      ...first,
      '0001_mixed': write([commands[0] ?? '', commands[1]?.replace('items_id', 'items_key') ?? '']),
    });
    const problem = {
      code: 'MIGRATION_EDITED',
      plugin: 'a',
      file: '0001_mixed.sql',
      message:
        'a: command 2 of 0001_mixed.sql was changed after it had run, and the file is unfinished',
      line: 3,
      column: 1,
      hint: expect.stringContaining(
        'Restore the first 2 commands of 0001_mixed.sql as they ran',
      ) as unknown,
    };
    expect((await survey(fresh, edited)).problems).toMatchObject([problem]);
    expect((await survey(fresh, edited, { willApply: false })).problems).toEqual([]);
    const error = await errorOf(migratePlugin(fresh.pool(), edited, migrateOptions()));
    expect(error).toMatchObject({ code: 'MIGRATION_EDITED' });
    expect(await runs(fresh)).toEqual([1]);
    await repairNames(fresh);
    await run(fresh, mixed);
    expect(await runs(fresh)).toEqual([1, 4]);
  });

  test('is a problem when it lacks a command that has run, or is a function now', async () => {
    const fresh = await stopped(db);
    const shorter = await pluginWith('a', { ...first, '0001_mixed': write(commands.slice(0, 1)) });
    expect((await survey(fresh, shorter)).problems).toMatchObject([
      { message: expect.stringContaining('command 2 of 0001_mixed.sql has run') as unknown },
    ]);
    const { files } = shorter;
    const [items, { name, historyName, when, hash, format } = { name: '' }] = files;
    const code = { name, historyName, when, hash, format, run: () => undefined, transaction: true };
    const functions = { ...shorter, files: [items, code] } as unknown as PluginMigrations;
    expect((await survey(fresh, functions)).problems).toMatchObject([
      { message: expect.stringContaining('command 1 of 0001_mixed.sql has run') as unknown },
    ]);
  });

  test('that has lost the rest of its commands is finished by its row', async () => {
    const fresh = await stopped(db);
    const told = await run(fresh, { ...first, '0001_mixed': write(commands.slice(0, 2)) });
    expect(lines(told)).toEqual(['0001_mixed.sql of 2']);
    expect(await runs(fresh)).toEqual([1]);
    expect(await tables(fresh)).not.toContain('__slipway_unfinished');
  });

  test('goes on although its mark is gone, and is refused through a pooler', async () => {
    const fresh = await stopped(db);
    const [one = '', two = ''] = commands;
    const files = { ...first, '0001_mixed': `${one};${two};` };
    const plugin = await pluginWith('a', { ...first, '0001_mixed': `${one}; select 1` });
    await fresh.query('delete from plugin_a.__slipway_unfinished where command = 2');
    const client = await fresh.pool().connect();
    const pooled = { query: client.query.bind(client), processID: 1 };
    const { problems } = await takeSurvey(pooled, [plugin]);
    client.release();
    expect(problems).toMatchObject([{ code: 'POOLER_UNSUPPORTED', file: '0001_mixed.sql' }]);
    const told = await run(fresh, {
      ...files,
      '0001_mixed': `${one}; insert into runs values (4)`,
    });
    expect(lines(told)[0]).toBe('0001_mixed.sql of 2 from 2');
    expect(await runs(fresh)).toEqual([1, 4]);
  });

  test('is found under another name by the commands that have run', async () => {
    const fresh = await stopped(db);
    await repairNames(fresh);
    const told = await run(fresh, { ...first, '0001_renamed': write(commands) });
    expect(lines(told)[0]).toBe('0001_renamed.sql of 5 from 3');
    expect(await runs(fresh)).toEqual([1, 4]);
    expect(await tables(fresh)).not.toContain('__slipway_unfinished');
  });

  test('that the folder lacks is a database that is ahead', async () => {
    const fresh = await stopped(db);
    const older = await pluginWith('a', first);
    const ahead = {
      code: 'MIGRATION_DATABASE_AHEAD',
      message: expect.stringContaining('an unfinished file that the folder lacks') as unknown,
    };
    const [plugin] = (await survey(fresh, older)).plugins;
    expect(plugin).toMatchObject({ problems: [], warnings: [ahead] });
    expect((await survey(fresh, older, { ahead: 'error' })).problems).toMatchObject([ahead]);
    await run(fresh, { ...first, '0002_other': write(['select 1', 'select 2']) });
    expect(await tables(fresh)).toContain('__slipway_unfinished');
    await repairNames(fresh);
    await run(fresh, { ...first, '0002_other': write(['select 1', 'select 2']), ...mixed });
    expect(await tables(fresh)).not.toContain('__slipway_unfinished');
  });

  test('costs the survey no further message', async () => {
    const fresh = await stopped(db);
    const client = await fresh.pool().connect();
    let sent = 0;
    const counting = Object.assign(Object.create(client) as typeof client, {
      query: (...query: Parameters<typeof client.query>) => {
        sent += 1;
        return client.query(...query);
      },
    });
    const plugin = await pluginWith('a', mixed);
    const { plugins } = await takeSurvey(counting, [plugin], { willApply: false });
    client.release();
    expect(plugins[0]?.unfinished?.size).toBe(1);
    // The two, and that of an upgrade.
    expect(sent).toBe(3);
  });

  test('of another owner is found before anything is changed', async () => {
    const fresh = await stopped(db);
    const plugin = await pluginWith('a', mixed);
    const role = `slipway_commands_${process.pid}`;
    await fresh.query(`create role ${role} login; grant usage, create on schema plugin_a to ${role};
      grant select, insert on all tables in schema plugin_a to ${role}; grant usage on all sequences in schema plugin_a to ${role}`);
    const client = await fresh.pool().connect();
    try {
      await client.query(`set role ${role}`);
      const { problems } = await takeSurvey(client, [plugin]);
      expect(problems).toMatchObject([
        {
          code: 'DATABASE_PRIVILEGE',
          hint: `ALTER TABLE "plugin_a"."__slipway_unfinished" OWNER TO "${role}";`,
        },
      ]);
    } finally {
      client.release(true);
      await fresh.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
