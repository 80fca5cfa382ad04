import { describe, expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { mark } from './command-fixture.ts';
import { pluginWith, takeSurvey } from './migration-fixture.ts';

const db = useDatabase();

describe('the survey refuses', () => {
  test.each([
    [
      'a temporary table',
      `${mark}create temp table t (id int); select 1`,
      'MIGRATION_FILES_INVALID',
    ],
    ['SELECT INTO TEMP', `${mark}select 1 into temp t; select 1`, 'MIGRATION_FILES_INVALID'],
    ['SET LOCAL', `${mark}set local work_mem = 1; select 1`, 'MIGRATION_FILES_INVALID'],
    ['PREPARE', `${mark}prepare a as select 1; select 1`, 'MIGRATION_FILES_INVALID'],
    ['COMMIT', `${mark}select 1; commit`, 'MIGRATION_TRANSACTION_CONTROL'],
    [
      'a second index without a name',
      `create index concurrently i on t (a); create index concurrently on t (b)`,
      'MIGRATION_FILES_INVALID',
    ],
    [
      'a body whose end is not known',
      `${mark}create function f() returns int begin atomic select 1; end; select 2`,
      'MIGRATION_FILES_INVALID',
    ],
    ['a mixture without the mark', 'vacuum; select 1', 'MIGRATION_MIXED_TRANSACTION'],
    [
      'a long file of several commands',
      `${mark}${`insert into t values ('${'x'.repeat(1000)}');`.repeat(1100)}`,
      'MIGRATION_MIXED_TRANSACTION',
    ],
  ])('%s', async (_, sql, code) => {
    const fresh = db;
    const client = await fresh.pool().connect();
    const { problems } = await takeSurvey(client, [await pluginWith('a', { '0000_a': sql })]);
    client.release();
    expect(problems).toMatchObject([{ code, plugin: 'a', file: '0000_a.sql' }]);
  });

  test('a mixture, and the hint names the mark and what it means', async () => {
    const client = await db.pool().connect();
    const { problems } = await takeSurvey(client, [
      await pluginWith('a', { '0000_a': 'create table t (id int);\nvacuum;' }),
    ]);
    client.release();
    expect(problems).toMatchObject([{ line: 2, column: 1 }]);
    expect(problems[0]?.hint).toContain('"-- slipway: no-transaction"');
    expect(problems[0]?.hint).toContain('those before it stay');
  });
});
