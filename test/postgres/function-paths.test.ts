import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import type { BootError } from '../../src/core/errors.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { findFunctionPaths } from '../../src/postgres/sql/function-paths.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import type { Survey } from '../../src/postgres/survey/survey.ts';
import type { PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { useDatabase, type Database } from '../support/database.ts';
import {
  coded,
  errorOf,
  migrateOptions,
  pluginWith,
  takeSurvey,
  type SurveyChanges,
} from './migration-fixture.ts';

const db = useDatabase();

const body = '$$ begin insert into notes values (1); return new; end $$';
const noting = (clause: string): string =>
  `create function note() returns trigger language plpgsql ${clause} as ${body};`;

async function look(
  database: Database,
  plugin: PluginMigrations,
  options: SurveyChanges = {},
): Promise<Survey> {
  const { signal } = new AbortController();
  return withPinnedClient(database.pool(), { clock: systemClock, signal }, (client) =>
    takeSurvey(client, [plugin], options),
  );
}

describe('a path that a function sets for itself', () => {
  test.each<[sql: string, name: string, clause: string, schemas: readonly string[], line: number]>([
    [`\n${noting('SET  search_path = Public')}`, 'note', 'SET search_path = Public', ['public'], 2],
    [
      `create or replace procedure a."No""te"() language sql as $$ select 1 $$\n set search_path to "A b", 'c''d', pg_temp`,
      'No"te',
      `set search_path to "A b", 'c''d', pg_temp`,
      ['A b', "c'd", 'pg_temp'],
      2,
    ],
    ['alter function f(int) set search_path = x', 'f', 'set search_path = x', ['x'], 1],
    [
      `create function f() returns int language sql set schema 'x' as $$ select 1 $$`,
      'f',
      `set schema 'x'`,
      ['x'],
      1,
    ],
    [
      'create function f() returns void language plpgsql as $$ begin\n set local search_path to x; end $$',
      'f',
      'set local search_path to x',
      ['x'],
      2,
    ],
    [
      `create function f() returns void language plpgsql as $$ begin perform set_config('search_path', 'x, "Y"', true); end $$`,
      'f',
      `set_config('search_path', 'x, "Y"')`,
      ['x', 'Y'],
      1,
    ],
    [
      'do $do$ begin create function f() returns int language sql set search_path = x as $$ select 1 $$; end $do$',
      'f',
      'set search_path = x',
      ['x'],
      1,
    ],
    [
      `select 1;--> statement-breakpoint\n${noting(`set search_path = ''`)}`,
      'note',
      `set search_path = ''`,
      [''],
      2,
    ],
  ])('is found: %j', (sql, name, clause, schemas, line) => {
    expect(findFunctionPaths(new SqlText(sql))).toMatchObject([{ name, clause, schemas, line }]);
  });

  test.each([
    noting('set search_path from current'),
    noting('set search_path to default'),
    noting(`set work_mem = '1MB'`),
    `insert into log values ('create function f() set search_path = x')`,
    '-- create function f() set search_path = x\nselect 1',
    'alter function f() reset search_path',
    'alter function f() set schema x',
    'alter table t set schema x',
    'set local search_path = x',
  ])('is none in %j', (sql) => {
    expect(findFunctionPaths(new SqlText(sql))).toEqual([]);
  });
});

describe('the survey', () => {
  const hint = expect.stringContaining('SET search_path FROM CURRENT') as unknown;
  const found = {
    code: 'MIGRATION_FUNCTION_PATH',
    plugin: 'a',
    file: '0000_a.sql',
    line: 1,
    column: 57,
    message:
      'a: line 1 of 0000_a.sql has set search_path = public in function note, which leads out of its schema',
    hint,
  };

  test('warns of one in a pending file, and makes it a problem on request', async () => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('a', { '0000_a': noting('set search_path = public') });
    const { plugins, problems } = await look(fresh, plugin);
    expect(plugins[0]?.warnings).toEqual([found]);
    expect(problems).toEqual([]);
    const strict = await look(fresh, plugin, { functionSearchPath: 'error' });
    expect(strict.plugins[0]?.warnings).toEqual([]);
    expect(strict.problems).toEqual([found]);
    await migratePlugin(fresh.pool(), plugin, migrateOptions());
    expect((await look(fresh, plugin)).plugins[0]?.warnings).toEqual([]);
  });

  test.each([`''`, 'plugin_a', 'pg_catalog, pg_temp', '"plugin_a", ext, pg_temp'])(
    'says nothing about %s, which leads nowhere else',
    async (path) => {
      const fresh = await db.fresh();
      await fresh.query('create schema ext; create extension citext schema ext');
      const plugin = await pluginWith('a', { '0000_a': noting(`set search_path = ${path}`) });
      expect((await look(fresh, plugin)).plugins[0]?.warnings).toEqual([]);
    },
  );

  test("says nothing about public in the host's own files", async () => {
    const fresh = await db.fresh();
    const host = await pluginWith('host', { '0000_a': noting('set search_path = public') });
    const inPublic = { ...host, schema: 'public', historySchema: 'drizzle' };
    expect((await look(fresh, inPublic)).plugins[0]?.warnings).toEqual([]);
  });
});

describe('what a migration function sends', () => {
  const plugin = coded('a', { a: (client) => client.query(noting('set search_path = public')) });

  test('is warned of when it is sent', async () => {
    const options = migrateOptions();
    await migratePlugin((await db.fresh()).pool(), plugin, options);
    const message =
      'a: line 1 of a has set search_path = public in function note, which leads out of its schema';
    expect(options.told).toContainEqual({ type: 'boot.warning', plugin: 'a', message });
  });

  test('is refused on request', async () => {
    const fresh = await db.fresh();
    const options = migrateOptions({ migrations: { functionSearchPath: 'error' } });
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, options));
    expect(error).toMatchObject({ code: 'MIGRATION_FUNCTION_PATH', plugin: 'a' });
    const { rows } = await fresh.query(`select to_regnamespace('plugin_a') as schema`);
    expect(rows).toEqual([{ schema: null }]);
  });
});

describe('what such a function misses', () => {
  const notes = 'create table notes (id int); create table items (id int);';
  const trigger = 'create trigger t before insert on items for each row execute function note();';
  const add = 'insert into items values (1);';
  const failWith = async (files: Readonly<Record<string, string>>): Promise<BootError> => {
    const plugin = await pluginWith('a', files);
    const failing = migratePlugin((await db.fresh()).pool(), plugin, migrateOptions());
    return (await errorOf(failing)) as BootError;
  };
  const advice =
    'Function note has set search_path = public, and looks for notes there. Write SET search_path FROM CURRENT,';

  test('is told with the function and its path, also when it came with the same file', async () => {
    const made = notes + noting('set search_path = public') + trigger;
    const together = await failWith({ '0000_a': `${made}--> statement-breakpoint\n${add}` });
    expect(together).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState: '42P01' } });
    expect(together.hint).toContain(advice);
    const later = await failWith({ '0000_a': made, '0001_b': add });
    expect(later.hint).toContain(advice.replace('set search', 'SET search'));
  });

  test('is told for functions that it calls, too', async () => {
    const error = await failWith({
      '0000_a': `create function one() returns int language sql as 'select 1';
        create function f() returns int language plpgsql set search_path = public as 'begin return one(); end';
        select f()`,
    });
    expect(error.database?.sqlState).toBe('42883');
    expect(error.hint).toContain(
      'Function f has set search_path = public, and looks for one there',
    );
  });

  test('is told as ever when the path leads to the plugin', async () => {
    const made = notes + noting('set search_path from current') + trigger;
    const drop = 'drop table notes;--> statement-breakpoint\n';
    expect((await failWith({ '0000_a': made, '0001_b': drop + add })).hint).not.toContain(
      'Function note',
    );
  });
});
