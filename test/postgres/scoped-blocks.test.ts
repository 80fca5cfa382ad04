import type { Pool } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { listTables, useDatabase } from '../support/database.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();

beforeAll(() =>
  db.query(`create schema plugin_a;
    create procedure plugin_a.wander(id int default 0) language plpgsql as
      'begin create table before_commit (); commit; create table after_commit (); end';
    create procedure plugin_a.stay(id int default 0) language plpgsql as
      'begin create table stayed (); end'`),
);
beforeEach(() => db.query('drop table if exists plugin_a.stayed'));

const wandering = [
  ['call wander()'],
  ['call wander($1)', [1]],
  ['call wander()', []],
  ['do $$ begin create table before_commit (); commit; create table after_commit (); end $$'],
  ['select 1; call wander()'],
] as const;

const staying = [['call stay()'], ['call stay($1)', [1]]] as const;

describe.each([{ pipeline: false }, { pipeline: true }])(
  'a block that commits, on a pool with %o',
  (options) => {
    const open = (): Pool => createScopedPool(db.pool(options), 'plugin_a');

    test.each(wandering)(
      'fails on the pool, and nothing of it is kept: %s',
      async (text, values?: readonly unknown[]) => {
        expect(await errorOf(open().query(text, values as unknown[]))).toMatchObject({
          code: '2D000',
        });
        expect(await listTables(db)).toEqual([]);
      },
    );

    test.each(wandering)('fails on a client: %s', async (text, values?: readonly unknown[]) => {
      const client = await open().connect();
      const { message } = await errorOf(client.query(text, values as unknown[]));
      expect(message).toMatch(/invalid transaction termination|needs a transaction/);
      client.release();
      expect(await listTables(db)).toEqual([]);
    });

    test.each(staying)(
      'is unlike one that does not: %s',
      async (text, values?: readonly unknown[]) => {
        await open().query(text, values as unknown[]);
        expect(await listTables(db)).toEqual(['plugin_a.stayed']);
      },
    );
  },
);
