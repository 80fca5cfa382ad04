import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isEdited } from '../../src/postgres/sources/migration-identity.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { DumpSql, isDump } from '../../src/postgres/sql/dump-sql.ts';
import {
  findPsqlCommand,
  findTransactionControl,
} from '../../src/postgres/sql/refused-commands.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import {
  megabyte,
  migrateOptions,
  pluginWith,
  repeatTo,
  takeSurvey,
  writeFolder,
} from './migration-fixture.ts';

const db = useDatabase();
const usePooler = usePgBouncer();
const bootUnderTest = useBoots();

const key = 'O1Hpqme71lwc5Gixsbl0XzpWMAzz1bULzU56uvd8GgScvXnvdSAukMCWfQt0Yqf';

/** The beginning and the end that pg_dump of a version writes. */
function dumpBy(version: number, body: string, { restricted = version > 12 } = {}): string {
  return `--
-- PostgreSQL database dump
--

${restricted ? `\\restrict ${key}\n\n` : ''}-- Dumped from database version ${version}.4
-- Dumped by pg_dump version ${version}.4

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
${version >= 17 ? 'SET transaction_timeout = 0;\n' : ''}SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

${body}

--
-- PostgreSQL database dump complete
--

${restricted ? `\\unrestrict ${key}\n\n` : ''}`;
}

const items = 'CREATE TABLE public.items (\n    id integer NOT NULL\n);\n';

describe('a dump', () => {
  test.each([12, 13, 14, 15, 16, 17, 18])('of pg_dump %i runs', async (version) => {
    const fresh = await db.fresh();
    const plugin = await pluginWith('a', { '0000_a': dumpBy(version, items) });
    await migratePlugin(fresh.pool(), plugin, migrateOptions());
    const { rows } = await fresh.query(`select to_regclass('plugin_a.items')::text as found`);
    expect(rows).toEqual([{ found: 'plugin_a.items' }]);
  });

  test('keeps each character in its place, and leaves nothing for psql', () => {
    const text = dumpBy(18, items);
    const sql = new DumpSql(text);
    expect(sql.text).toHaveLength(text.length);
    expect(sql.text.indexOf('CREATE TABLE')).toBe(text.indexOf('CREATE TABLE'));
    expect(findPsqlCommand(sql)).toBeUndefined();
    expect(findTransactionControl(sql)).toBeUndefined();
  });

  test('with CRLF line ends is the same dump, applied and unedited', () => {
    const text = dumpBy(18, items);
    const windows = text.replaceAll('\n', '\r\n');
    expect(isDump(windows)).toBe(true);
    expect(findPsqlCommand(new DumpSql(windows))).toBeUndefined();
    const hashOf = (of: string): string => createHash('sha256').update(of).digest('hex');
    const file = { historyName: 'a', sql: new DumpSql(windows), hash: hashOf(windows) };
    expect(isEdited(file, hashOf(text), 'plugin_a')).toBe(false);
    expect(isEdited(file, hashOf(`${text} `), 'plugin_a')).toBe(true);
  });

  test.each([
    [
      'without the comment at its beginning',
      (text: string) => text.replace('-- PostgreSQL database dump\n', ''),
    ],
    ['with its path taken out', (text: string) => text.replace(/SELECT pg_catalog.*\n/, '')],
    ['behind another command', (text: string) => `CREATE TABLE first ();\n${text}`],
  ])('%s is a file like any other', (_, change) => {
    expect(isDump(dumpBy(18, items))).toBe(true);
    expect(isDump(change(dumpBy(18, items)))).toBe(false);
  });

  test('keeps the limits of the migration, and its settings end with it', async () => {
    const fresh = await db.fresh();
    const show = `CREATE TABLE public.NAME AS SELECT name, setting FROM pg_settings WHERE name IN
      ('lock_timeout', 'statement_timeout', 'check_function_bodies', 'client_min_messages', 'row_security');\n`;
    const plugin = await pluginWith('a', {
      '0000_a': dumpBy(18, show.replace('NAME', 'during')),
      '0001_b': show.replace('public.NAME', 'afterwards'),
    });
    await migratePlugin(
      fresh.pool(),
      plugin,
      migrateOptions({ migrations: { ddlLockTimeout: '4s' } }),
    );
    const read = async (table: string) =>
      (await fresh.query(`select setting from plugin_a.${table} order by name`)).rows.map(
        ({ setting }) => setting as string,
      );
    expect(await read('during')).toEqual(['off', 'notice', '4000', 'on', '0']);
    expect(await read('afterwards')).toEqual(['on', 'notice', '4000', 'on', '0']);
  });

  test('makes its names in the schema of the plugin, and means what it has not made', async () => {
    const fresh = await db.fresh();
    await fresh.query(
      'create table public.shared (id int primary key); insert into public.shared values (1)',
    );
    const body = `CREATE SCHEMA public;
COMMENT ON SCHEMA public IS 'standard public schema';
CREATE SEQUENCE public."It's" AS integer;
CREATE TABLE public.items (id integer DEFAULT nextval('public."It''s"'::regclass), shared integer, note text DEFAULT 'public.items');
ALTER TABLE ONLY public.items ADD CONSTRAINT fk FOREIGN KEY (shared) REFERENCES public.shared(id);
SELECT pg_catalog.setval('public."It''s"', 41, true);
INSERT INTO public.items (shared) VALUES (1);`;
    const plugin = await pluginWith('a', { '0000_a': dumpBy(18, body) });
    await migratePlugin(fresh.pool(), plugin, migrateOptions());
    const { rows } = await fresh.query('select * from plugin_a.items');
    expect(rows).toEqual([{ id: 42, shared: 1, note: 'public.items' }]);
  });

  test('that fails is pointed at in the dump as it was written', async () => {
    const fresh = await db.fresh();
    const text = dumpBy(18, `${items}ALTER TABLE public.items ADD COLUMN at public.nowhere;`);
    const plugin = await pluginWith('a', { '0000_a': text });
    const outcome = migratePlugin(fresh.pool(), plugin, migrateOptions());
    const line = text.slice(0, text.indexOf('public.nowhere')).split('\n').length;
    await expect(outcome).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { file: '0000_a.sql', line, column: 40 },
    });
    expect((await fresh.query(`select to_regclass('plugin_a.items') as found`)).rows).toEqual([
      { found: null },
    ]);
  });

  test('of another encoding is refused', async () => {
    const text = dumpBy(18, items).replace(
      "client_encoding = 'UTF8'",
      "client_encoding = 'LATIN1'",
    );
    const client = await db.pool().connect();
    const { problems } = await takeSurvey(client, [await pluginWith('a', { '0000_a': text })]);
    client.release();
    expect(problems).toMatchObject([
      {
        code: 'MIGRATION_FILES_INVALID',
        line: 14,
        hint: expect.stringContaining('--encoding=UTF8') as string,
      },
    ]);
  });

  test('of some megabytes runs; one with more than 16 is refused before anything is changed', async () => {
    const fresh = await db.fresh();
    const rows = repeatTo(
      2 * megabyte,
      `INSERT INTO public.items VALUES (1); -- ${'x'.repeat(200)}\n`,
    );
    const plugin = await pluginWith('a', { '0000_a': dumpBy(18, items + rows) });
    await migratePlugin(fresh.pool(), plugin, migrateOptions());
    const { rows: counted } = await fresh.query('select count(*)::int as n from plugin_a.items');
    expect(counted).toEqual([{ n: rows.split('\n').length - 1 }]);

    const long = dumpBy(18, items + repeatTo(16 * megabyte, rows));
    const client = await fresh.pool().connect();
    const { problems } = await takeSurvey(client, [await pluginWith('b', { '0000_b': long })]);
    client.release();
    expect(problems.map(({ code, line }) => [code, line])).toEqual([
      ['MIGRATION_TRANSACTION_CONTROL', 16],
      ['MIGRATION_FILES_INVALID', 5],
    ]);
    expect(problems[1]?.hint).toContain('16 MB');
  });
});

describe.skipIf(!pgbouncer)('through a pooler in transaction mode', () => {
  test('a dump runs, with settings that end with its transaction', async () => {
    const fresh = await db.fresh();
    const bouncer = await usePooler({ mode: 'transaction' });
    const folder = await writeFolder({ '0000_a': dumpBy(18, items) });
    const { boot } = bootUnderTest({
      pool: bouncer.through(fresh.url),
      plugins: [{ id: 'a', migrations: folder }],
    });
    await boot.start();
    const { rows } = await fresh.query(`select to_regclass('plugin_a.items')::text as found`);
    expect(rows).toEqual([{ found: 'plugin_a.items' }]);
  });
});
