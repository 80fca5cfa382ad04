import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mayMakeExtensionSchema } from '../../src/postgres/sql/extension-commands.ts';
import { extensionEdits } from '../../src/postgres/survey/extension-schemas.ts';
import { publicEdits } from '../../src/postgres/sql/public-names.ts';
import { applyEdits, type RewrittenSql } from '../../src/postgres/sql/sql-edits.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

const facts = { schemas: ['ext', 'other'], placeable: ['citext', 'uuid-ossp', 'we;"ird'] };

function rewrite(text: string): RewrittenSql {
  const sql = new SqlText(text);
  return applyEdits(text, [...publicEdits(sql, 'p', 'all'), ...extensionEdits(sql, facts)]);
}

describe('a CREATE EXTENSION without a schema gets one', () => {
  test.each([
    ['create extension citext', 'create extension citext SCHEMA "ext"'],
    ['CREATE EXTENSION CITEXT;', 'CREATE EXTENSION CITEXT SCHEMA "ext";'],
    [
      'CREATE EXTENSION IF NOT EXISTS "uuid-ossp";select 1',
      'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" SCHEMA "ext";select 1',
    ],
    [
      `create extension citext with version '1.6' cascade`,
      `create extension citext with SCHEMA "ext" version '1.6' cascade`,
    ],
    [`create extension citext version '1.6'`, `create extension citext SCHEMA "ext" version '1.6'`],
    [
      '\uFEFF-- first\ncreate /* new */ extension\n  citext -- why\n;',
      '\uFEFF-- first\ncreate /* new */ extension\n  citext SCHEMA "ext" -- why\n;',
    ],
    [
      'create table "a;create extension citext" ();\n--> statement-breakpoint\ncreate extension "we;""ird"',
      'create table "a;create extension citext" ();\n--> statement-breakpoint\ncreate extension "we;""ird" SCHEMA "ext"',
    ],
  ])('%s', (sql, expected) => {
    expect(rewrite(sql).text).toBe(expected);
  });
});

test.each([
  'create extension citext schema x',
  'create extension if not exists citext with schema "x"',
  `create extension citext version '1.6' schema x`,
  'create extension hstore',
  `select 'x; create extension citext'`,
  '-- create extension citext\nselect 1',
  'do $$ begin create extension citext; end $$',
  'drop extension citext',
  'explain create extension citext',
])('%s stays as it is', (sql) => {
  expect(rewrite(sql).text).toBe(sql);
});

test('without a schema for extensions nothing is changed', () => {
  expect(extensionEdits(new SqlText('create extension citext'), { ...facts, schemas: [] })).toEqual(
    [],
  );
});

test('every place behind an insertion is found in the original, whatever else was rewritten', () => {
  const piece = fc.constantFrom(
    'create extension citext',
    ';\n',
    'alter table "public"."é😀" add x int',
    ' ',
    '--> statement-breakpoint\n',
    "'create extension citext'",
  );
  const sql = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(sql, (text) => {
      const { text: rewritten, toOriginal } = rewrite(text);
      const places = Array.from(rewritten, (_, index) => toOriginal(index));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      for (const match of rewritten.matchAll(/;|citext|😀|breakpoint|x int/gu)) {
        expect(text.startsWith(match[0], toOriginal(match.index))).toBe(true);
      }
      expect(toOriginal(rewritten.length)).toBe(text.length);
    }),
  );
});

describe('a file that may make a schema of extensions', () => {
  test.each([
    'create extension citext schema x',
    'alter extension citext set schema x',
    'do $$ begin create extension citext; end $$',
    'do $$ begin perform admin.install(); end $$',
    'create extension citext; select admin.install_all();',
    'select admin.install()',
    'call admin.install()',
  ])('%s', (sql) => {
    expect(mayMakeExtensionSchema(new SqlText(sql))).toBe(true);
  });

  test.each([
    'create extension if not exists citext; create table t (c citext)',
    'create table t (selected int); insert into t select 1',
    'do $$ begin alter table t add x int; end $$',
  ])('is not %s', (sql) => {
    expect(mayMakeExtensionSchema(new SqlText(sql))).toBe(false);
  });
});
