import { describe, expect, test } from 'vitest';
import type { BootError } from '../../src/core/errors.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith } from './migration-fixture.ts';

const db = useDatabase();

describe('a failing file', () => {
  const broken = {
    '0000_init': 'create table t (id int);',
    '0001_broken': [
      '-- größe 😀',
      `insert into t values (1);`,
      '--> statement-breakpoint',
      `alter table "public"."t" add name text default '😀ö',`,
      '  add other serrial;',
    ].join('\n'),
    '0002_later': 'create table later (id int);',
  };

  test('is told with its statement, line and column, and what is kept', async () => {
    const failing = await pluginWith('failing', broken);
    const error = (await errorOf(migratePlugin(db.pool(), failing, migrateOptions()))) as BootError;

    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      plugin: 'failing',
      phase: 'migrateAll',
      message:
        'failing could not be migrated: 0001_broken.sql, statement 2 of 2: type "serrial" does not exist',
      position: { file: '0001_broken.sql', statement: 2, statements: 2, line: 5, column: 13 },
      database: { sqlState: '42704' },
      hint: 'Correct 0001_broken.sql and start again. Nothing of 0001_broken.sql was kept; 0000_init.sql is committed and stays.',
      cause: { code: '42704' },
    });
    expect(error.position?.excerpt).toBe(
      [
        '  3 | --> statement-breakpoint',
        `  4 | alter table "public"."t" add name text default '😀ö',`,
        '  5 |   add other serrial;',
        '    |             ^',
      ].join('\n'),
    );
    const { rows } = await db.query('select * from plugin_failing.t');
    expect(rows).toEqual([]);
  });

  test('accuses no command when several were sent at once and PostgreSQL names no place', async () => {
    const failing = await pluginWith('several', {
      '0000_a': 'create table b (id int);\nalter table aa add column x int;',
    });
    const error = (await errorOf(migratePlugin(db.pool(), failing, migrateOptions()))) as BootError;
    expect(error.position).toEqual({
      file: '0000_a.sql',
      statement: 1,
      statements: 1,
      line: 1,
      column: 1,
    });
    expect(error.hint).toContain(
      'PostgreSQL does not say which of the 2 commands of this statement failed',
    );
  });

  test('points behind a rewritten name, in the file as it was written', async () => {
    const failing = await pluginWith('rewritten', {
      '0000_init': `create type "public"."s" as enum ('a'); create table "public"."o" (s "public"."s", x nope)`,
    });
    const { position } = (await errorOf(
      migratePlugin(db.pool(), failing, migrateOptions()),
    )) as BootError;
    const text = failing.files[0]?.sql.text ?? '';
    expect(position).toMatchObject({ line: 1, column: text.indexOf('nope') + 1 });
  });

  test('points at its first SQL when PostgreSQL names no place', async () => {
    const failing = await pluginWith('placeless', {
      '0000_init': `-- a comment\n\n  do $$ begin raise exception 'no' using detail = 'because', hint = 'do it'; end $$;`,
    });
    expect(await errorOf(migratePlugin(db.pool(), failing, migrateOptions()))).toMatchObject({
      position: { line: 3, column: 3 },
      database: { sqlState: 'P0001', detail: 'because', hint: 'do it' },
    });
  });

  test('is applied once it is corrected, and what was committed is not run again', async () => {
    const pool = db.pool();
    await errorOf(migratePlugin(pool, await pluginWith('healed', broken), migrateOptions()));
    const healed = await pluginWith('healed', {
      ...broken,
      '0001_broken': 'alter table t add x int',
    });
    expect(await migratePlugin(pool, healed, migrateOptions())).toEqual({
      status: 'done',
      applied: ['0001_broken.sql', '0002_later.sql'],
    });
  });

  test('that violates a deferred constraint fails at COMMIT and is not kept', async () => {
    const deferred = await pluginWith('deferred', {
      '0000_init': [
        'create table a (id int primary key, b int references a deferrable initially deferred);',
        'insert into a values (1, 2);',
      ].join('--> statement-breakpoint\n'),
    });
    expect(await errorOf(migratePlugin(db.pool(), deferred, migrateOptions()))).toMatchObject({
      code: 'MIGRATION_FAILED',
      database: { sqlState: '23503' },
      position: { file: '0000_init.sql' },
    });
    const { rows } = await db.query(`select 1 from pg_namespace where nspname = 'plugin_deferred'`);
    expect(rows).toEqual([]);
  });

  test.each([
    ['COMMIT', 'commit;', { statement: 2 }],
    ['ROLLBACK', 'rollback;', { statement: 2 }],
    ['COMMIT and a new BEGIN', 'commit; begin;', {}],
  ])('that says %s is found out, and is not in the history', async (_, sql, place) => {
    const id = `ends_${sql.length}`;
    const ends = await pluginWith(id, {
      '0000_init': 'create table t (id int);',
      '0001_ends': `create table u (id int);--> statement-breakpoint\n${sql}`,
    });
    const error = await errorOf(migratePlugin(db.pool(), ends, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { file: '0001_ends.sql', ...place },
      hint: expect.stringMatching(
        /^Remove BEGIN, COMMIT.*look at the schema before you start again\.$/,
      ) as unknown,
    });
    expect(error.message).toMatch(/transaction .* was ended by the file/);
    const { rowCount } = await db.query(`select 1 from plugin_${id}.__drizzle_migrations`);
    expect(rowCount).toBe(1);
  });

  test('that leaves the schema is found out, and not kept', async () => {
    const stray = await pluginWith('stray', {
      '0000_init': 'create table t (id int);--> statement-breakpoint\nset search_path = public;',
    });
    const error = await errorOf(migratePlugin(db.pool(), stray, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_WRONG_SCHEMA',
      plugin: 'stray',
      hint: expect.stringContaining('Remove SET search_path') as unknown,
    });
    expect(error.message).toContain('schema public, not plugin_stray');
    const { rows } = await db.query(`select 1 from pg_namespace where nspname = 'plugin_stray'`);
    expect(rows).toEqual([]);
  });
});
