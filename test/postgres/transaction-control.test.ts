import { expect, test } from 'vitest';
import { findTransactionControl } from '../../src/postgres/sql/refused-commands.ts';
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
])('%j is found where it stands', (text, command, line) => {
  expect(findTransactionControl(new SqlText(text))).toMatchObject({ command, line });
});

test.each([
  "insert into log values ('x; COMMIT;');",
  '-- COMMIT;\nselect 1;',
  '/* begin; */ select 1',
  'DO $$ BEGIN CREATE TYPE a AS ENUM (); END $$;',
  'create function f() returns int language sql begin atomic select 1; end;',
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
