import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { useDatabase } from '../support/database.ts';
import { pluginWith, takeSurvey } from './migration-fixture.ts';
import { toMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { findHistoryEdits } from '../../src/postgres/survey/history-edits.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

const db = useDatabase();

function readEdits(text: string): ReturnType<typeof findHistoryEdits> {
  const [named] = toMigrations([{ name: '0001_b', run: async () => undefined }]);
  const { run: _, ...identity } = named!;
  const pending = [{ ...identity, name: '0001_b.sql', text, sql: new SqlText(text) }];
  return findHistoryEdits({ id: 'a', schema: 'plugin_a', historySchema: 'plugin_a', pending });
}

describe('a file that takes its own history away is a problem', () => {
  test.each([
    ['drop table if exists x, __drizzle_migrations;', 'DROP TABLE'],
    ['TRUNCATE TABLE "plugin_a"."__drizzle_migrations" RESTART IDENTITY;', 'TRUNCATE'],
    ['delete from __drizzle_migrations', 'DELETE FROM'],
    ['alter table only __drizzle_migrations rename to old;', 'ALTER TABLE'],
    ['alter table __drizzle_migrations set schema x;', 'ALTER TABLE'],
    [`comment on table __drizzle_migrations is 'mine';`, 'COMMENT ON TABLE'],
    ['alter table __drizzle_migrations drop column "created_at";', 'ALTER TABLE'],
  ])('%s', (sql, command) => {
    const { problems, warnings } = readEdits(`select 1;\n${sql}`);
    expect(warnings).toEqual([]);
    expect(problems).toMatchObject([
      {
        code: 'MIGRATION_EDITS_HISTORY',
        message: `a: line 2 of 0001_b.sql changes a history of migrations: ${command} "plugin_a"."__drizzle_migrations"`,
        plugin: 'a',
        file: '0001_b.sql',
      },
    ]);
  });
});

describe('a file that changes rows of a history, or the history of another, is warned of', () => {
  test.each([
    ["insert into __drizzle_migrations (hash) values ('x');", 'INSERT INTO "plugin_a"'],
    ['delete from __drizzle_migrations where id = 7;', 'DELETE FROM "plugin_a"'],
    ['update only "__drizzle_migrations" set hash = 1;', 'UPDATE "plugin_a"'],
    ['drop table DRIZZLE . __drizzle_migrations;', 'DROP TABLE "drizzle"'],
    ["copy __drizzle_migrations (hash) from '/x';", 'COPY "plugin_a"'],
    // The body may never run.
    ['do $$ begin truncate __drizzle_migrations; end $$;', 'TRUNCATE "plugin_a"'],
  ])('%s', (sql, what) => {
    const { problems, warnings } = readEdits(sql);
    expect(problems).toEqual([]);
    expect(warnings).toMatchObject([
      {
        code: 'MIGRATION_EDITS_HISTORY',
        message: `a: line 1 of 0001_b.sql changes a history of migrations: ${what}."__drizzle_migrations"`,
      },
    ]);
  });
});

test.each([
  'select * from __drizzle_migrations;',
  '-- drop table __drizzle_migrations',
  "select 'delete from __drizzle_migrations'",
  'drop table a__drizzle_migrations, __drizzle_migrations_old;',
  'alter table "__drizzle_migrations" enable row level security;',
  'drop table x; select * from __drizzle_migrations;',
  "copy __drizzle_migrations to '/x';",
])('%s leaves the history as it is', (sql) => {
  expect(readEdits(sql)).toEqual({ problems: [], warnings: [] });
});

test('the survey tells both, and only of what is to be applied', async () => {
  const pool = (await db.fresh()).pool();
  const plugin = await pluginWith('a', {
    '0000_a': 'drop table __drizzle_migrations;',
    '0001_b': 'delete from __drizzle_migrations where id = 1;',
  });
  const { signal } = new AbortController();
  const look = (willApply: boolean): ReturnType<typeof takeSurvey> =>
    withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
      takeSurvey(client, [plugin], { willApply }),
    );
  const { problems, plugins } = await look(true);
  expect(problems).toMatchObject([{ code: 'MIGRATION_EDITS_HISTORY', file: '0000_a.sql' }]);
  expect(plugins[0]?.warnings).toMatchObject([
    { code: 'MIGRATION_EDITS_HISTORY', file: '0001_b.sql' },
  ]);
  expect(await look(false)).toMatchObject({ problems: [], plugins: [{ warnings: [] }] });
});
