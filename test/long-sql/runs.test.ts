import { appendFileSync, truncateSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import { useDatabase } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
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
const startPgBouncer = usePgBouncer();

const table = 'CREATE TABLE notes (id serial, body text);\n';
const inserts = repeatTo(1.2 * megabyte, `INSERT INTO notes (body) VALUES ('größer; 🐘');\n`);
const long = `INSERT INTO notes (body) VALUES\n${repeatTo(2.5 * megabyte, `('größer; 🐘')\n, `)}('');\n`;
const text = table + inserts + long + inserts;
const rowCount = text.split('🐘').length;

async function countNotes(schema: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(`select count(*) from ${schema}.notes`);
  return Number(rows[0]?.count);
}

async function historyOf(schema: string): Promise<number> {
  const { rows } = await db.query<{ found: string | null }>(
    `select to_regclass('${schema}.__drizzle_migrations')::text as found`,
  );
  if (!rows[0]?.found) return 0;
  const { rows: counted } = await db.query<{ count: string }>(
    `select count(*) from ${schema}.__drizzle_migrations`,
  );
  return Number(counted[0]?.count);
}

async function hasNotes(schema: string): Promise<boolean> {
  const { rows } = await db.query<{ found: string | null }>(
    `select to_regclass('${schema}.notes')::text as found`,
  );
  return rows[0]?.found != null;
}

/** Calls `act` when the statement with this number begins. */
function atStatement(number: number, act: () => void) {
  return (event: UnstampedEvent): void => {
    if (event.type === 'plugin.migrate.executing' && event.statement === number) act();
  };
}

const atomicRows = repeatTo(2.3 * megabyte, `  SELECT CASE WHEN true THEN '--; größer' END;\n`);

/** `END` is a name here, and only PostgreSQL knows. */
const periods = Array.from(
  { length: 60 },
  (_, index) =>
    `CREATE FUNCTION of_${index}() RETURNS int BEGIN ATOMIC SELECT p.end FROM p; ${repeatTo(
      25_000,
      `SELECT '${'x'.repeat(1_000)}';\n`,
    )} SELECT p.end FROM p; END;\n`,
).join('');

describe('a long file makes what the same text makes when PostgreSQL reads it whole', () => {
  test.each([
    [
      'literals',
      `${table}${inserts}INSERT INTO notes (body) VALUES ('${"it''s 🐘; ".repeat(300_000)}');`,
    ],
    [
      'escapes',
      `${table}INSERT INTO notes (body) VALUES (E'${`it\\'s \\\\ '' 日`.repeat(200_000)}')\n;;\n;${inserts}`,
    ],
    [
      'others',
      `${table}INSERT INTO notes (body) VALUES (U&'d\\0061t\\+000061 ${"x''".repeat(900_000)}'); /* a /* b; */ ${'; 日'.repeat(600_000)} */ ${inserts} INSERT INTO notes (body) VALUES ('last') -- no end`,
    ],
    [
      'dollars',
      `${table}CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $größe$BEGIN\n${repeatTo(2.4 * megabyte, `  PERFORM $$ $größ it's 🐘; $$;\n`)} RETURN 1; END$größe$;\n${inserts}`,
    ],
    [
      'line_ends',
      `\uFEFF${(table + inserts + long).replaceAll('\n', '\r\n')}INSERT INTO notes (body) VALUES ('${'a\r\n'.repeat(800_000)}');`,
    ],
    [
      'atomic',
      `${table}${inserts}CREATE FUNCTION two() RETURNS text BEGIN ATOMIC\n${atomicRows}END;\n${inserts}`,
    ],
    ['periods', `${table}CREATE TABLE p ("end" int);\n${periods}`],
  ])('%s', async (id, written) => {
    const plugin = await pluginWith(id, { '0000_long': written });
    await migratePlugin(db.pool(), plugin, migrateOptions());
    await db.query(`create schema plain_${id}`);
    await db.query(`set search_path = plain_${id};${written.replace('\uFEFF', '')}`);
    const look = async (schema: string) => {
      const { rows } = await db.query(
        `select (select json_agg(json_build_array(md5(body), id) order by id) from ${schema}.notes)::text as rows,
          (select json_agg(json_build_array(proname, md5(replace(pg_get_functiondef(oid), '${schema}', ''))) order by proname)
            from pg_proc where pronamespace = '${schema}'::regnamespace)::text as functions`,
      );
      return rows;
    };
    expect(await look(`plugin_${id}`)).toEqual(await look(`plain_${id}`));
  });
});

test('each part of a long file brings along the question whether it runs in its transaction', async () => {
  await using proxy = await startProxy(db.url);
  const plugin = await pluginWith('guarded', { '0000_long': text });
  await migratePlugin(db.pool({ connectionString: proxy.url }), plugin, migrateOptions());
  const parts = proxy.statements.filter((sql) => sql.includes('INSERT INTO notes'));
  expect(parts.length).toBeGreaterThan(10);
  for (const part of parts) expect(part.slice(-600)).toContain('slipway is elsewhere');
});

describe('of a long file that is broken off nothing is kept, and the next boot applies it once', () => {
  const places = [2, 9, 11, 12, 15];

  test.each(places)('when its session ends at part %i', async (number) => {
    const id = `ended_${number}`;
    const plugin = await pluginWith(id, { '0000_long': text });
    const options = migrateOptions();
    const emit = atStatement(number, () => {
      setTimeout(
        () => void db.query(`select pg_terminate_backend(${options.locks[0]?.backendPid})`),
        4,
      );
    });
    const error = await errorOf(migratePlugin(db.pool(), plugin, { ...options, emit }));
    expect(error).toMatchObject({ code: 'MIGRATION_CONNECTION_LOST' });
    expect(await hasNotes(`plugin_${id}`)).toBe(false);
    await migratePlugin(db.pool(), plugin, migrateOptions());
    expect(await countNotes(`plugin_${id}`)).toBe(rowCount);
    expect(await historyOf(`plugin_${id}`)).toBe(1);
  });

  test.each(places)('when it is cancelled at part %i', async (number) => {
    const id = `stopped_${number}`;
    const plugin = await pluginWith(id, { '0000_long': text });
    const stop = new AbortController();
    const emit = atStatement(number, () => setTimeout(() => stop.abort(new Error('stop')), 4));
    const outcome = await migratePlugin(
      db.pool(),
      plugin,
      migrateOptions({ emit, signal: stop.signal }),
    );
    expect(outcome).toEqual({ status: 'canceled', applied: [] });
    expect(await hasNotes(`plugin_${id}`)).toBe(false);
    await migratePlugin(db.pool(), plugin, migrateOptions());
    expect(await countNotes(`plugin_${id}`)).toBe(rowCount);
  });

  test.each(places)('when its socket is cut at part %i', async (number) => {
    const id = `cut_${number}`;
    const plugin = await pluginWith(id, { '0000_long': text });
    const cut = new AbortController();
    const emit = atStatement(number, () => setTimeout(() => cut.abort(new Error('cut')), 4));
    await errorOf(migratePlugin(db.pool(), plugin, migrateOptions({ emit, cut: cut.signal })));
    await migratePlugin(db.pool(), plugin, migrateOptions()).catch(() => undefined);
    await expect
      .poll(async () => (await migratePlugin(db.pool(), plugin, migrateOptions())).status)
      .toBe('done');
    expect(await countNotes(`plugin_${id}`)).toBe(rowCount);
    expect(await historyOf(`plugin_${id}`)).toBe(1);
  });
});

test('two replicas at once apply a long file once', async () => {
  const plugin = await pluginWith('twice', { '0000_long': text });
  const outcomes = await Promise.all(
    [1, 2].map(() => migratePlugin(db.pool(), plugin, migrateOptions())),
  );
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['done', 'locked']);
  expect(await countNotes('plugin_twice')).toBe(rowCount);
});

test('a lock timeout in the middle of a long file repeats it whole', async () => {
  await db.query('create table public.busy (n int)');
  const pool = db.pool();
  const holder = await pool.connect();
  await holder.query('begin; lock table public.busy');
  const plugin = await pluginWith('retried', {
    '0000_long': `${text}SET LOCAL lock_timeout = 20;\nINSERT INTO public.busy VALUES (1);\n${inserts}`,
  });
  let retries = 0;
  const emit = (event: UnstampedEvent): void => {
    if (!event.type.includes('retry')) return;
    retries += 1;
    if (retries === 1) void holder.query('commit').then(() => holder.release());
  };
  await migratePlugin(pool, plugin, migrateOptions({ emit }));
  expect(retries).toBeGreaterThan(0);
  expect(await countNotes('plugin_retried')).toBe(rowCount + inserts.split('🐘').length - 1);
  expect(await countNotes('plugin_retried')).toBeGreaterThan(0);
  const { rows } = await db.query('select n from public.busy');
  expect(rows).toHaveLength(1);
});

test('a statement timeout in a long command is an error, and nothing is kept', async () => {
  const plugin = await pluginWith('slow', {
    '0000_long': `${text}SET LOCAL statement_timeout = 50;\nSELECT pg_sleep(5);\n${inserts}`,
  });
  const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
  expect(error).toMatchObject({
    code: 'MIGRATION_FAILED',
    position: { line: text.split('\n').length + 1 },
  });
  expect(await hasNotes('plugin_slow')).toBe(false);
});

test('a long file that is gone by the time it is applied is named', async () => {
  const folder = await writeFolder({ '0000_long': text });
  const plugin = toPlugin('gone', await readMigrationFolder('gone', folder));
  await rm(join(folder, '0000_long.sql'));
  const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
  expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
});

test('a long file that grows while it is sent leaves nothing', async () => {
  const folder = await writeFolder({ '0000_long': text });
  const plugin = toPlugin('grown', await readMigrationFolder('grown', folder));
  const emit = atStatement(11, () => appendFileSync(join(folder, '0000_long.sql'), 'SELECT 1;'));
  const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions({ emit })));
  expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
  expect(await hasNotes('plugin_grown')).toBe(false);
});

test('a long file that is cut short in the middle of a long command leaves nothing', async () => {
  const folder = await writeFolder({ '0000_long': text });
  const plugin = toPlugin('shrunk', await readMigrationFolder('shrunk', folder));
  const emit = (event: UnstampedEvent): void => {
    if (event.type === 'plugin.migrate.executing' && event.statement === 11)
      truncateSync(join(folder, '0000_long.sql'), 2 * megabyte);
  };
  const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions({ emit })));
  expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
  expect(await hasNotes('plugin_shrunk')).toBe(false);
});

describe.skipIf(!pgbouncer)('through PgBouncer', () => {
  test('in transaction mode a long file runs', async () => {
    const bouncer = await startPgBouncer({ mode: 'transaction' });
    const pool = db.pool({ connectionString: bouncer.through(db.url) });
    const plugin = await pluginWith('pooled', { '0000_long': text });
    await migratePlugin(pool, plugin, migrateOptions({ keepsSession: false }));
    expect(await countNotes('plugin_pooled')).toBe(rowCount);
    const broken = await pluginWith('pooled_broken', {
      '0000_long': `${text}SELECT nothing;\n${inserts}`,
    });
    const error = await errorOf(
      migratePlugin(pool, broken, migrateOptions({ keepsSession: false })),
    );
    expect(error).toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { line: text.split('\n').length, column: 8 },
    });
    expect(await hasNotes('plugin_pooled_broken')).toBe(false);
  });
});

describe('the place of an error', () => {
  const row = `(1, 'größer 🐘')\n, `;
  const many = repeatTo(2.6 * megabyte, row);
  test.each([
    [
      'wide',
      `CREATE TABLE notes (id int, body text);\nINSERT INTO notes VALUES\n${many}(2, '🐘日'), (3, nothing)\n, ${many}(1, '');`,
      1 + many.split('\n').length + 1,
      18,
    ],
    [
      'crlf',
      `CREATE TABLE notes (id int, body text);\nINSERT INTO notes VALUES\n${many}(2, '🐘日'), (3, nothing)\n, ${many}(1, '');`.replaceAll(
        '\n',
        '\r\n',
      ),
      1 + many.split('\n').length + 1,
      18,
    ],
    ['literal', `SELECT 1;\nSELECT '${'🐘 日\n'.repeat(400_000)}', nothing;`, 400_002, 4],
    [
      'part',
      `${table}${inserts}SELECT '🐘日',\r\n '🐘', nothing;\n${inserts}`,
      inserts.split('\n').length + 2,
      7,
    ],
  ])('%s', async (id, written, line, column) => {
    const plugin = await pluginWith(`place_${id}`, { '0000_long': written });
    const error = await errorOf(migratePlugin(db.pool(), plugin, migrateOptions()));
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', position: { line, column } });
    const excerpt = JSON.stringify(error);
    expect(excerpt).toContain(`${line} | `);
    expect(excerpt).toContain('nothing');
  });
});
