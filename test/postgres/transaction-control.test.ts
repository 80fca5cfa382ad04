import { expect, test } from 'vitest';
import {
  findLasting,
  findSessionChange,
  findTransactionControl,
} from '../../src/postgres/sql/refused-commands.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

test.each([
  ['BEGIN;', 'BEGIN', 1],
  ['create table a ();\n\n  commit ;', 'COMMIT', 3],
  ['-- a comment\nstart   transaction;', 'START TRANSACTION', 2],
  ['select 1; ROLLBACK', 'ROLLBACK', 1],
  ['select 1;--> statement-breakpoint\nSAVEPOINT a;', 'SAVEPOINT', 2],
  ['SET search_path TO public;', 'SET SEARCH_PATH', 1],
  ['set local search_path = x;', 'SET LOCAL SEARCH_PATH', 1],
  ['DISCARD ALL', 'DISCARD', 1],
  [
    "SET lock_timeout = 0;\n-- Name\nSELECT pg_catalog.set_config('search_path', '', false);\nCOMMIT;",
    "set_config('search_path', …)",
    3,
  ],
  ["commit;\nselect set_config('search_path', 'x', true)", 'COMMIT', 1],
  ['create table a (i int)--> statement-breakpoint\ncommit', 'COMMIT', 2],
  [
    'create function f() returns int language sql begin atomic select 1; end;--> statement-breakpoint\ncommit;',
    'COMMIT',
    2,
  ],
  [
    'create function f() returns int language sql begin atomic select 1; end;\nselect 2;\ncommit;',
    'COMMIT',
    3,
  ],
  // By its words alone, the body does not end.
  [
    'create function f() returns int begin atomic select (p).case from p; end;\nprepare\n transaction $$x$$;',
    'PREPARE TRANSACTION',
    2,
  ],
  ['create table t ("begin atomic" int);\ncommit;', 'COMMIT', 2],
  ['SET "search_path" TO public;', 'SET "SEARCH_PATH"', 1],
])('%j is found where it stands', (text, command, line) => {
  expect(findTransactionControl(new SqlText(text))).toMatchObject({ command, line });
});

test.each([
  "insert into log values ('x; COMMIT;');",
  '-- COMMIT;\nselect 1;',
  '/* begin; */ select 1',
  'DO $$ BEGIN CREATE TYPE a AS ENUM (); END $$;',
  'create function f() returns int language sql begin atomic select 1; end;',
  'create function f() returns int begin atomic select p.end from p; select 2 as commit; end;',
  'create function f() returns int begin atomic select 1 as release; end; select 1 as rollback;',
  'create table "commit" (); select "begin" from t;',
  'select 1 as commit_count;',
  'set statement_timeout = 0;',
  "select set_config('statement_timeout', '0', true)",
  "do $$ begin perform 1; select set_config('search_path', '', true); end $$",
  "-- ;select set_config('search_path', '', true)",
  `create function f() returns text language sql as $$;select set_config('search_path', '', true)$$`,
  'CREATE TABLE begin_dates (a int);',
  '',
])('%j leaves the transaction alone', (text) => {
  expect(findTransactionControl(new SqlText(text))).toBeUndefined();
});

test.each([
  'SET "role" TO app',
  'set "request.jwt.claims" = \'{}\'',
  'SET SESSION "my ""own"" setting" TO 1',
])('%j changes the session, as an unquoted name does', (text) => {
  expect(findSessionChange(new SqlText(text))).toMatchObject({ line: 1 });
  expect(findLasting(new SqlText(text))).toMatchObject({ line: 1 });
});

test('a body of a hundred thousand statements is read once', () => {
  const body = 'insert into log values (case when true then 1 end); '.repeat(100_000);
  const text = `create procedure p() language sql begin atomic ${body} end;\nselect 1;`;
  const { commands } = new SqlText(text);
  expect(commands.map(({ hasAtomicBody }) => hasAtomicBody)).toEqual([true, false]);
});
