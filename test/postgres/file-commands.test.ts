import { describe, expect, test } from 'vitest';
import { listCommands, readWay } from '../../src/postgres/sql/file-commands.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

describe('a command of a file without a transaction', () => {
  test.each([
    'insert into items values (1)',
    'with a as (select 1) insert into items select * from a',
    'update items set name = 1',
    'delete from items',
    'select backfill()',
    'truncate items',
    'create table items (id int)',
    'create or replace function f() returns int language sql as $$ select 1 $$',
    'create unique index on items (name)',
    'alter table items add column price int',
    `alter type state add value 'paid'`,
    'drop table items',
    `comment on table items is 'x'`,
    'grant select on items to public',
    'refresh materialized view concurrently totals',
    'do $$ begin update items set name = 1; end $$',
  ])('has a transaction with its row: %s', (sql) => {
    expect(wayOf(sql)).toBe('transaction');
  });

  test.each([
    'create index concurrently items_name on items (name)',
    'drop index concurrently items_name',
    'reindex table items',
    'alter table items detach partition january concurrently',
    'vacuum items',
    'create database shop',
    'alter system set work_mem = 1',
    'call backfill()',
    'cluster items',
    'do $$ begin commit; end $$',
    'do $$ begin call backfill(); end $$',
    `do $$ begin execute 'commit'; end $$`,
    'do language plpython3u $$ plpy.commit() $$',
    `do 'begin commit; end'`,
    'frobnicate items',
    'create frobnicator items',
  ])('runs alone: %s', (sql) => {
    expect(wayOf(sql)).toBe('alone');
  });

  test.each([`set statement_timeout = '1h'`, 'set session role app', 'reset statement_timeout'])(
    'sets the session: %s',
    (sql) => {
      expect(wayOf(sql)).toBe('session');
    },
  );
});

test('a file is cut at semicolons and breakpoints, and not in literals, comments and bodies', () => {
  const text = `-- slipway: no-transaction
select 'a;b'; -- gone; still
select $$ ; $$;
--> statement-breakpoint
/* c; */ vacuum;`;
  const commands = listCommands(new SqlText(text));
  expect(commands.map((each) => each.text)).toEqual([
    `select 'a;b'`,
    'select $$ ; $$;',
    '/* c; */ vacuum;',
  ]);
  for (const { text: cut, offset } of commands) {
    expect(text.slice(offset, offset + cut.length)).toBe(cut);
  }
});

test('the hash of a command is of its text alone: not of comments around it, line ends or breakpoints', () => {
  const hashes = (text: string) => listCommands(new SqlText(text)).map(({ hash }) => hash);
  const first = hashes('select 1,\n2;\nselect 3');
  expect(hashes('-- new\r\nselect 1,\r\n2; --> statement-breakpoint\r\n\r\nselect 3;')).toEqual(
    first,
  );
  expect(hashes('select 1, 2; select 3')).not.toEqual(first);
});

test('what stands behind a body of BEGIN ATOMIC is one with it up to the next breakpoint', () => {
  const atomic = 'create function f() returns int begin atomic select 1; end';
  const text = `select 1; ${atomic}; select 2;\n--> statement-breakpoint\nselect 3;`;
  expect(listCommands(new SqlText(text)).map((each) => each.text)).toEqual([
    'select 1',
    `${atomic}; select 2;`,
    'select 3;',
  ]);
});

function wayOf(sql: string) {
  const [command] = new SqlText(sql).commands;
  return command && readWay(command);
}
