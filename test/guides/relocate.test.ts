import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { repository } from '../architecture/imports.ts';
import { useDatabase } from '../support/database.ts';
import { runTypeScript } from '../support/run-typescript.ts';

const db = useDatabase();

async function run(name: string, ...args: readonly string[]): Promise<string> {
  const program = [...runTypeScript, `docs/examples/guides/${name}.ts`, ...args];
  const env = { PATH: process.env['PATH'], DATABASE_URL: db.url, JITI_TSCONFIG_PATHS: 'true' };
  const { stdout } = await promisify(execFile)(process.execPath, program, { cwd: repository, env });
  return stdout;
}

test('the program of the guide shows what it would move, moves it when told to, and then has nothing to do', async () => {
  await run('migrate-job');
  await db.query('ALTER TABLE plugin_books.books SET SCHEMA public');
  const shown = `table books: moved from public to plugin_books
  alter table "public"."books" set schema "plugin_books";
`;
  expect(await run('relocate')).toBe(`${shown}nothing was changed: --yes does it\n`);
  expect(await run('relocate', 'books', '--yes')).toBe(shown);
  expect(await run('relocate', 'books', '--yes')).toBe('nothing to do\n');
  const { rows } = await db.query(`SELECT to_regclass('plugin_books.books')::text AS name`);
  expect(rows).toEqual([{ name: 'plugin_books.books' }]);
});
