import { describe, expect, test } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import {
  first,
  lines,
  mark,
  mixed,
  repairNames,
  run,
  runs,
  survey,
  tables,
  write,
} from './command-fixture.ts';
import { errorOf, migrateOptions, pluginWith } from './migration-fixture.ts';

const db = useDatabase();

describe('a file of several commands without a transaction', () => {
  test('runs them one by one, and leaves nothing but its row in the history', async () => {
    const fresh = await db.fresh();
    await run(fresh, first);
    await repairNames(fresh);
    const told = await run(fresh, mixed);
    expect(lines(told)).toEqual([
      '0001_mixed.sql of 5',
      '1 of 5, line 2: INSERT INTO',
      '2 of 5, line 3: CREATE INDEX CONCURRENTLY',
      '3 of 5, line 4: CREATE UNIQUE INDEX CONCURRENTLY',
      '4 of 5, line 5: INSERT INTO',
      '5 of 5, line 6: ALTER TABLE',
    ]);
    expect(await runs(fresh)).toEqual([1, 4]);
    expect(await tables(fresh)).toEqual(['__drizzle_migrations', 'items', 'runs']);
    const { rowCount } = await fresh.query('select from plugin_a.__drizzle_migrations');
    expect(rowCount).toBe(2);
  });

  test('that fails says which command of how many, what stays, and where the next start goes on', async () => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('a', mixed);
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      database: { sqlState: '23505' },
      position: { file: '0001_mixed.sql', statement: 3, statements: 5, line: 4, column: 1 },
    });
    const { hint = '' } = error as { readonly hint?: string };
    expect(hint).toContain(
      'Commands 1 to 2 of 0001_mixed.sql are done and stay, so leave their text as it is; the next start goes on at command 3 of 5, and handles what is left of it; 0000_items.sql is committed and stays.',
    );

    const { unfinished, pending, problems } = (await survey(fresh, plugin)).plugins[0] ?? {};
    expect([...(unfinished ?? [])]).toEqual([[pending?.[0], 2]]);
    expect(problems).toEqual([]);
    await repairNames(fresh);
    const options = migrateOptions();
    await migratePlugin(fresh.pool(), plugin, options);
    expect(lines(options.told)).toEqual([
      '0001_mixed.sql of 5 from 3',
      '3 of 5, line 4: CREATE UNIQUE INDEX CONCURRENTLY',
      '4 of 5, line 5: INSERT INTO',
      '5 of 5, line 6: ALTER TABLE',
    ]);
    expect(await runs(fresh)).toEqual([1, 4]);
    expect(await tables(fresh)).toEqual(['__drizzle_migrations', 'items', 'runs']);
  });

  test('keeps nothing of an ordinary command that fails', async () => {
    const fresh = await db.fresh();
    const files = {
      ...first,
      '0001_mixed': write(['insert into runs values (1)', 'insert into runs values (2), (0 / 0)']),
    };
    const plugin = await pluginWith('a', files);
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({
      hint: expect.stringContaining('goes on at command 2 of 2; 0000') as unknown,
    });
    expect(await runs(fresh)).toEqual([1]);
    await run(fresh, {
      ...files,
      '0001_mixed': write(['insert into runs values (1)', 'insert into runs values (2)']),
    });
    expect(await runs(fresh)).toEqual([1, 2]);
  });

  test('may change the path in a function, and says then where it goes on', async () => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('a', {
      ...first,
      '0001_mixed': write([
        'insert into runs values (1)',
        `do $$ begin execute 'set search_path = public'; end $$`,
        'insert into runs values (3)',
      ]),
    });
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_WRONG_SCHEMA',
      hint: expect.stringContaining('goes on at command 2 of 3') as unknown,
    });
    expect(await runs(fresh)).toEqual([1]);
  });

  test('whose connection breaks goes on in the next one', async () => {
    const fresh = await db.fresh();
    const files = (second: string) => ({
      ...first,
      '0001_mixed': write(['insert into runs values (1)', second, 'insert into runs values (3)']),
    });
    const ending = `do $$ begin execute 'select pg_terminate_backend(pg_backend_pid())'; end $$`;
    const plugin = await pluginWith('a', files(ending));
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_CONNECTION_LOST',
      hint: expect.stringContaining('goes on at command 2 of 3') as unknown,
    });
    await run(fresh, files('select 2'));
    expect(await runs(fresh)).toEqual([1, 3]);
  });

  test('sends its commands one after the other where a pooler could read them', async () => {
    const fresh = await db.fresh();
    await run(fresh, first);
    await repairNames(fresh);
    await run(fresh, mixed, { isDirect: false });
    expect(await runs(fresh)).toEqual([1, 4]);
    expect(await tables(fresh)).toEqual(['__drizzle_migrations', 'items', 'runs']);
  });

  test('makes nothing outside of its schema', async () => {
    const fresh = await db.fresh();
    const sql = write(['insert into runs values (1)', 'create table public.stray (id int)']);
    const plugin = await pluginWith('a', { ...first, '0001_mixed': sql });
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_STRAY_OBJECTS',
      hint: expect.stringContaining('goes on at command 2 of 2') as unknown,
    });
    const { rows } = await fresh.query(`select to_regclass('public.stray') as stray`);
    expect(rows).toEqual([{ stray: null }]);
  });

  test('needs no mark when none of its commands can run in a transaction', async () => {
    const fresh = await db.fresh();
    await run(fresh, {
      ...first,
      '0001_index': `set statement_timeout = 0;
        create index concurrently items_id on items (id); vacuum items; reset statement_timeout`,
    });
    expect(await tables(fresh)).toEqual(['__drizzle_migrations', 'items', 'runs']);
  });

  test('has only one command to remember, and makes no table for it', async () => {
    const fresh = await db.fresh();
    const made: unknown[] = [];
    await fresh.query(`create table public.made (tag text);
      create function public.note() returns event_trigger language plpgsql as $$
        begin insert into public.made values (tg_tag); end $$;
      create event trigger note on ddl_command_start when tag in ('CREATE TABLE') execute function public.note()`);
    await run(fresh, { '0000_vacuum': `${mark}vacuum pg_class` });
    made.push(...(await fresh.query('select from public.made')).rows);
    // The history.
    expect(made).toHaveLength(1);
  });

  test('sets its session again when it goes on in another one', async () => {
    const setting = (value: string): string => `set slipway_test.value = '${value}'`;
    const insert = `insert into runs select current_setting('slipway_test.value')::int`;
    const failing = 'select 1 / 0';
    const fresh = await db.fresh();
    const files = (last: string, value: string) => ({
      ...first,
      '0001_mixed': write([setting('1'), insert, setting(value), last]),
    });
    await errorOf(
      migratePlugin(fresh.pool(), await pluginWith('a', files(failing, '2')), migrateOptions()),
    );
    // Settings are not remembered: they may be changed.
    const told = await run(fresh, files(insert, '3'));
    expect(lines(told)).toEqual([
      '0001_mixed.sql of 4 from 4',
      '1 of 4, line 2: SET',
      '3 of 4, line 4: SET',
      '4 of 4, line 5: INSERT INTO',
    ]);
    expect(await runs(fresh)).toEqual([1, 3]);
  });

  test('runs a command alone that only PostgreSQL knows to refuse a transaction', async () => {
    const fresh = await db.fresh();
    const told = await run(fresh, {
      '0000_runs': `create table runs (command int);
        create function refuse() returns void language plpgsql as $$ begin
          if pg_current_xact_id_if_assigned() is not null then raise 'no transaction' using errcode = '25001'; end if;
          insert into runs values (1); end $$`,
      '0001_mixed': write(['select refuse()', 'insert into runs values (2)']),
    });
    expect(await runs(fresh)).toEqual([1, 2]);
    expect(told.filter(({ type }) => type === 'plugin.migrate.retrying')).toMatchObject([
      { attempt: 1, nextInMs: 0 },
    ]);
  });

  test('tries the one command again that met a lock, and not those before it', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    await run(fresh, first);
    await repairNames(fresh);
    const reader = await pool.connect();
    await reader.query('begin; select from plugin_a.items');
    const files = {
      ...first,
      '0001_mixed': write([
        'insert into runs values (1)',
        'insert into runs values (2)',
        'alter table items add column price int',
        'alter table runs add column price int',
      ]),
    };
    const told: UnstampedEvent[] = [];
    await run(fresh, files, {
      migrations: { ddlLockTimeout: '20ms' },
      emit: (news) => {
        told.push(news);
        if (news.type !== 'plugin.migrate.retrying') return;
        const isFirst = told.filter(({ type }) => type === news.type).length === 1;
        const next = isFirst ? '; begin; lock table plugin_a.runs in access share mode' : '';
        void reader.query(`rollback${next}`).then(() => isFirst || reader.release());
      },
    });
    expect(told.filter(({ type }) => type === 'plugin.migrate.retrying')).toMatchObject([
      { file: '0001_mixed.sql', attempt: 1 },
      // Each command has attempts of its own.
      { file: '0001_mixed.sql', attempt: 1 },
    ]);
    expect(lines(told).slice(3)).toEqual([
      '3 of 4, line 4: ALTER TABLE',
      '0001_mixed.sql of 4 from 3',
      '3 of 4, line 4: ALTER TABLE',
      '4 of 4, line 5: ALTER TABLE',
      '0001_mixed.sql of 4 from 4',
      '4 of 4, line 5: ALTER TABLE',
    ]);
    expect(await runs(fresh)).toEqual([1, 2]);
  });

  test('may set a lock_timeout of its own', async () => {
    const fresh = await db.fresh();
    const seen = `insert into runs select extract(epoch from current_setting('lock_timeout')::interval)`;
    await run(fresh, {
      ...first,
      '0001_own': write([seen, `set lock_timeout = '7s'`, seen]),
      '0002_ours': write([seen, seen]),
    });
    expect(await runs(fresh)).toEqual([1, 1, 1, 7]);
  });
});
