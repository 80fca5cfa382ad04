import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SqlFormat } from '../../src/core/migration-source.ts';
import { planMigrations } from '../../src/postgres/history/migration-plan.ts';
import { readFormatFolder } from '../../src/postgres/sources/formats/read-format-folder.ts';
import { toRepeatable } from '../../src/postgres/sources/repeatable-files.ts';
import type { SqlMigration } from '../../src/postgres/sources/migration.ts';
import { readSqlFolder } from '../../src/postgres/sources/sql-folder.ts';
import { needsNoTransaction } from '../../src/postgres/sql/lone-commands.ts';
import { findFileProblems } from '../../src/postgres/survey/file-problems.ts';
import { temporaryFolder } from '../support/migration-folder.ts';

type Tool = Exclude<SqlFormat, 'plain'>;
type Texts = Readonly<Record<string, string>>;

async function folderOf(texts: Texts): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  return folder;
}

const read = async (tool: Tool, texts: Texts): Promise<readonly SqlMigration[]> =>
  readFormatFolder('p', await folderOf(texts), tool);

/** The only file of a folder. */
async function readOne(tool: Tool, text: string, name = names[tool]): Promise<SqlMigration> {
  const [file] = await read(tool, { [name]: text });
  if (!file) throw new Error('no file was read');
  return file;
}

const names: Readonly<Record<Tool, string>> = {
  dbmate: '1_a.sql',
  goose: '1_a.sql',
  flyway: 'V1__a.sql',
  'node-pg-migrate': '1_a.sql',
  'sql-migrate': '1_a.sql',
};

const runs = ({ sql }: SqlMigration): readonly string[] => sql.commands.map(({ code }) => code);
const placeOf = ({ sql }: SqlMigration) => sql.positionAt(sql.commands[0]?.start ?? 0);
const problemsOf = (file: SqlMigration) => findFileProblems({ id: 'p', pending: [file] }, true);
const refusalOf = async (tool: Tool, text: string, name?: string) =>
  problemsOf(await readOne(tool, text, name))[0];

/** A file of each tool that has both ways, the same commands in all of them. */
const both: Readonly<Record<Exclude<Tool, 'flyway'>, string>> = {
  dbmate: '-- a comment\n-- migrate:up\ncreate table a ();\n-- migrate:down\ndrop table a;\n',
  goose: '-- +goose Up\ncreate table a ();\n-- +goose Down\ndrop table a;\n',
  'node-pg-migrate': '-- Up Migration\ncreate table a ();\n-- Down Migration\ndrop table a;\n',
  'sql-migrate': '-- +migrate Up\ncreate table a ();\n-- +migrate Down\ndrop table a;\n',
};
type Row = readonly [Exclude<Tool, 'flyway'>, string];
const tools = Object.entries(both) as readonly Row[];

describe.each(tools)('a file of %s', (tool, text) => {
  test('runs only its way up, with each character in its place', async () => {
    const file = await readOne(tool, text);
    expect(runs(file)).toEqual(['create table a ()']);
    expect(file.sql.text).toHaveLength(text.length);
    expect(file.sql.text.indexOf('create')).toBe(text.indexOf('create'));
    expect(problemsOf(file)).toEqual([]);
    const windows = await readOne(tool, text.replaceAll('\n', '\r\n'));
    expect(runs(windows)).toEqual(['create table a ()']);
    expect(placeOf(windows)).toEqual(placeOf(file));
  });

  test('has not been edited when only its way down was, or its line ends, or it was applied as a plain file', async () => {
    const file = await readOne(tool, text);
    const edited = async (change: string) => {
      const now = await readOne(tool, change);
      const row = { hash: file.hash, createdAt: file.when, name: file.historyName };
      return planMigrations([now], [row], 'plugin_p').edited.length;
    };
    expect(await edited(text.replace('drop table a', 'drop table if exists a'))).toBe(0);
    expect(await edited(text.replaceAll('\n', '\r\n'))).toBe(0);
    expect(await edited(text.replace('create table a', 'create table b'))).toBe(1);
    const [plain] = await readSqlFolder('p', await folderOf({ '1_a.sql': text }));
    const row = { hash: plain?.hash ?? '', createdAt: file.when, name: file.historyName };
    expect(planMigrations([file], [row], 'plugin_p')).toMatchObject({ pending: [], edited: [] });
  });

  test('is refused with another format, and with none, and the hint names the format', async () => {
    for (const other of Object.keys(names) as Tool[]) {
      if (other === tool) continue;
      const problem = await refusalOf(other, text);
      expect(problem).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
      expect(problem?.hint).toContain(`sqlFiles(folder, { format: '${tool}' })`);
    }
    const [plain] = await readSqlFolder('p', await folderOf({ '1_a.sql': text }));
    const problem = plain && problemsOf(plain)[0];
    expect(problem?.message).toContain(`begins the undo part of ${tool}`);
    expect(problem?.hint).toContain(`sqlFiles(folder, { format: '${tool}' })`);
  });

  test('that is long is read in the same way, without being in memory', async () => {
    const rows = "insert into a values ('ä; b');\n".repeat(60_000);
    const long = text.replace('create table a ();\n', `create table a (b text);\n${rows}`);
    const file = await readOne(tool, `${long}${'-- more\n'.repeat(10)}`);
    await file.sql.readInSlices();
    expect(file.sql.commandCount).toBe(60_001);
    expect(file.sql.text).not.toContain('drop');
    expect(placeOf(file).line).toBe(tool === 'dbmate' ? 3 : 2);
  });
});

test.each<[Tool, string]>([
  ['dbmate', '-- migrate:up transaction:false\nvacuum;\n-- migrate:down'],
  ['goose', '-- +goose NO TRANSACTION\n-- +goose Up\nselect 1;\n-- +goose Down\nselect 2;'],
  ['goose', '-- +goose up\n-- +goose no transaction\nselect 1;'],
  ['sql-migrate', '-- +migrate Up notransaction\nselect 1;\n-- +migrate Down\nselect 2;'],
])('%s says that a file runs in no transaction: %j', async (tool, text) => {
  const file = await readOne(tool, text);
  expect(problemsOf(file)).toEqual([]);
  expect(needsNoTransaction(file.sql)).toBe(true);
});

test('a long file that runs in no transaction says so too', async () => {
  const filler = '-- filler\n'.repeat(120_000);
  const up = await readOne('dbmate', `-- migrate:up transaction:false\n${filler}select 1;`);
  await up.sql.readInSlices();
  expect(needsNoTransaction(up.sql)).toBe(true);
  expect(up.sql.commandCount).toBe(1);
});

test('an option of the way down is none of the way up', async () => {
  const dbmate = '-- migrate:up\nselect 1;\n-- migrate:down transaction:false\nselect 2;';
  const sqlMigrate = '-- +migrate Up\nselect 1;\n-- +migrate Down notransaction\nselect 2;';
  expect(needsNoTransaction((await readOne('dbmate', dbmate)).sql)).toBe(false);
  expect(needsNoTransaction((await readOne('sql-migrate', sqlMigrate)).sql)).toBe(false);
});

test('the marks around a statement are left out, and mean nothing to PostgreSQL', async () => {
  const body = 'create function f() returns int language sql as $$\n  select 1;\n$$;';
  const goose = `-- +goose Up\n-- +goose StatementBegin\n${body}\n-- +goose StatementEnd\nselect f();`;
  const sqlMigrate = goose.replaceAll('+goose', '+migrate');
  for (const file of [await readOne('goose', goose), await readOne('sql-migrate', sqlMigrate)]) {
    expect(file.sql.commandCount).toBe(2);
    expect(file.sql.text).not.toContain('Statement');
    expect(problemsOf(file)).toEqual([]);
  }
});

test('several ways up of dbmate and sql-migrate are one', async () => {
  const dbmate =
    '-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n-- migrate:up\nselect 3;\n-- migrate:down\n';
  const sqlMigrate =
    '-- +migrate Down\nselect 2;\n-- +migrate Up\nselect 1;\n-- +migrate Up\nselect 3;';
  for (const file of [await readOne('dbmate', dbmate), await readOne('sql-migrate', sqlMigrate)]) {
    expect(runs(file)).toEqual(['select 1', 'select 3']);
  }
});

test('node-pg-migrate runs a file without marks as a whole, and one with its ways in the other order', async () => {
  expect(runs(await readOne('node-pg-migrate', 'select 1;'))).toEqual(['select 1']);
  const turned = '-- Down Migration\nselect 2;\n--- up migration\nselect 1;';
  expect(runs(await readOne('node-pg-migrate', turned))).toEqual(['select 1']);
});

const flawed: readonly (readonly [Tool, text: string, expected: string, line?: number])[] = [
  ['dbmate', 'select 1;', '1_a.sql has no mark of dbmate'],
  ['dbmate', '', '1_a.sql has no mark of dbmate'],
  ['dbmate', '-- migrate:upgrade\nselect 1;', 'has no mark of dbmate'],
  ['dbmate', 'select 0;\n-- migrate:up\nselect 1;', 'has SQL before its first mark'],
  ['dbmate', '-- migrate:up\n-- migrate:down\n-- migrate:down\n', 'a second "-- migrate:down"', 3],
  [
    'dbmate',
    '-- migrate:up\nselect 1;\n-- migrate:up transaction:false\nselect 2;',
    'one part with and one without a transaction',
    3,
  ],
  ['goose', 'select 1;', 'has no mark of goose'],
  ['goose', '-- +goose Up\n-- +goose Up\n', 'has a second "-- +goose Up"', 2],
  ['goose', '-- +goose Down\n', 'without an "-- +goose Up" before', 1],
  ['goose', '-- +goose Up\n -- +goose Down\n', 'a line that goose does not understand', 2],
  ['goose', '-- +goose Up\n-- +goose constructor\n', 'a line that goose does not understand', 2],
  ['goose', '-- +goose Up\n-- +goose StatementBegin\nselect 1;', 'without its StatementEnd'],
  ['goose', '-- +goose Up\n-- +goose StatementEnd\n', 'without a StatementBegin', 2],
  ['goose', '-- +goose ENVSUB ON\n-- +goose Up\nselect $A;', 'has ENVSUB ON', 3],
  ['sql-migrate', 'select 1;', 'has no mark of sql-migrate'],
  ['sql-migrate', '-- +migrate Up\n-- +migrate up\n', 'a mark that sql-migrate does not read', 2],
  ['sql-migrate', '--+migrate Up\n', 'a mark that sql-migrate does not read', 1],
  ['sql-migrate', '-- +migrate Up\n-- +migrate StatementBegin\n', 'without its StatementEnd'],
  ['node-pg-migrate', '-- Down Migration\nselect 1;', 'a Down Migration and no Up Migration'],
  ['node-pg-migrate', 'select 0;\n-- Up Migration\n', 'has SQL before its first mark'],
  ['flyway', '-- a\nselect ${schema};', 'has the placeholder ${schema}', 2],
];

for (const [tool, text, expected, line] of flawed) {
  test(`${tool}: ${JSON.stringify(text)} is refused: ${expected}`, async () => {
    const problem = await refusalOf(tool, text);
    expect(problem?.message).toContain(expected);
    expect(problem).toMatchObject({
      code: 'MIGRATION_FILES_INVALID',
      plugin: 'p',
      hint: expect.stringMatching(/\.$/),
    });
    expect(problem?.line).toBe(line);
  });
}

test('ENVSUB is no hindrance where nothing is substituted', async () => {
  const off =
    '-- +goose Up\n-- +goose ENVSUB ON\nselect 1;\n-- +goose ENVSUB OFF\nselect $$a$$;\n-- +goose Down\n-- +goose ENVSUB ON\nselect $A;';
  expect(problemsOf(await readOne('goose', off))).toEqual([]);
});

const namesInOrder = async (tool: Tool, files: readonly string[], text = 'select 1;') => {
  const listed = await read(tool, Object.fromEntries(files.map((name) => [name, text])));
  return listed.map(({ historyName }) => historyName);
};

describe('files run in the order of their tool', () => {
  test('dbmate: of their names as texts', async () => {
    expect(await namesInOrder('dbmate', ['9_b.sql', '10_a.sql', 'README.md'])).toEqual([
      '10_a',
      '9_b',
    ]);
  });
  test('goose: of their numbers', async () => {
    expect(await namesInOrder('goose', ['010_a.sql', '9_b.sql', 'a.go', '9_b_test.go'])).toEqual([
      '9_b',
      '010_a',
    ]);
  });
  test('sql-migrate: of their numbers, then their names, those without a number last', async () => {
    const files = ['b.sql', '10-a.sql', '9-b.sql', '9-a.sql', 'a.sql'];
    expect(await namesInOrder('sql-migrate', files)).toEqual(['9-a', '9-b', '10-a', 'a', 'b']);
  });
  test('node-pg-migrate: of their times, of which 17 digits are one in UTC', async () => {
    const files = ['1714521600000_b.sql', '20240101000000000_a.sql', '5_c.up.sql', '5_c.down.sql'];
    expect(await namesInOrder('node-pg-migrate', [...files, '.hidden.sql'])).toEqual([
      '5_c',
      '20240101000000000_a',
      '1714521600000_b',
    ]);
  });
  test('flyway: of their versions', async () => {
    const files = ['V10__c.sql', 'V2__b.SQL', 'V1_2__a.sql', 'V1.10__d.sql', 'U2__b.sql', 'x.md'];
    expect(await namesInOrder('flyway', files)).toEqual(['V1_2__a', 'V1.10__d', 'V2__b', 'V10__c']);
  });
  test('flyway: a baseline migration is one where the versions that it stands for are gone', async () => {
    expect(await namesInOrder('flyway', ['V1__a.sql', 'B2__b.sql', 'V3__c.sql'])).toEqual([
      'V1__a',
      'V3__c',
    ]);
    expect(await namesInOrder('flyway', ['B1__a.sql', 'B2__b.sql', 'V3__c.sql'])).toEqual([
      'B2__b',
      'V3__c',
    ]);
  });
});

test.each<[Tool, readonly string[], RegExp]>([
  ['dbmate', ['init.sql'], /init\.sql is no migration of dbmate/],
  ['dbmate', ['1_a.sql', '1_b.sql'], /1_a\.sql and 1_b\.sql in .* are both 1/],
  ['dbmate', ['README.md'], /has no migration of dbmate/],
  ['goose', ['1.sql'], /1\.sql is no migration of goose/],
  ['goose', ['0_a.sql'], /0_a\.sql is no migration of goose/],
  ['goose', ['01_a.sql', '1_b.go'], /01_a\.sql and 1_b\.go in .* are both 1/],
  ['flyway', ['V1__a.sql', 'R__views.sql'], /R__views\.sql is a repeatable migration of Flyway/],
  ['flyway', ['V1__a.sql', 'afterMigrate.sql'], /afterMigrate\.sql is a callback of Flyway/],
  ['flyway', ['V1__a.sql', 'V1_0__b.sql'], /V1_0__b\.sql and V1__a\.sql in .* are both 1/],
  ['flyway', ['v1__a.sql'], /v1__a\.sql is no migration of Flyway/],
  ['node-pg-migrate', ['a.sql'], /a\.sql is no migration of node-pg-migrate/],
  ['node-pg-migrate', ['1_a.down.sql'], /1_a\.down\.sql is no migration/],
  ['node-pg-migrate', ['1_a.sql', '1_a.up.sql'], /are both 1_a/],
  ['sql-migrate', ['1.SQL'], /1\.SQL is no migration of sql-migrate/],
])('%s refuses the folder %j', async (tool, files, message) => {
  await expect(namesInOrder(tool, files)).rejects.toMatchObject({
    code: 'MIGRATION_FILES_INVALID',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/\.$/),
  });
});

test.each<[Tool, string, string]>([
  ['goose', '00002_b.go', 'is a migration of goose in Go'],
  ['flyway', 'V2__b.java', 'is a migration of flyway in java'],
  ['node-pg-migrate', '2_b.ts', 'is a migration of node-pg-migrate in TypeScript'],
  ['node-pg-migrate', '2_b.js', 'is a migration of node-pg-migrate in JavaScript'],
])('%s: %s is listed, and refused while it is pending', async (tool, name, expected) => {
  const texts = { [names[tool]]: '-- +goose Up\nselect 1;', [name]: 'code' };
  const [, code] = await read(tool, tool === 'goose' ? texts : { ...texts, [names[tool]]: '' });
  expect(code?.historyName).toBe(name.replace(/\.\w+$/, ''));
  expect(code && problemsOf(code)[0]?.message).toContain(expected);
});

test('a folder in the folder of Flyway is refused, because Flyway would read it', async () => {
  const folder = await folderOf({ 'V1__a.sql': 'select 1;' });
  await mkdir(join(folder, '2024'));
  await expect(readFormatFolder('p', folder, 'flyway')).resolves.toHaveLength(1);
  await writeFile(join(folder, '2024', 'V2__b.sql'), 'select 2;');
  await expect(readFormatFolder('p', folder, 'flyway')).rejects.toMatchObject({
    code: 'MIGRATION_FILES_INVALID',
    message: expect.stringMatching(/2024.V2__b\.sql is in a folder of its own/),
  });
});

test('the settings beside a file of Flyway count', async () => {
  const file = async (settings: string) => {
    const texts = { 'V1__a.sql': 'select ${a};', 'V1__a.sql.conf': settings };
    const [one] = await read('flyway', texts);
    if (!one) throw new Error('no file was read');
    return one;
  };
  const free = await file('# x\nexecuteInTransaction=false\nplaceholderReplacement = FALSE\n');
  expect(problemsOf(free)).toEqual([]);
  expect(needsNoTransaction(free.sql)).toBe(true);
  expect(problemsOf(await file('shouldExecute=${x}==1'))[0]?.message).toContain('shouldExecute');
  expect(problemsOf(await file('encoding=ISO-8859-1'))[0]?.message).toContain('ISO-8859-1');
});

test('a repeatable file of another tool is the same with either line end, whatever its way down has', async () => {
  const text =
    '-- migrate:up\nCREATE OR REPLACE VIEW v AS\nSELECT 1 AS a;\n-- migrate:down\nDROP VIEW v;\n';
  const files = await Promise.all(
    [text, text.replaceAll('\n', '\r\n'), text.replace('DROP VIEW v;', 'DROP VIEW v CASCADE;')].map(
      (each) => readOne('dbmate', each),
    ),
  );
  const [first, ...others] = await toRepeatable(files);
  for (const { hash } of others) expect(hash).toBe(first?.hash);
});
