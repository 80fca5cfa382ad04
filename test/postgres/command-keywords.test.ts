import { describe, expect, it } from 'vitest';
import { readKeywords } from '../../src/postgres/sql/command-keywords.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

const read = (text: string): string => readKeywords(new SqlText(text).commands[0]);

describe('the keywords of a command', () => {
  it.each([
    ['create table items (id int)', 'CREATE TABLE'],
    ['CREATE TABLE IF NOT EXISTS "Items" ()', 'CREATE TABLE'],
    ['create unlogged table items ()', 'CREATE UNLOGGED TABLE'],
    ['create temp table items as select 1', 'CREATE TEMP TABLE'],
    ['Create Unique Index Concurrently on items (id)', 'CREATE UNIQUE INDEX CONCURRENTLY'],
    ['create index items_name on items (name)', 'CREATE INDEX'],
    ['drop index concurrently if exists items_name', 'DROP INDEX CONCURRENTLY'],
    ['alter table users add column x int', 'ALTER TABLE'],
    ['alter table only users drop x', 'ALTER TABLE'],
    ['create or replace function f() returns int as $$ select 1 $$', 'CREATE OR REPLACE FUNCTION'],
    ['create or replace procedure p() as $$ begin end $$', 'CREATE OR REPLACE PROCEDURE'],
    ['create constraint trigger t after insert on items', 'CREATE CONSTRAINT TRIGGER'],
    ['create materialized view v as select 1', 'CREATE MATERIALIZED VIEW'],
    ['create or replace recursive view v as select 1', 'CREATE OR REPLACE RECURSIVE VIEW'],
    ['refresh materialized view concurrently v', 'REFRESH MATERIALIZED VIEW CONCURRENTLY'],
    ['create type mood as enum ()', 'CREATE TYPE'],
    ['create text search configuration c (copy = english)', 'CREATE TEXT SEARCH CONFIGURATION'],
    ['alter default privileges grant select on tables to x', 'ALTER DEFAULT PRIVILEGES'],
    ['create operator class c for type int4 using btree as storage int4', 'CREATE OPERATOR CLASS'],
    ['drop user mapping for x server y', 'DROP USER MAPPING'],
    ['comment on table items is $$secret$$', 'COMMENT ON'],
    ['insert into items values (1)', 'INSERT INTO'],
    ['delete from items', 'DELETE FROM'],
    ['update items set name = 1', 'UPDATE'],
    ['merge into items using x on true', 'MERGE INTO'],
    ['with recursive a as (select 1) select * from a', 'WITH RECURSIVE'],
    ['with a as (select 1) insert into b select * from a', 'WITH'],
    ['select 1', 'SELECT'],
    ["((\nselect 'x') union select 2)", 'SELECT'],
    ['do $$ begin perform 1; end $$', 'DO'],
    ['truncate table items', 'TRUNCATE TABLE'],
    ['reindex (verbose) table items', 'REINDEX'],
    ['reindex table concurrently items', 'REINDEX TABLE CONCURRENTLY'],
    ['vacuum full items', 'VACUUM FULL'],
    ['copy items from stdin', 'COPY'],
    ['grant select on items to x', 'GRANT'],
  ])('of %s are %s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it('have one space between them, whatever the author wrote there', () => {
    expect(
      read('-- why\n/* a */ create /* unique? */\n\tunique\r\n  index -- i\n on items (id)'),
    ).toBe('CREATE UNIQUE INDEX');
  });

  it('are those of the first command of a statement', () => {
    expect(read('; ;alter table a add b int; drop table c')).toBe('ALTER TABLE');
  });

  it.each([
    // Names that are keywords elsewhere.
    ['alter table index add column x int', 'ALTER TABLE'],
    ['insert into temp values (1)', 'INSERT INTO'],
    ['update table_of_secrets set x = 1', 'UPDATE'],
    ['delete from "table"', 'DELETE FROM'],
    ['create table"secret"()', 'CREATE TABLE'],
    ['create "table" x', 'CREATE'],
    ['create secret thing', 'CREATE'],
    ["set password = 'secret'", 'SET'],
    ["select'secret'", 'SELECT'],
    ["notify secret, 'secret'", 'NOTIFY'],
  ])('of %s have no name and no value', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it.each([
    '',
    '   \n',
    '-- only a comment',
    '/* create table x () */',
    ';;',
    '"create" table x',
    "'create table'",
    '$$create table$$',
    '\\connect secret',
    '\\i create.sql',
    'secret',
    'creates table x',
    'create$ table x',
    'createé table x',
    // A blank to a reader, and part of a name to PostgreSQL.
    'create\u00a0table x',
    '\u{1f600} create table x',
    '1 create',
  ])('are none in %j', (text) => {
    expect(read(text)).toBe('');
  });

  it('are read in a text without end', () => {
    const blanks = ' '.repeat(5_000_000);
    expect(readKeywords(undefined)).toBe('');
    expect(read(`create${blanks}`)).toBe('CREATE');
    expect(read(`create${blanks}table${blanks}secret`)).toBe('CREATE TABLE');
    expect(read(`create ${'unique '.repeat(700_000)}secret`)).toBe('CREATE UNIQUE UNIQUE UNIQUE');
    expect(read(`insert into items values ${"('secret'),".repeat(400_000)}`)).toBe('INSERT INTO');
    expect(read(`${'('.repeat(5_000_000)}select`)).toBe('SELECT');
    expect(read(`create -- ${'x'.repeat(5_000_000)}\n table t ()`)).toBe('CREATE TABLE');
    expect(read('e'.repeat(5_000_000))).toBe('');
  });
});
