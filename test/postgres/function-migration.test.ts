import { describe, expect, test } from 'vitest';
import type { BootError } from '../../src/core/errors.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { expectNothingOf, historyOf, items, type Run } from './function-fixture.ts';
import { coded, errorOf, migrateOptions, pluginWith, takeSurvey } from './migration-fixture.ts';

const db = useDatabase();

describe('a migration that is a function', () => {
  test('runs in the schema of its plugin, once, and its history knows it by name', async () => {
    const plugin = coded('once', {
      items,
      rows: async (client, { schema, signal }) => {
        expect([schema, signal.aborted]).toEqual(['plugin_once', false]);
        await client.query('insert into items values ($1, $2), (2, null)', [1, schema]);
        const { rows } = await client.query('select id, name from items where id = $1', [1]);
        expect(rows).toEqual([{ id: 1, name: 'plugin_once' }]);
      },
    });
    const options = migrateOptions();
    expect(await migratePlugin(db.pool(), plugin, options)).toEqual({
      status: 'done',
      applied: ['items', 'rows'],
    });
    expect(await migratePlugin(db.pool(), plugin, migrateOptions())).toMatchObject({ applied: [] });
    expect(await historyOf(db, 'once')).toEqual(['items', 'rows']);
    const statements = options.told.filter(({ type }) => type === 'plugin.migrate.executed');
    expect(statements).toMatchObject([
      { file: 'items', statement: 1 },
      { file: 'rows', statement: 1 },
      { file: 'rows', statement: 2 },
    ]);
    expect(statements.some((statement) => 'statements' in statement)).toBe(false);
  });

  test('gets from its client what pg answers', async () => {
    const plugin = coded('answers', {
      items,
      all: async (client) => {
        expect(await client.query('insert into items values (1)')).toMatchObject({
          command: 'INSERT',
          rowCount: 1,
          rows: [],
        });
        const array = { text: 'select id, $1::text as a from items', rowMode: 'array' as const };
        expect((await client.query(array, ['x'])).rows).toEqual([[1, 'x']]);
        expect((await client.query({ text: 'select $1::int as n', values: [7] })).rows).toEqual([
          { n: 7 },
        ]);
        const several: unknown = await client.query('select 1 as a; select 2 as b -- the last');
        expect(several).toMatchObject([{ rows: [{ a: 1 }] }, { rows: [{ b: 2 }] }]);
        expect((await client.query('-- nothing')).rows).toEqual([]);
        const together = [1, 2, 3].map((n) => client.query('select $1::int as n', [n]));
        expect((await Promise.all(together)).map(({ rows }) => rows)).toEqual([
          [{ n: 1 }],
          [{ n: 2 }],
          [{ n: 3 }],
        ]);
        client.release();
        await client.query('select 1');
      },
    });
    await migratePlugin(db.pool(), plugin, migrateOptions());
  });

  test('that is added before one that is applied is out of order, one that is renamed runs again', async () => {
    const nothing: Run = () => undefined;
    await migratePlugin(db.pool(), coded('order', { a: nothing, c: nothing }), migrateOptions());
    const client = await db.pool().connect();
    const { plugins } = await takeSurvey(client, [
      coded('order', { a: nothing, b: nothing, c: nothing, d: nothing }),
    ]);
    client.release();
    expect(plugins[0]?.pending.map(({ name }) => name)).toEqual(['b', 'd']);
    expect(plugins[0]?.warnings.map(({ code }) => code)).toEqual(['MIGRATION_OUT_OF_ORDER']);
  });

  test('may not make anything outside of its schema', async () => {
    const plugin = coded('strays', {
      stray: (client) => client.query('create table public.astray (id int)'),
    });
    expect(await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()))).toMatchObject({
      code: 'MIGRATION_STRAY_OBJECTS',
      position: { file: 'stray' },
    });
    await expectNothingOf(db, 'strays');
  });

  test('waits no longer than ddlLockTimeout for a lock, and is tried again', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool();
    await migratePlugin(pool, coded('patient', { items }), migrateOptions());
    const holder = await pool.connect();
    await holder.query('begin; lock table plugin_patient.items');
    let runs = 0;
    const more: Run = async (client) => {
      runs += 1;
      await client.query('alter table items add more int').catch(() => undefined);
    };
    const options = migrateOptions({
      migrations: { ddlLockTimeout: 50 },
      emit: (news) => {
        if (news.type === 'plugin.migrate.retrying') void holder.query('rollback');
      },
    });
    expect(await migratePlugin(pool, coded('patient', { items, more }), options)).toMatchObject({
      applied: ['more'],
    });
    holder.release();
    expect(runs).toBeGreaterThan(1);
  });
});

describe('a function that fails', () => {
  test('in a statement is told with the statement, and nothing of it is kept', async () => {
    const plugin = coded('failing', {
      items,
      broken: async (client) => {
        await client.query('insert into items values (1)');
        await client.query('\n-- ö\nselect id,\n  nope from items');
      },
    });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: 'failing could not be migrated: broken, statement 2: column "nope" does not exist',
      position: { file: 'broken', statement: 2, line: 4, column: 3 },
      database: { sqlState: '42703' },
      hint: 'Correct broken and start again. Nothing of broken was kept; items is committed and stays.',
    });
    expect((error as BootError).position?.excerpt).toContain('4 |   nope from items\n    |   ^');
    expect((await db.query('select from plugin_failing.items')).rowCount).toBe(0);
  });

  test('in a statement with values points into that one', async () => {
    const plugin = coded('values', { a: (client) => client.query('select $1::nope', [1]) });
    expect(await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()))).toMatchObject({
      position: { file: 'a', statement: 1, line: 1, column: 12 },
      database: { sqlState: '42704' },
    });
  });

  test.each([
    ['an Error', new Error('not today'), /a: not today$/],
    ['a text', 'not today', /a: not today$/],
    ['nothing', undefined, /a: undefined$/],
    ['an object that no text can be made of', Object.create(null), /a: an object without fields$/],
    [
      'what broke the connection to something else',
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED' }),
      /a: connect ECONNREFUSED/,
    ],
    [
      'what ended the session in another database',
      Object.assign(new Error('terminating connection'), { code: '57P01' }),
      /a: terminating connection$/,
    ],
  ])('by throwing %s keeps nothing', async (_, thrown, message) => {
    const plugin = coded('throwing', {
      a: async (client, context) => {
        await items(client, context);
        throw thrown;
      },
    });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', position: { file: 'a' } });
    expect(error.message).toMatch(message);
    expect(error).not.toHaveProperty('position.statement');
    await expectNothingOf(db, 'throwing');
  });

  test('by more values than the protocol can count has not lost its connection', async () => {
    const values = Array.from({ length: 65_537 }, (_, index) => index);
    const list = values.map((index) => `($${index + 1}::int)`).join(', ');
    const plugin = coded('counting', {
      a: (client) => client.query(`select * from (values ${list}) v`, values),
    });
    expect(await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()))).toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { file: 'a', statement: 1 },
      database: { sqlState: '08P01' },
    });
    await expectNothingOf(db, 'counting');
  });

  /** PostgreSQL answers the COMMIT of an aborted transaction with a ROLLBACK, and calls it done. */
  test('in a statement and catches it has failed all the same', async () => {
    const plugin = coded('swallowing', {
      a: async (client, context) => {
        await items(client, context);
        await client.query('select nope').catch(() => undefined);
        await client.query('select 1').catch(() => undefined);
      },
    });
    expect(await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()))).toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { file: 'a', statement: 2 },
      database: { sqlState: '42703' },
    });
    await expectNothingOf(db, 'swallowing');
  });

  test('in one of several queries asked for at once is told with that one', async () => {
    const plugin = coded('several', {
      a: (client) => Promise.all(['select nope', 'select 1'].map((sql) => client.query(sql))),
    });
    expect(await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()))).toMatchObject({
      position: { file: 'a', statement: 1, column: 8 },
    });
  });

  test('in a query that nobody awaits neither passes nor ends the process', async () => {
    const plugin = coded('unawaited', {
      a: (client) => {
        void client.query('select nope');
      },
    });
    expect(await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()))).toMatchObject({
      code: 'MIGRATION_FAILED',
    });
    await expectNothingOf(db, 'unawaited');
  });
});

describe('a plugin that moves between files and functions', () => {
  const nothing: Run = () => undefined;
  const files = { '0000_items': 'create table items (id int);' };
  const nameInDrizzle = '20231114221320_items';

  test('keeps its history when the functions have the names that drizzle-kit up gives', async () => {
    await migratePlugin(db.pool(), await pluginWith('moved', files), migrateOptions());
    const moved = coded('moved', { [nameInDrizzle]: items, next: nothing });
    const client = await db.pool().connect();
    const { plugins } = await takeSurvey(client, [moved]);
    client.release();
    expect(plugins[0]).toMatchObject({ pending: [{ name: 'next' }], warnings: [], problems: [] });
    expect(await migratePlugin(db.pool(), moved, migrateOptions())).toMatchObject({
      applied: ['next'],
    });
    expect(await migratePlugin(db.pool(), moved, migrateOptions())).toMatchObject({ applied: [] });
  });

  test('and back: nothing runs again, and nothing counts as edited', async () => {
    const functions = coded('back', { [nameInDrizzle]: items });
    await migratePlugin(db.pool(), functions, migrateOptions());
    const client = await db.pool().connect();
    const { plugins } = await takeSurvey(client, [await pluginWith('back', files)]);
    client.release();
    expect(plugins[0]).toMatchObject({ pending: [], warnings: [], problems: [] });
  });

  test('with names that have nothing in common is refused before anything runs', async () => {
    await migratePlugin(db.pool(), await pluginWith('strange', files), migrateOptions());
    const client = await db.pool().connect();
    const { problems } = await takeSurvey(client, [coded('strange', { fresh: nothing })]);
    client.release();
    expect(problems).toMatchObject([{ code: 'MIGRATION_HISTORY_UNKNOWN' }]);
  });
});
