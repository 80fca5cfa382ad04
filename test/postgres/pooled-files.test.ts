import { describe, expect, test } from 'vitest';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { findPooledFileProblem } from '../../src/postgres/survey/file-problems.ts';

const problemOf = (text: string) =>
  findPooledFileProblem('shop', { name: '0000_init.sql', sql: new SqlText(text) });

describe('through a pooler that keeps no sessions', () => {
  test.each([
    ['set lock_timeout = 0', 'SET LOCK_TIMEOUT'],
    ['set session statement_timeout to 0', 'SET SESSION STATEMENT_TIMEOUT'],
    ['set role shop', 'SET ROLE SHOP'],
    ["set time zone 'UTC'", 'SET TIME ZONE'],
    ['listen orders', 'LISTEN'],
    ["load 'auto_explain'", 'LOAD'],
    ['prepare p as select 1', 'PREPARE'],
    ['create temp table t (id int)', 'CREATE TEMP'],
    ['create local temporary table t (id int) on commit delete rows', 'CREATE LOCAL TEMPORARY'],
    ['declare c no scroll cursor with hold for select 1', 'DECLARE'],
    ["select pg_catalog.set_config('lock_timeout', '0', false)", 'SET_CONFIG'],
    ['select pg_advisory_lock(1)', 'PG_ADVISORY_LOCK'],
    ['select 1 where pg_try_advisory_lock_shared (1)', 'PG_TRY_ADVISORY_LOCK_SHARED'],
  ])('a file may not say %s', (command, named) => {
    const found = problemOf(`create table a ();\n/* on commit drop */ ${command};`);
    expect(found).toMatchObject({ code: 'POOLER_UNSUPPORTED', file: '0000_init.sql' });
    expect(found?.message).toContain(`line 2 has ${named},`);
    expect(found?.hint).toContain('migrationPool');
  });

  test.each([
    "set local lock_timeout = '5s'",
    'set constraints all deferred',
    'set transaction isolation level serializable',
    'create temp table t (id int) on commit drop',
    "insert into t values ('set role shop'); -- set role shop",
    'update t set role = 1',
    'declare c cursor without hold for select 1',
    "select set_config('lock_timeout', '0', true)",
    'select pg_advisory_xact_lock(1)',
  ])('a file may say %s', (command) => {
    expect(problemOf(`create table a ();\n${command};`)).toBeUndefined();
  });

  test.each(['vacuum', '-- slipway: no-transaction\ncall work()'])(
    'a file may not run outside of a transaction: %s',
    (text) => {
      const found = problemOf(text);
      expect(found?.message).toContain('runs outside of a transaction');
      expect(found?.hint).toContain('migrationPool');
    },
  );
});
