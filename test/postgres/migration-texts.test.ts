import { expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { placeStatements, toScript } from '../../src/postgres/migrate/migration-script.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith, type Migrations } from './migration-fixture.ts';

const db = useDatabase();
const byteOrderMark = '\uFEFF';

/** Migrates, and gives the tables that are there afterwards. */
async function tablesAfter(id: string, migrations: Migrations): Promise<readonly unknown[]> {
  const plugin = await pluginWith(id, migrations);
  const result = await migratePlugin(db.pool(), plugin, migrateOptions());
  expect(result).toEqual({ status: 'done', applied: plugin.files.map(({ name }) => name) });
  const { rows } = await db.query(
    `select relname::text as name from pg_class
     where relnamespace = $1::regnamespace and relkind = 'r' and relname <> '__drizzle_migrations' order by 1`,
    [plugin.schema],
  );
  return rows.map(({ name }) => name as unknown);
}

const two = 'create table a (id int);--> statement-breakpoint\ncreate table b (id int);\n';

test.each<[string, string, string]>([
  ['with CRLF', 'crlf', two.replaceAll('\n', '\r\n')],
  ['with the line ends of old', 'cr', two.replaceAll('\n', '\r')],
  ['with a byte order mark', 'bom', byteOrderMark + two],
  ['with a byte order mark behind a breakpoint', 'boms', two.replace('\n', `\n${byteOrderMark}`)],
  ['without a semicolon at the end', 'open', two.replaceAll(';', '')],
  ['that ends in a comment', 'comment', `${two.trim().slice(0, -1)} -- the end`],
  [
    'with several statements between breakpoints',
    'several',
    two.replace('--> statement-breakpoint', ''),
  ],
  [
    'with breakpoints at both ends and twice',
    'ends',
    `--> statement-breakpoint\n${two.replace('-->', '--> statement-breakpoint\n-->')}--> statement-breakpoint`,
  ],
])('a file %s runs as it was meant', async (_, id, text) => {
  expect(await tablesAfter(id, { '0000_init': text })).toEqual(['a', 'b']);
});

test('an empty file, and one of white space and comments, has its row in the history and runs nothing', async () => {
  const empty = {
    '0000_empty': '',
    '0001_blank': ' \r\n\t',
    '0002_comment': '-- Custom SQL migration file, put your code below! --',
    '0003_mark': byteOrderMark,
  };
  expect(await tablesAfter('empty', { ...empty, '0004_a': 'create table a ();' })).toEqual(['a']);
  const { rows } = await db.query(
    'select count(*)::int as rows from plugin_empty.__drizzle_migrations',
  );
  expect(rows).toEqual([{ rows: 5 }]);
});

test('a file of 5 MB runs, and an error at its end is found on its line', async () => {
  const row = `insert into big values ('${'é'.repeat(200)}');`;
  const rows = Array.from({ length: 24_000 }, () => row).join('\n');
  const text = `create table big (t text);\n--> statement-breakpoint\n${rows}`;
  expect(Buffer.byteLength(text)).toBeGreaterThan(5_000_000);
  const plugin = await pluginWith('big', { '0000_big': `${text}\nselect nothing;` });
  const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
  expect(error).toMatchObject({
    code: 'MIGRATION_FAILED',
    position: { file: '0000_big.sql', line: 24_003, column: 8 },
  });
  expect(await tablesAfter('big', { '0000_big': text })).toEqual(['big']);
});

test('a file of 1 MB in 11,000 statements is split, and each statement placed', async () => {
  const statement =
    'update "public"."t" set n = n + 1 where "public"."t"."id" = 1;\r\n--> statement-breakpoint\r\n';
  const { files, schema } = await pluginWith('many', { '0000_many': statement.repeat(11_000) });
  expect(files[0]?.sql.text.length).toBeGreaterThan(900_000);
  const placed = files[0] ? placeStatements(await toScript(files[0], schema, true)) : [];
  expect(placed).toHaveLength(11_000);
  expect(placed.at(-1)).toEqual({
    text: 'update "plugin_many"."t" set n = n + 1 where "plugin_many"."t"."id" = 1;',
    line: 21_999,
    column: 1,
  });
});
