import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRepair, sqlFiles, type HistoryTool } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { readCatalog } from '../support/catalog.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { temporaryFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { startProxy } from '../support/proxy.ts';
import { thrice } from '../support/repairs.ts';
import {
  historyTables,
  installDbmate,
  migrateWithTool,
  steps,
  writeToolFolder,
  writings,
  type Tool,
} from '../support/tool-folders.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
const poolers = usePgBouncer();

let removeDbmate: (() => Promise<void>) | undefined;
beforeAll(async () => {
  removeDbmate = await installDbmate();
}, 120_000);
afterAll(() => removeDbmate?.());

const tools = Object.keys(writings) as Tool[];

/** The catalog of a schema without the histories in it. */
async function catalogOf(database: Pick<Database, 'query'>, schema: string) {
  const lines = await readCatalog({ query: (sql) => database.query(sql) }, schema);
  const histories = [...Object.values(historyTables), '__drizzle_migrations'];
  return lines.filter((line) => !histories.some((name) => line.includes(name)));
}

const pluginOf = (folder: string, tool: Tool) => ({
  id: 'p',
  migrations: sqlFiles(folder, { format: tool }),
});

describe.each(tools)('a project of %s', (tool) => {
  const names = steps.map((step, at) => writings[tool].name(step, at));

  test('that is half migrated is adopted, and upgraded to what the tool itself would make', async () => {
    const fresh = await db.fresh();
    await migrateWithTool(tool, fresh, 'plugin_p', 2);
    await migrateWithTool(tool, fresh, 'full', 4);
    const plugins = [pluginOf(await writeToolFolder(tool), tool)];
    const options = { pool: fresh.url, plugins };

    // Everything would run again.
    const refused = await failureOf(bootUnderTest(options).boot.migrate());
    expect(refused.problems?.map(({ code }) => code) ?? [refused.code]).toEqual([
      'MIGRATION_HISTORY_UNKNOWN',
    ]);
    expect(refused.problems?.[0]?.hint ?? refused.hint).toContain(
      `repair.baseline('p', { from: '${tool}' }) (slipway repair baseline p --from ${tool})`,
    );

    const before = await fresh.query(`SELECT * FROM plugin_p.${historyTables[tool]}`);
    const report = await thrice(fresh, (dryRun) =>
      createRepair(options).baseline('p', { from: tool, dryRun }),
    );
    const where = `${tool} in "plugin_p"."${historyTables[tool]}"`;
    expect(report).toMatchObject({
      changes: names.slice(0, 2).map((name) => ({
        kind: 'file',
        name,
        change: `written into the history, and not run: applied by ${where}`,
      })),
      left: names.slice(2).map((name) => ({
        kind: 'file',
        name,
        because: `it is not applied by ${where}`,
      })),
    });
    const after = await fresh.query(`SELECT * FROM plugin_p.${historyTables[tool]}`);
    expect(after.rows).toEqual(before.rows);

    const { boot } = bootUnderTest(options);
    expect((await boot.migrate()).plugins[0]?.applied).toEqual(names.slice(2));
    expect(await catalogOf(fresh, 'plugin_p')).toEqual(await catalogOf(fresh, 'full'));
    expect((await bootUnderTest(options).boot.plan()).warnings).toEqual([]);
  });

  test('that is new is made as the tool would make it', async () => {
    const fresh = await db.fresh();
    await migrateWithTool(tool, fresh, 'full', 4);
    const plugins = [pluginOf(await writeToolFolder(tool), tool)];
    const { boot } = bootUnderTest({ pool: fresh.url, plugins });
    expect((await boot.migrate()).plugins[0]?.applied).toEqual(names);
    expect(await catalogOf(fresh, 'plugin_p')).toEqual(await catalogOf(fresh, 'full'));
  });
});

/** Writes files and the rows of a history, and adopts it. */
async function adopt(
  tool: HistoryTool,
  files: Readonly<Record<string, string>>,
  sql: string,
  options: { readonly upTo?: string; readonly table?: string } = {},
) {
  const { url, query } = await db.fresh();
  await query(`CREATE SCHEMA plugin_p; SET search_path = plugin_p; ${sql}`);
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const migrations = tool === 'prisma' ? sqlFiles(folder) : sqlFiles(folder, { format: tool });
  const plugins = [{ id: 'p', migrations }];
  const repair = createRepair({ pool: url, plugins });
  return repair.baseline('p', { from: tool, ...options });
}

const names = (parts: readonly { readonly name: string }[]) => parts.map(({ name }) => name);
const goose = `CREATE TABLE ${writings.goose.table};`;
const flyway = `CREATE TABLE ${writings.flyway.table};`;
const prisma =
  'CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count int NOT NULL DEFAULT 0);';
const flywayRow = (rank: number, version: string | null, type: string, success = true): string =>
  `INSERT INTO flyway_schema_history VALUES (${rank}, ${version === null ? 'NULL' : `'${version}'`}, 'd', '${type}', 'script', 0, 'app', now(), 1, ${success});`;
const gooseUp = '-- +goose Up\nSELECT 1;';

describe('the history of goose', () => {
  const files = { '00001_a.sql': gooseUp, '00002_b.go': 'package b', '00003_c.sql': gooseUp };
  const row = (version: number, isApplied: boolean): string =>
    `INSERT INTO goose_db_version (version_id, is_applied) VALUES (${version}, ${isApplied});`;

  test('counts the newest row of each version, and migrations in Go', async () => {
    const rows = [row(0, true), row(1, true), row(2, true), row(3, true), row(3, false)];
    const report = await adopt('goose', files, goose + rows.join(''));
    expect(names(report.changes)).toEqual(['00001_a.sql', '00002_b.go']);
    expect(names(report.left)).toEqual(['00003_c.sql']);
  });

  test('names what the folder lacks, and ends at upTo', async () => {
    const rows = [row(1, true), row(3, true), row(4, true)];
    const report = await adopt('goose', files, goose + rows.join(''), { upTo: '00002_b' });
    expect(names(report.changes)).toEqual(['00001_a.sql']);
    expect(report.left).toEqual([
      { kind: 'file', name: '00003_c.sql', because: 'it is applied, and comes after upTo' },
      expect.objectContaining({ name: '00002_b.go' }),
      {
        kind: 'file',
        name: '4',
        because: 'applied by goose in "plugin_p"."goose_db_version", and the plugin lacks it',
      },
    ]);
  });
});

describe('the history of Flyway', () => {
  const files = { 'V1__a.sql': 'SELECT 1;', 'V1.1__b.sql': 'SELECT 1;', 'V2__c.sql': 'SELECT 1;' };

  test('is compared by versions, whatever became of them', async () => {
    const rows = [
      flywayRow(1, null, 'SCHEMA'),
      flywayRow(2, '1.0', 'SQL'),
      flywayRow(3, '1.1', 'SQL'),
      flywayRow(4, '1.1', 'DELETE'),
      flywayRow(5, '2', 'SQL'),
      flywayRow(6, '2', 'UNDO_SQL'),
      flywayRow(7, null, 'SQL'),
    ];
    const report = await adopt('flyway', files, flyway + rows.join(''));
    expect(names(report.changes)).toEqual(['V1__a.sql']);
    expect(names(report.left)).toEqual(['V1.1__b.sql', 'V2__c.sql', 'script']);
  });

  test('counts everything up to its baseline', async () => {
    const report = await adopt('flyway', files, flyway + flywayRow(1, '1.1', 'BASELINE'));
    expect(names(report.changes)).toEqual(['V1__a.sql', 'V1.1__b.sql']);
  });

  test('counts a baseline migration whose version it has reached, and refuses one that it has not', async () => {
    const baseline = { 'B2__b.sql': 'SELECT 1;', 'V3__c.sql': 'SELECT 1;' };
    const reached = flyway + flywayRow(1, '1', 'SQL') + flywayRow(2, '2', 'SQL');
    expect(names((await adopt('flyway', baseline, reached)).changes)).toEqual(['B2__b.sql']);
    const before = flyway + flywayRow(1, '1', 'SQL');
    await expect(adopt('flyway', baseline, before)).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringMatching(/has not reached the version of B2__b\.sql/),
    });
  });

  test('with a failed migration is refused', async () => {
    const rows = flywayRow(1, '1', 'SQL') + flywayRow(2, '1.1', 'SQL', false);
    await expect(adopt('flyway', files, flyway + rows)).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringMatching(/1\.1 has failed or is not finished, by flyway/),
      hint: expect.stringMatching(/flyway repair/),
    });
  });
});

describe('the history of Prisma', () => {
  const files = { '1_a.sql': 'SELECT 1;', '2_b.sql': 'SELECT 1;' };
  const row = (name: string, finished: string, rolledBack: string, at: number): string =>
    `INSERT INTO _prisma_migrations VALUES (gen_random_uuid(), '', ${finished}, '${name}', '', ${rolledBack}, now() + interval '${at} s');`;

  test('counts what was applied in the end', async () => {
    const rows = [
      row('2_b', 'NULL', 'now()', 2),
      row('1_a', 'NULL', 'now()', 0),
      row('1_a', 'now()', 'NULL', 1),
    ];
    const report = await adopt('prisma', files, prisma + rows.join(''));
    expect(names(report.changes)).toEqual(['1_a.sql']);
    expect(names(report.left)).toEqual(['2_b.sql']);
  });

  test('with an unfinished migration is refused', async () => {
    const rows = row('1_a', 'now()', 'NULL', 0) + row('2_b', 'NULL', 'NULL', 1);
    await expect(adopt('prisma', files, prisma + rows)).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringMatching(/2_b has failed or is not finished/),
      hint: expect.stringMatching(/prisma migrate resolve/),
    });
  });
});

test('the history of node-pg-migrate may have the .up of a file', async () => {
  const files = { '1_a.up.sql': 'SELECT 1;', '2_b.up.sql': 'SELECT 1;', '2_b.down.sql': '' };
  const rows = ['1_a.up', '2_b'].map(
    (name) => `INSERT INTO pgmigrations (name, run_on) VALUES ('${name}', now());`,
  );
  const table = `CREATE TABLE ${writings['node-pg-migrate'].table};`;
  const report = await adopt('node-pg-migrate', files, table + rows.join(''));
  expect(names(report.changes)).toEqual(['1_a.up.sql', '2_b.up.sql']);
});

describe('the table of the history', () => {
  const files = { '1_a.sql': '-- migrate:up\nSELECT 1;' };
  const table = (schema: string) =>
    `CREATE TABLE ${schema}.schema_migrations (version varchar PRIMARY KEY); INSERT INTO ${schema}.schema_migrations VALUES ('1');`;

  test('is that of the plugin, else that in public, else the one that is named', async () => {
    for (const [sql, where, options] of [
      [`${table('plugin_p')} ${table('public')}`, '"plugin_p"."schema_migrations"', {}],
      [table('public'), '"public"."schema_migrations"', {}],
      [
        'CREATE SCHEMA "o"; CREATE TABLE o."my.history" AS SELECT text \'1\' AS version;',
        '"o"."my.history"',
        { table: 'o.my.history' },
      ],
    ] as const) {
      const report = await adopt('dbmate', files, sql, options);
      expect(report.changes[0]?.change).toContain(`applied by dbmate in ${where}`);
    }
  });

  test('is missing, or is that of another tool: refused, and nothing is changed', async () => {
    await expect(adopt('dbmate', files, '')).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message:
        'p: there is no "plugin_p"."schema_migrations" and no "public"."schema_migrations", the history of dbmate',
      hint: 'Name its table with table: "schema.table".',
    });
    const other = 'CREATE TABLE schema_migrations (version bigint, dirty boolean);';
    await expect(adopt('dbmate', files, other)).rejects.toMatchObject({
      code: 'REPAIR_REFUSED',
      message: expect.stringMatching(/is no history of dbmate: it has the columns version, dirty/),
    });
  });

  test('is named in a wrong way', async () => {
    const repair = createRepair({ pool: db.url, plugins: [] });
    for (const [options, message] of [
      [{ from: 'dbmat' }, "Expected baseline.from to be 'dbmate' or"],
      [{ from: 'dbmate', table: 'schema_migrations' }, 'Expected baseline.table to be a name such'],
      [{ table: 'a.b' }, 'Expected baseline.from to be the tool whose history is a.b'],
    ] as const) {
      await expect(repair.baseline('p', options as object)).rejects.toMatchObject({
        code: 'OPTIONS_INVALID',
        message: expect.stringContaining(message),
      });
    }
  });
});

describe('a boot on the history of another tool', () => {
  const table = (schema: string, row = "INSERT INTO schema_migrations VALUES ('1');") =>
    `CREATE SCHEMA IF NOT EXISTS ${schema}; SET search_path = ${schema}; CREATE TABLE schema_migrations (version varchar PRIMARY KEY); ${row}`;
  const migrations = async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, '1_a.sql'), 'CREATE TABLE a (id int);');
    return sqlFiles(folder);
  };

  test('stops before it runs everything again, in public for the host', async () => {
    const { url, query } = await db.fresh();
    await query(table('public'));
    const host = { migrations: await migrations() };
    const error = await failureOf(bootUnderTest({ pool: url, host, plugins: [] }).boot.start());
    expect(error).toMatchObject({ code: 'PLAN_INVALID' });
    expect(error.problems).toEqual([
      {
        code: 'MIGRATION_HISTORY_UNKNOWN',
        plugin: 'host',
        message:
          'host: nothing counts as applied, and "public"."schema_migrations" is a history of dbmate: every file would run again on what dbmate has made',
        hint: expect.stringContaining("repair.baseline('host', { from: 'dbmate' })"),
      },
    ]);
    const { rows } = await query("SELECT to_regclass('public.a') AS a");
    expect(rows).toEqual([{ a: null }]);
  });

  test.each([
    ['that is empty', table('plugin_p', '')],
    ['of another plugin', table('public')],
    [
      'of a tool that is not known',
      'CREATE SCHEMA plugin_p; CREATE TABLE plugin_p.pgmigrations AS SELECT 1;',
    ],
  ])('%s does not stop', async (_, sql) => {
    const { url, query } = await db.fresh();
    await query(sql);
    const plugins = [{ id: 'p', migrations: await migrations() }];
    await bootUnderTest({ pool: url, plugins }).boot.migrate();
  });

  test('costs a boot that is up to date no question, and another one no further message', async () => {
    const { url } = await db.fresh();
    await using proxy = await startProxy(url);
    const plugins = [{ id: 'p', migrations: await migrations() }];
    const plan = async () => {
      proxy.forgetStatements();
      await bootUnderTest({ pool: proxy.url, plugins }).boot.plan();
      const isAsked = proxy.statements.map((sql) => sql.includes('goose_db_version'));
      return { messages: proxy.statements.length, asked: isAsked.filter(Boolean).length };
    };
    expect(await plan()).toEqual({ messages: 2, asked: 1 });
    await bootUnderTest({ pool: url, plugins }).boot.migrate();
    expect(await plan()).toEqual({ messages: 2, asked: 0 });
  });

  test('does not stop for functions, which decide by themselves', async () => {
    const { url, query } = await db.fresh();
    await query(table('plugin_p'));
    const plugins = [{ id: 'p', migrations: [{ name: 'a', run: () => undefined }] }];
    await bootUnderTest({ pool: url, plugins }).boot.migrate();
  });
});

test.skipIf(!pgbouncer)('a history is adopted through a pooler in transaction mode', async () => {
  const fresh = await db.fresh();
  await migrateWithTool('goose', fresh, 'plugin_p', 2);
  const pooler = await poolers({ mode: 'transaction' });
  const plugins = [pluginOf(await writeToolFolder('goose'), 'goose')];
  const options = { pool: pooler.through(fresh.url), plugins };
  const { changes } = await createRepair(options).baseline('p', { from: 'goose' });
  expect(changes).toHaveLength(2);
  expect((await bootUnderTest(options).boot.migrate()).plugins[0]?.applied).toHaveLength(2);
});
