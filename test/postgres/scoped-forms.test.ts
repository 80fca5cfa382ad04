import { types, type Pool, type QueryConfig } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();

beforeAll(async () => {
  await db.query(`create schema plugin_a; create table plugin_a.items (id int, name text);
    insert into plugin_a.items values (1, 'a'), (2, 'b'), (3, null)`);
});

const text = 'select id, name from items order by id';
const byId = 'select id, name from items where id = $1';
const shout = {
  getTypeParser: (oid: never, format: never) =>
    oid === types.builtins.TEXT
      ? (value: string) => value.toUpperCase()
      : types.getTypeParser(oid, format),
};

/** pg's forms that its own types leave out are among them. */
const forms: Readonly<Record<string, readonly [object | string, unknown[]?]>> = {
  'a text': [text],
  'a text with values': [byId, [2]],
  'a text with no values': [text, []],
  'a config': [{ text: byId, values: [2] }],
  'values beside a config': [{ text: byId }, [2]],
  rowMode: [{ text, rowMode: 'array' }],
  types: [{ text, types: shout }],
  'types and values': [{ text: byId, types: shout }, [1]],
  binary: [{ text, binary: true }],
  'binary and values': [{ text: byId, binary: true }, [1]],
  'rows, fewer than there are': [{ text, rows: 2 }],
  'rows, more than there are': [{ text, rows: 20 }],
  'rows of an empty text': [{ text: '', rows: 2 }],
  name: [{ text: byId, name: 'by-id' }, [3]],
  'the same name': [{ text: byId, name: 'by-id' }, [1]],
  'a name and no values': [{ text, name: 'all' }],
  queryMode: [{ text, queryMode: 'extended' }],
  'queryMode and an empty text': [{ text: '', queryMode: 'extended' }],
  query_timeout: [{ text, query_timeout: 30_000 }],
  'a config whose fields are getters': [
    new (class {
      get text(): string {
        return byId;
      }
      get values(): unknown[] {
        return [2];
      }
    })(),
  ],
};

type Queryable = Pick<Pool, 'query'>;

async function inTransaction(pool: Pool, use: (client: Queryable) => Promise<unknown>) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    return await use(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

describe.each(Object.entries(forms))('query() with %s', (_, [query, values]) => {
  test('answers as pg does, in each place, with promises and callbacks', async () => {
    const plain = db.pool({ max: 1, options: '-c search_path=plugin_a' });
    const scoped = createScopedPool(db.pool(), 'plugin_a');
    const run = async (target: Queryable): Promise<unknown> => {
      const { command, rowCount, rows, fields } = await target.query(query as QueryConfig, values);
      return { command, rowCount, rows, fields };
    };
    const expected = await run(plain);
    expect(await run(scoped)).toStrictEqual(expected);
    expect(await run(scoped)).toStrictEqual(expected);
    expect(await inTransaction(scoped, run)).toStrictEqual(expected);
    const client = await scoped.connect();
    expect(await run(client)).toStrictEqual(expected);
    for (const target of [scoped, client]) {
      const called = new Promise((resolve, reject) => {
        const answer = (error: Error | undefined, result: object): void =>
          error ? reject(error) : resolve(result);
        void target.query(...([query, ...(values ? [values] : []), answer] as unknown as [string]));
      });
      expect(await called).toMatchObject(expected as object);
    }
    client.release();
  });
});

describe('an error', () => {
  const broken: Readonly<Record<string, readonly [string, unknown[]?]>> = {
    'in one command': ['select nope from items'],
    'in one command with values': ['select $1::int, nope from items', [1]],
    'in the second command': ['select 1; select nope from items'],
    'in a command behind characters of four bytes': [`select '😀'; select nope from items`],
    'in the syntax of the second command': ['select 1; selec 2'],
    'behind BEGIN': ['begin; select nope from items'],
    'in BEGIN': ['begin isolation level nothing'],
    'in DDL': ['create table items (id int, id int)'],
    'in a named statement': ['select nope from items where id = $1', [1]],
  };

  test.each(Object.entries(broken))(
    '%s has the place in the text of the caller',
    async (_, [sql, values]) => {
      const place = async (pool: Pool): Promise<unknown> => {
        const client = await pool.connect();
        const { code, position } = (await errorOf(client.query(sql, values))) as Error & {
          code: string;
          position: string;
        };
        client.release(true);
        return { code, position };
      };
      const plain = db.pool({ options: '-c search_path=plugin_a' });
      expect(await place(createScopedPool(db.pool(), 'plugin_a'))).toEqual(await place(plain));
    },
  );

  test('of a text that neither has, nor a name, is pg’s own', async () => {
    const scoped = createScopedPool(db.pool(), 'plugin_a');
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    expect((await errorOf(scoped.query('select $1::jsonb', [cyclic]))).message).toMatch(/circular/);
    expect((await scoped.query('select current_schema() as s')).rows).toEqual([{ s: 'plugin_a' }]);
    expect(
      (await errorOf(scoped.query({ text: 'select 1', values: {} as never }))).message,
    ).toMatch(/must be an array/);
  });
});

test('COPY FROM STDIN fails as with pg, and does not hang', async () => {
  const shared = db.pool({ max: 1 });
  const scoped = createScopedPool(shared, 'plugin_a');
  expect(await errorOf(scoped.query('copy items from stdin'))).toMatchObject({ code: '57014' });
  const client = await scoped.connect();
  expect(await errorOf(client.query('copy items from stdin'))).toMatchObject({ code: '57014' });
  expect((await client.query('select count(*)::int as n from items')).rows).toEqual([{ n: 3 }]);
  client.release();
});

test('a named statement that could not be parsed is parsed when it is sent again', async () => {
  const client = await createScopedPool(db.pool(), 'plugin_a').connect();
  const late = () => client.query({ name: 'late', text: 'select id from late' });
  await client.query('select 1');
  expect(await errorOf(late())).toMatchObject({ code: '42P01' });
  await client.query('create table late (id int)');
  expect((await late()).rows).toEqual([]);
  client.release();
});

test('a prepared statement whose result changes its columns fails once, as with pg', async () => {
  await db.query('create table plugin_a.grown (id int)');
  const scoped = createScopedPool(db.pool({ max: 1 }), 'plugin_a');
  const all = () => scoped.query({ name: 'all', text: 'select * from grown' });
  await all();
  await scoped.query('alter table grown add more int');
  expect(await errorOf(all())).toMatchObject({ code: '0A000' });
  expect((await all()).fields.map(({ name }) => name)).toEqual(['id', 'more']);
});

describe('query_timeout', () => {
  const slow = { text: 'select pg_sleep(60)', query_timeout: 20 };

  test('on the pool destroys the client, whose server is still busy', async () => {
    const shared = db.pool({ max: 1 });
    const scoped = createScopedPool(shared, 'plugin_a');
    expect((await errorOf(scoped.query(slow))).message).toBe('Query read timeout');
    expect(shared.totalCount).toBe(0);
    expect((await scoped.query('select current_schema() as s')).rows).toEqual([{ s: 'plugin_a' }]);
    await endSleepers();
  });

  test('on a client destroys it at its release', async () => {
    const shared = db.pool({ max: 1 });
    const client = await createScopedPool(shared, 'plugin_a').connect();
    expect((await errorOf(client.query(slow))).message).toBe('Query read timeout');
    client.release();
    expect(shared.totalCount).toBe(0);
    await endSleepers();
  });

  test('that is over before the client is released costs nothing', async () => {
    const shared = db.pool({ max: 1 });
    const client = await createScopedPool(shared, 'plugin_a').connect();
    const sleeping = { text: 'select pg_sleep(0.1)', query_timeout: 20 };
    expect((await errorOf(client.query(sleeping))).message).toBe('Query read timeout');
    expect((await client.query('select current_schema() as s')).rows).toEqual([{ s: 'plugin_a' }]);
    client.release();
    expect(shared.totalCount).toBe(1);
  });
});

/** A session notices that its client has gone only when its statement ends. */
async function endSleepers(): Promise<void> {
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and query like '%pg_sleep%' and pid <> pg_backend_pid()`,
  );
}
