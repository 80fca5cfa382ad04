import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Problem } from '../../src/core/error-codes.ts';
import { toScript } from '../../src/postgres/migrate/migration-script.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import type { SqlMigration } from '../../src/postgres/sources/migration.ts';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import { LongSql } from '../../src/postgres/sql/long-text.ts';
import { publicEdits } from '../../src/postgres/sql/public-names.ts';
import { SentCommand } from '../../src/postgres/sql/sent-command.ts';
import { applyEdits } from '../../src/postgres/sql/sql-edits.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import {
  findEmptyFiles,
  findFilePaths,
  findFileProblems,
  findPsqlProblems,
} from '../../src/postgres/survey/file-problems.ts';
import { findHistoryEdits } from '../../src/postgres/survey/history-edits.ts';
import { useDatabase } from '../support/database.ts';
import {
  errorOf,
  megabyte,
  migrateOptions,
  pluginWith,
  repeatTo,
  toPlugin,
  writeFolder,
} from '../postgres/migration-fixture.ts';

const db = useDatabase();

/** The text as a migration that is read in one go. */
function asOne(text: string): SqlMigration {
  const identity = { name: '0000_long.sql', historyName: '0000_long', when: 1, hash: '' };
  return { ...identity, format: '0.x', sql: new SqlText(text) };
}

async function asParts(text: string): Promise<SqlMigration & { readonly sql: LongSql }> {
  const [file] = await readMigrationFolder('shop', await writeFolder({ '0000_long': text }));
  if (!file || !(file.sql instanceof LongSql)) throw new Error('Expected a long file');
  await file.sql.readInSlices();
  const { name, historyName, when, hash, format, sql } = file;
  return { name, historyName, when, hash, format, sql };
}

function findProblems(file: SqlMigration): readonly Problem[] {
  const plugin = { ...toPlugin('shop', [file]), pending: [file] };
  const edits = findHistoryEdits(plugin);
  return [
    ...findFileProblems(plugin, true),
    ...findFileProblems(plugin, false),
    ...findPsqlProblems(plugin),
    ...findEmptyFiles(plugin),
    ...findFilePaths(plugin, [], plugin.pending),
    ...edits.problems,
    ...edits.warnings,
  ];
}

const rows = repeatTo(1.2 * megabyte, `INSERT INTO notes VALUES (17, 'größer; --', 2.5);\n`);
const values = repeatTo(2.5 * megabyte, `(17, 'größer; --', 2.5),\n`);
const lines = repeatTo(2.5 * megabyte, `  PERFORM 17; -- a 'line\n`);

describe('a long file is asked the same questions as a short one, and has the same answer for', () => {
  test.each([
    ['COMMIT', `${rows}COMMIT;\n${rows}`],
    ['SET search_path', `${rows}  SET search_path TO public;\n${rows}`],
    ['set_config', `${rows}SELECT set_config('search_path', 'a', false);\n${rows}`],
    ['a lock that is released', `${rows}SELECT 1, pg_advisory_unlock_all();\n${rows}`],
    ['a temporary table', `${rows}CREATE TEMP TABLE t ();\n${rows}`],
    ['a lone command among others', `${rows}VACUUM notes;\n${rows}`],
    ['a mark of a way down', `${rows}-- migrate:down\n${rows}`],
    ['a misspelt request', `${rows}-- slipway: allow-outsid\n${rows}`],
    ['a command of psql', `${rows}\\connect app\n${rows}`],
    ['COPY FROM STDIN', `${rows}COPY notes FROM STDIN;\n${rows}`],
    ['a change of the history', `${rows}DELETE FROM __drizzle_migrations;\n${rows}`],
    ['a file of comments', repeatTo(1.2 * megabyte, '-- nothing yet\n')],
    ['a long comment', `/*${rows}*/`],
    ['a function', `${rows}CREATE FUNCTION f() RETURNS int SET search_path = a AS '';\n${rows}`],
    [
      'a call in the middle of a long command',
      `INSERT INTO notes VALUES\n${values}(pg_advisory_unlock_all(), '', 1),\n${values}(1, '', 2);`,
    ],
    [
      'a call behind a long literal',
      `INSERT INTO notes VALUES (1, '${"it''s; ".repeat(400_000)}', pg_advisory_unlock_all());`,
    ],
    [
      'a path in the middle of a long body',
      `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$BEGIN\n${lines}SET search_path = a;\n${lines}END$body$;`,
    ],
    [
      'a clause behind a long body',
      `CREATE FUNCTION f() RETURNS void AS $body$BEGIN\n${lines}END$body$\n  SET search_path = a;`,
    ],
    [
      'a lock that a long DO block releases',
      `DO $$BEGIN\n${lines}PERFORM pg_advisory_unlock_all();\n${lines}END$$;`,
    ],
    ['a lone command of its own', `VACUUM -- ${values.replaceAll('\n', ' ')}\n notes;`],
    ['a request behind a command', `${rows}SELECT 1; -- slipway: allow-outsid\n${rows}`],
    [
      'a misspelt request in a command',
      `${rows}CREATE TABLE t (\n-- slipway: no\nn int);\n${rows}`,
    ],
    [
      'a mark of a way down in a long command that looks like the one before',
      `INSERT INTO notes VALUES\n${values}(1);\nINSERT INTO notes VALUES\n${values}\n-- migrate:down\n${values}(1);`,
    ],
    [
      'a mark of a way down before a long command like the one before',
      `INSERT INTO notes VALUES\n${values}(1);\n-- migrate:down\nINSERT INTO notes VALUES\n${values}(1);`,
    ],
    [
      'a lock that the second of two long DO blocks releases',
      `DO $$BEGIN\n${lines}END$$;\nDO $$BEGIN\n${lines}PERFORM pg_advisory_unlock_all();\n${lines}END$$;`,
    ],
    [
      'a lock that a long DO block releases as a function before it does',
      `CREATE FUNCTION f() RETURNS void AS $$BEGIN\n${lines}PERFORM pg_advisory_unlock_all();\nEND$$;
       DO $$BEGIN\n${lines}PERFORM pg_advisory_unlock_all();\nEND$$;`,
    ],
    [
      'COMMIT in a statement behind a body of SQL',
      `CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;\n--> statement-breakpoint\n${rows}COMMIT;\n${rows}`,
    ],
    [
      'a long body of SQL',
      `CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n${lines.replaceAll('PERFORM', 'SELECT')}END;`,
    ],
    ['nothing', `${rows}\n--> statement-breakpoint\nSELECT 'COMMIT; $$; it''s 5 $'; ${rows}`],
  ])('%s', async (_, text) => {
    expect(findProblems(await asParts(text))).toEqual(findProblems(asOne(text)));
  });
});

test('the outline of a long file has each form of a command once', async () => {
  const { sql } = await asParts(`CREATE TABLE notes ();\n${rows}SELECT 1;\n${rows}`);
  expect(sql.statements.map(({ text }) => text)).toEqual([
    'CREATE TABLE notes ()',
    `INSERT INTO notes VALUES (17, 'größer; --', 2.5)`,
    'SELECT 1',
  ]);
  expect(sql.commandCount).toBe(2 + 2 * rows.split('\n').length - 2);
});

test.each([
  [
    'quoted names',
    (index: number) => `INSERT INTO "notes" ("id", "at2") VALUES (${index}, 'x');\n`,
  ],
  [
    'numbers, signs and NULL',
    (index: number) =>
      `SELECT ${index % 3 ? '-' : ''}${index}e5, ${index % 2 ? 'NULL' : 'true'};\n`,
  ],
  ['data in dollar quotes', (index: number) => `INSERT INTO notes VALUES ($$${index}$$);\n`],
])('the outline of a file of data is short, whatever differs: %s', async (_, write) => {
  const { sql } = await asParts(
    Array.from({ length: 60_000 }, (__, index) => write(index)).join(''),
  );
  expect(sql.text.length).toBeLessThan(500);
});

/** Rows in which something may look like something else. */
const trickyRows = [
  `('x'::"public"."mood", 'it''s'),\n`,
  `(E'it\\'s \\\\', "public"."f"(1)),`,
  `('"public"."a"', -- "public"."b"\n 1),`,
  `/* "public"."c" /* ' */ */ `,
  `($$ select "public"."d"; ' $$, "a""public"."e"),`,
  `('größer 日本 🐘', t."public"."g", public.h),\r\n`,
];

/** Rows that end in no comma, and that parts are cut in the middle of. */
const otherRows = [
  `('x'::"public"."mood")\n, `,
  `(1)\n UNION ALL SELECT 'x' :: "public" . "mood" UNION ALL VALUES`,
  `("a), b; c" . "public" . "d" + "public"."e")\n+ `,
];

test.each(
  [trickyRows.join(''), ...otherRows].flatMap((row) =>
    [0, 1, 2, 3, 7, 11].map((shift) => [shift, row] as const),
  ),
)(
  'a long command is sent as it would be in one piece, %i characters further on: %j',
  async (shift, row) => {
    const tricky = repeatTo(2.2 * megabyte, row);
    const text = `INSERT INTO "public"."t" VALUES ${' '.repeat(shift)}${tricky} (1);`;
    const { sql } = await asParts(text);
    expect(sql.parts.map(({ isLong }) => isLong)).toEqual([true]);
    const findEdits = (part: SqlText) => publicEdits(part, 'plugin_shop', 'all');
    const [sent, size] = await sql.open(async (source) => {
      const [part] = sql.parts;
      if (!part) throw new Error('no part');
      const command = await SentCommand.read(source, part, findEdits);
      const bytes: Buffer[] = [];
      for await (const each of command.pieces()) bytes.push(...each.map(({ bytes: own }) => own));
      return [Buffer.concat(bytes), command.size] as const;
    });
    expect(sent).toHaveLength(size);
    const whole = applyEdits(text, findEdits(new SqlText(text))).text;
    expect(sent.toString('utf8') === whole).toBe(true);
  },
);

test.each([
  ['many commands', rows + rows],
  ['a long command', `INSERT INTO notes VALUES ${values}(1);`],
  ['a long literal', `INSERT INTO notes VALUES ('${'x; '.repeat(megabyte)}');`],
  ['a long comment', `/*${rows}${rows}*/ SELECT 1;`],
])('everything else has its turns while %s is read and sent', async (_, text) => {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  const bytes = Buffer.from(text);
  const source = {
    size: bytes.length,
    read: (start: number, end: number) => bytes.subarray(start, end),
  };
  const sql = new LongSql((use) => use(source));
  const megabytes = Math.floor(bytes.length / megabyte);
  setImmediate(count);
  await sql.readInSlices();
  expect(turns).toBeGreaterThanOrEqual(megabytes);
  for (const part of sql.parts.filter(({ isLong }) => isLong)) {
    const command = await SentCommand.read(source, part, () => []);
    turns = 0;
    let pieces = 0;
    for await (const each of command.pieces()) pieces += each.length;
    expect(turns).toBeGreaterThanOrEqual(pieces - 1);
  }
  isOver = true;
});

describe('a long file runs', () => {
  const count = async (id: string): Promise<string> => {
    const { rows: found } = await db.pool().query(`select count(*) from plugin_${id}.notes`);
    return (found as readonly { readonly count: string }[])[0]?.count ?? '';
  };
  const table = 'CREATE TABLE "public"."notes" (n int, body text, x float);';
  const bare = rows.replaceAll('notes', '"public"."notes"');
  const rowCount = String(rows.split('\n').length - 1);

  test.each([
    ['plain', `${table}\n${bare}`],
    [
      'broken',
      `${table}\n--> statement-breakpoint\n${bare.replaceAll(';\n', '\n--> statement-breakpoint\n')}`,
    ],
    ['marked', `\uFEFF${table}\n${bare}-- at the end`],
  ])('part by part, %s', async (id, text) => {
    const plugin = await pluginWith(id, { '0000_long': text });
    await migratePlugin(db.pool(), plugin, migrateOptions());
    expect(await count(id)).toBe(rowCount);
  });

  test('in which one command is longer than a part, and everything else has a turn meanwhile', async () => {
    const text = `${table}\n-- many\nINSERT INTO "public"."notes" VALUES ${values}(1, '', 2);\n/*${lines}*/SELECT 1`;
    const plugin = await pluginWith('giant', { '0000_long': text });
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await migratePlugin(db.pool(), plugin, migrateOptions());
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
    expect(await count('giant')).toBe(String(values.split('\n').length));
  });

  test.each([
    ['in a part', `${table}\n${bare}SELECT nothing;\n${bare}`, rows.split('\n').length + 1, 8],
    [
      'in a long command',
      `${table}\nINSERT INTO "public"."notes" VALUES\n${values}(nothing, '', 2),\n${values}(1, '', 2);`,
      values.split('\n').length + 2,
      2,
    ],
  ])('to the place of an error %s', async (name, text, line, column) => {
    const id = name.replaceAll(' ', '_');
    const plugin = await pluginWith(id, { '0000_long': text });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', position: { line, column } });
    expect(JSON.stringify(error)).toContain(`${line} | `);
  });

  test('to the command that failed, where PostgreSQL names no place', async () => {
    const failing = `INSERT INTO "public"."notes" VALUES (1, '', 1 / 0.0::float);\n`;
    const plugin = await pluginWith('unplaced', {
      '0000_long': `${table}\n${bare}${failing}${bare}`,
    });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { line: rows.split('\n').length + 1, column: 1 },
    });
  });

  test('unless it was changed since it was read', async () => {
    const folder = await writeFolder({ '0000_long': `${table}\n${bare}` });
    const plugin = toPlugin('changed', await readMigrationFolder('changed', folder));
    const path = join(folder, '0000_long.sql');
    await writeFile(path, `${await readFile(path, 'utf8')}SELECT 1;`);
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
    expect(error.message).toMatch('was changed while it was read');
  });
});

test('a plan lists each form of a long file once', async () => {
  const { schema, files } = await pluginWith('planned', { '0000_long': `${rows}SELECT 1;` });
  const [file] = files;
  const { statements } = file ? await toScript(file, schema, true) : { statements: [] };
  expect(statements.map(({ text }) => text).at(-1)).toBe('SELECT 1');
});
