import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { makeShop, table, view } from './repeatable-fixture.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const files = {
  'a_base.sql': view('id', 'base'),
  'b_mine.sql': 'CREATE OR REPLACE VIEW "Mine" AS SELECT id FROM base;',
  'c_sum.sql': `CREATE OR REPLACE FUNCTION total(base) RETURNS int LANGUAGE sql RETURN $1.id;
    --> statement-breakpoint
    CREATE OR REPLACE VIEW sums AS SELECT total(base) FROM base, "Mine";`,
};

/** The hint of a boot whose file has this text instead. */
async function hintOf(name: string, text: string, now = {}): Promise<string> {
  const fresh = await db.fresh();
  const { plugin, views } = await makeShop({ ...files, ...now }, table);
  const options = { pool: fresh.url, plugins: [plugin] };
  await bootUnderTest(options).boot.migrate();
  await writeFile(join(views, name), text);
  const error = await failureOf(bootUnderTest(options).boot.start());
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', position: { file: name } });
  return error.hint ?? '';
}

test.each([
  ['another type of a column', 'a_base.sql', view('id::bigint AS id', 'base')],
  [
    'a column less',
    'a_base.sql',
    `DROP VIEW base;\n--> statement-breakpoint\n${view('1 AS one', 'base')}`,
  ],
])('a view that others use: %s', async (_, name, text) => {
  expect(await hintOf(name, text)).toBe(
    'view sums, function total(base) and view "Mine" depend on base. ' +
      'Let a_base.sql drop all of it first, in this order, and then make it anew: ' +
      'DROP VIEW IF EXISTS sums; DROP FUNCTION IF EXISTS total(base); DROP VIEW IF EXISTS "Mine"; DROP VIEW IF EXISTS "base"; ' +
      'Move what b_mine.sql and c_sum.sql make of it into a_base.sql: a repeatable file runs again only when its own text has changed. ' +
      'Nothing of a_base.sql was kept.',
  );
});

test('a function that a view uses gives another type', async () => {
  const one = (type: string): string =>
    `CREATE OR REPLACE FUNCTION one() RETURNS ${type} LANGUAGE sql AS 'SELECT 1::${type}';`;
  const now = { 'o.sql': one('int'), 'w.sql': 'CREATE OR REPLACE VIEW w AS SELECT one();' };
  expect(await hintOf('o.sql', one('bigint'), now)).toMatch(
    /^view w depends on one\. .* DROP VIEW IF EXISTS w; DROP FUNCTION IF EXISTS "one"; Move what w\.sql makes of it into o\.sql/,
  );
});

test('a policy that uses a function is named', async () => {
  const now = {
    'f.sql': `CREATE OR REPLACE FUNCTION mine(id int) RETURNS bool LANGUAGE sql AS 'SELECT true';`,
    'p.sql': 'DROP POLICY IF EXISTS own ON t; CREATE POLICY own ON t USING (mine(id));',
  };
  const hint = await hintOf('f.sql', 'DROP FUNCTION mine(int);', now);
  expect(hint).toContain('policy own on t depends on mine.');
  expect(hint).toContain('DROP POLICY IF EXISTS own on t; DROP FUNCTION IF EXISTS "mine";');
});

test('a view that no other uses has the usual advice', async () => {
  const hint = await hintOf('b_mine.sql', 'CREATE OR REPLACE VIEW "Mine" AS SELECT 1 AS x;', {
    'c_sum.sql': 'SELECT 1;',
  });
  expect(hint).toBe(
    'CREATE OR REPLACE VIEW can add columns at the end, and no more: put DROP VIEW before it, in b_mine.sql. Nothing of b_mine.sql was kept.',
  );
});
