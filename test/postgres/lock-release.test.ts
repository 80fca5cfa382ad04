import { describe, expect, test } from 'vitest';
import { findLockRelease } from '../../src/postgres/sql/refused-commands.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

describe('what frees the migration lock', () => {
  test.each([
    ['select pg_advisory_unlock_all()', 'PG_ADVISORY_UNLOCK_ALL', 1],
    ['create table a ();\n\nSELECT pg_catalog."pg_advisory_unlock_all" ();', undefined, 3],
    ['do $$ begin\n  perform pg_advisory_unlock_all();\nend $$', 'PG_ADVISORY_UNLOCK_ALL', 2],
    ['do language plpgsql $x$ begin perform pg_advisory_unlock_all(); end $x$', undefined, 1],
    ['select 1;--> statement-breakpoint\nDISCARD  ALL', 'DISCARD ALL', 2],
    ['select pg_terminate_backend(pg_backend_pid())', undefined, 1],
    ['create materialized view v as select pg_advisory_unlock_all()', undefined, 1],
  ])('%j is found where it is run', (text, command, line) => {
    expect(findLockRelease(new SqlText(text))).toMatchObject({ line, ...(command && { command }) });
  });

  test.each([
    `insert into log values ('select pg_advisory_unlock_all()')`,
    '-- pg_advisory_unlock_all()\nselect 1',
    '/* discard all */ select 1',
    'create function f() returns void language plpgsql as $$ begin perform pg_advisory_unlock_all(); end $$',
    'create or replace function f() returns void language sql return pg_advisory_unlock_all()',
    'create view v as select pg_advisory_unlock_all() is null as x',
    'create function f() returns int language sql begin atomic select pg_advisory_unlock_all(); select 1; end',
    'select pg_advisory_unlock(1)',
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()',
    'create table pg_advisory_unlock_all (id int)',
    'discard temp',
  ])('%j frees nothing that is not its own', (text) => {
    expect(findLockRelease(new SqlText(text))).toBeUndefined();
  });
});
