import { beforeEach, expect, test, vi } from 'vitest';
import { definePlugin } from '../../src/index.ts';
import { lexSql } from '../../src/postgres/sql/sql-lexer.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

// The lexer as it is, with a counter around it.
vi.mock('../../src/postgres/sql/sql-lexer.ts', async (importOriginal) => {
  const lexer = await importOriginal<{ readonly lexSql: typeof lexSql }>();
  return { ...lexer, lexSql: vi.fn(lexer.lexSql) };
});

const db = useDatabase();
const bootUnderTest = useBoots();

beforeEach(() => {
  vi.mocked(lexSql).mockClear();
});

/** The texts that were cut into tokens, in their order. */
const lexed = (): readonly string[] => vi.mocked(lexSql).mock.calls.map(([text]) => text);

const body = `\nbegin insert into "public"."notes" values (1); return new; end `;
const files = {
  '0000_notes': `CREATE TABLE "public"."notes" (id int, at timestamptz);--> statement-breakpoint
CREATE INDEX ON "public"."notes" (at);
ALTER TABLE "public"."notes" ADD COLUMN "text" text DEFAULT 'none; COMMIT';`,
  '0001_index': '-- for reports\nCREATE INDEX CONCURRENTLY notes_id ON notes (id);',
  '0002_body': `-- slipway: allow-outside
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$${body}$$;`,
};

test('a migration file is read once, for the survey and for its migration', async () => {
  const { url } = await db.fresh();
  const { boot } = bootUnderTest({
    pool: url,
    plugins: [{ id: 'notes', migrations: await migrationFolder(files) }],
  });
  await boot.start();
  // The body of a function is a text in a text.
  expect(lexed().toSorted()).toEqual([...Object.values(files), body].toSorted());
});

test('a text that a function sends is read once', async () => {
  const { url } = await db.fresh();
  const texts = ['CREATE EXTENSION IF NOT EXISTS plpgsql', 'CREATE TABLE a (id int); SELECT 1'];
  const plugin = definePlugin({
    id: 'a',
    migrations: [
      {
        name: 'a',
        run: async (client) => {
          for (const text of texts) await client.query(text);
        },
      },
      { name: 'b', transaction: false, run: (client) => client.query('VACUUM a') },
    ],
  });
  await bootUnderTest({ pool: url, plugins: [plugin] }).boot.start();
  expect(lexed()).toEqual([...texts, 'VACUUM a']);
});

test('a boot with nothing to do reads none of its applied files', async () => {
  const { url } = await db.fresh();
  const many = Array.from({ length: 30 }, (_, at): [string, string] => [
    `${String(at).padStart(4, '0')}_file`,
    `CREATE TABLE "public"."t${at}" (id int); -- ${at} of an extension`,
  ]);
  const migrations = await migrationFolder(Object.fromEntries(many));
  const options = { pool: url, plugins: [{ id: 'many', migrations }] };
  await bootUnderTest(options).boot.start();
  expect(lexed()).toHaveLength(30);
  vi.mocked(lexSql).mockClear();
  await bootUnderTest(options).boot.start();
  expect(lexed()).toEqual([]);
});
