import { describe, expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { withPatience } from '../../src/postgres/connection/connect-with-patience.ts';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { useDatabase } from '../support/database.ts';
import {
  errorOf,
  migrateOptions,
  pluginWith,
  type MigrateChanges,
  type Migrations,
} from './migration-fixture.ts';

const db = useDatabase();

/** Migrates a plugin in a database of its own, and returns how many messages that took, and what was emitted. */
async function migrated(files: Migrations, changes: MigrateChanges = {}) {
  const fresh = await db.fresh();
  const options = migrateOptions(changes);
  let messages = 0;
  const pool = withPatience(fresh.pool(), {
    waitMs: 0,
    clock: systemClock,
    signal: options.signal,
    onStatement: () => (messages += 1),
  });
  await migratePlugin(pool, await pluginWith('p', files), options);
  return { fresh, messages, told: options.told };
}

/** The lock with what is read under it, and the reset of the session. */
const aroundFiles = 2;

const files: Migrations = {
  '0000_init': `create table t (id int);--> statement-breakpoint
    insert into t values (1);--> statement-breakpoint
    create index on t (id);`,
  '0001_more': 'alter table t add column b int;',
  '0002_last': 'update t set b = 2;--> statement-breakpoint alter table t add column c int;',
};

describe('a file straight to the server', () => {
  test('is one message, however many statements it has', async () => {
    const { messages, fresh } = await migrated(files);
    expect(messages).toBe(aroundFiles + 3);
    const { rows } = await fresh.query('select id, b, c from plugin_p.t');
    expect(rows).toEqual([{ id: 1, b: 2, c: null }]);
  });

  test('is a message for each statement, and two more, behind a pooler', async () => {
    const { messages } = await migrated(files, { isDirect: false });
    expect(messages).toBe(aroundFiles + (3 + 2) + (1 + 2) + (2 + 2));
  });

  test('emits each statement as it begins and as it has run', async () => {
    const { told } = await migrated({ '0000_init': files['0000_init'] ?? '' });
    const statements = told.flatMap((event) =>
      'statement' in event ? [`${event.type.split('.').at(-1)} ${event.statement}`] : [],
    );
    const each = [1, 2, 3].flatMap((number) => [`executing ${number}`, `executed ${number}`]);
    expect(statements).toEqual(each);
  });

  test('answers a statement before the next one has run', async () => {
    const fresh = await db.fresh();
    const holder = await fresh.pool().connect();
    await holder.query('create table public.held (id int)');
    await holder.query('begin; lock table public.held');
    const plugin = await pluginWith('p', {
      '0000_init': `create table t (id int);--> statement-breakpoint
        select from public.held;--> statement-breakpoint
        create index on t (id);`,
    });
    const seen: string[] = [];
    const options = migrateOptions({
      emit: (event) => {
        seen.push(event.type);
        // Only now does the second statement get its table.
        if (event.type === 'plugin.migrate.executing' && event.statement === 2) {
          void holder.query('commit').finally(() => holder.release());
        }
      },
    });
    await migratePlugin(fresh.pool(), plugin, options);
    expect(seen.filter((type) => type === 'plugin.migrate.executed')).toHaveLength(3);
  });

  test.each([
    ['a statement', 'create table t (id int);--> statement-breakpoint select 1/0;', 2],
    ['what is checked at the end', 'create table public.stray (id int);', undefined],
  ])('is undone as a whole when %s fails', async (_, text, statement) => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('p', { '0000_init': text });
    const error = await errorOf(
      migratePlugin(fresh.pool(), plugin, migrateOptions({ migrations: { rewritePublic: false } })),
    );
    expect(error).toMatchObject({
      position: { file: '0000_init.sql', ...(statement && { statement }) },
    });
    const { rows } = await fresh.query(
      `select from pg_class where relname in ('t', 'stray', '__drizzle_migrations')`,
    );
    expect(rows).toEqual([]);
  });

  test.each([
    ['several commands in one statement', 'create table a (id int); create table b (id int);'],
    [
      'what frees prepared statements',
      'prepare mine as select 1;--> statement-breakpoint deallocate all;',
    ],
    ['a dollar that is no parameter', 'create table "a$1" (id int);'],
    ['no rows to read', 'select * from generate_series(1, 1000);'],
    [
      'a setting of its own',
      `set local work_mem = '1MB';--> statement-breakpoint create table a (id int);`,
    ],
  ])('may have %s, and the next one is none the worse', async (_, text) => {
    const { fresh } = await migrated({
      '0000_one': text,
      '0001_two': 'create table z (id int);',
      '0002_three': 'create table y (id int);',
    });
    const { rows } = await fresh.query('select from plugin_p.__drizzle_migrations');
    expect(rows).toHaveLength(3);
  });

  test('with a parameter is refused by PostgreSQL as ever', async () => {
    const plugin = await pluginWith('asks', { '0000_init': 'select $1::int' });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState: '42P02' } });
  });
});
