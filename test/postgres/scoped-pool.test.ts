import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core';
import { relations } from 'drizzle-orm/relations';
import { Pool } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const authors = pgTable('authors', { id: serial('id').primaryKey(), name: text('name').notNull() });
const books = pgTable('books', {
  id: serial('id').primaryKey(),
  author: integer('author').references(() => authors.id),
});
const authorRelations = relations(authors, ({ many }) => ({ books: many(books) }));
const bookRelations = relations(books, ({ one }) => ({
  writer: one(authors, { fields: [books.author], references: [authors.id] }),
}));
const schema = { authors, books, authorRelations, bookRelations };

beforeAll(async () => {
  await db.query('create schema ext; create function ext.answer() returns int return 42');
  for (const name of ['plugin_a', 'plugin_b']) {
    await db.query(`create schema ${name}; set search_path = ${name};
      create table authors (id serial primary key, name text not null);
      create table books (id serial primary key, author int references authors deferrable initially deferred);
      insert into authors (name) values ('${name}')`);
  }
});

describe('query', () => {
  test('takes all the forms of pg, and answers with promises or callbacks', async () => {
    const pool = createScopedPool(db.pool(), 'plugin_a', { extensionSchemas: ['ext'] });
    const expected = [{ name: 'plugin_a' }];
    const one = 'select name from authors where id = $1';
    expect((await pool.query('select name from authors')).rows).toEqual(expected);
    expect((await pool.query(one, [1])).rows).toEqual(expected);
    expect((await pool.query({ text: one, values: [1] })).rows).toEqual(expected);
    expect((await pool.query({ text: one, rowMode: 'array' }, [1])).rows).toEqual([['plugin_a']]);
    expect((await pool.query({ name: 'one', text: one }, [1])).rows).toEqual(expected);
    expect((await pool.query('select answer() as n')).rows).toEqual([{ n: 42 }]);
    const answered = await new Promise((resolve, reject) => {
      pool.query(one, [1], (error, result) => (error ? reject(error) : resolve(result.rows)));
    });
    expect(answered).toEqual(expected);
    const failed = await new Promise((resolve) =>
      pool.query('select 1/0', (error) => resolve(error)),
    );
    expect(failed).toMatchObject({ code: '22012' });
  });

  test('keeps the error of the query, and the connection', async () => {
    const shared = db.pool({ max: 1 });
    const pool = createScopedPool(shared, 'plugin_a');
    const before = (await shared.query('select pg_backend_pid()')).rows;
    expect(await errorOf(pool.query('select * from nowhere'))).toMatchObject({ code: '42P01' });
    expect(await errorOf(pool.query('insert into books (author) values (99)'))).toMatchObject({
      code: '23503',
    });
    expect((await shared.query('select pg_backend_pid()')).rows).toEqual(before);
  });

  test('refuses a cursor with what to do', async () => {
    const pool = createScopedPool(db.pool(), 'plugin_a');
    const cursor = { submit: () => undefined };
    await expect(pool.query(cursor)).rejects.toThrow(/connect\(\)/);
  });

  test('that loses its connection fails, and is no crash', async () => {
    const shared = db.pool();
    const pool = createScopedPool(shared, 'plugin_a');
    const failing = errorOf(pool.query('select pg_terminate_backend(pg_backend_pid())'));
    expect(await failing).toMatchObject({ code: '57P01' });
    await expect.poll(() => shared.totalCount).toBe(0);
  });
});

describe('Drizzle', () => {
  test('works on it: select, relations, execute, transactions and savepoints, $client', async () => {
    const database = drizzle({ client: createScopedPool(db.pool(), 'plugin_b'), schema });
    expect(await database.select({ name: authors.name }).from(authors)).toEqual([
      { name: 'plugin_b' },
    ]);
    expect(await database.$count(authors)).toBe(1);
    expect((await database.execute(sql`select current_schema() as s`)).rows).toEqual([
      { s: 'plugin_b' },
    ]);
    const added = await database.transaction(async (tx) => {
      const [row] = await tx.insert(books).values({ author: 1 }).returning();
      await tx
        .transaction(async (inner) => {
          await inner.delete(books);
          inner.rollback();
        })
        .catch(() => undefined);
      return row;
    });
    expect(await database.query.authors.findFirst({ with: { books: true } })).toEqual({
      id: 1,
      name: 'plugin_b',
      books: [added],
    });
    const failing = database.transaction(async (tx) => {
      await tx.delete(books);
      throw new Error('roll back');
    });
    await expect(failing).rejects.toThrow('roll back');
    expect(await database.select().from(books).where(eq(books.author, 1))).toEqual([added]);
    expect(database.$client).toBeInstanceOf(Pool);
  });
});

describe('connect', () => {
  test('gives a client with the path until its release, and the path of before afterwards', async () => {
    const shared = db.pool({ max: 1, options: '-c search_path=ext' });
    await shared.query('set search_path = ext, public');
    const pool = createScopedPool(shared, 'plugin_a');
    const client = await pool.connect();
    expect((await client.query('show search_path')).rows).toEqual([{ search_path: '"plugin_a"' }]);
    client.release();
    expect(() => client.release()).toThrow(/already been released/);
    expect((await shared.query('show search_path')).rows).toEqual([{ search_path: 'ext, public' }]);
    expect(shared.totalCount).toBe(1);
  });

  test('answers a callback', async () => {
    const shared = db.pool({ max: 1 });
    const pool = createScopedPool(shared, 'plugin_a');
    const path = await new Promise((resolve, reject) => {
      pool.connect((error, client, done) => {
        if (!client) return reject(error ?? new Error('no client'));
        client.query('show search_path', (failure, { rows }) => {
          done(failure);
          resolve(rows);
        });
      });
    });
    expect(path).toEqual([{ search_path: '"plugin_a"' }]);
    expect((await shared.query('show search_path')).rows).toEqual([
      { search_path: '"$user", public' },
    ]);
  });

  test('destroys a client released inside a transaction, or with an error', async () => {
    const shared = db.pool();
    const pool = createScopedPool(shared, 'plugin_a');
    const open = await pool.connect();
    await open.query('begin');
    open.release();
    const failed = await pool.connect();
    failed.release(new Error('broken'));
    expect(shared.totalCount).toBe(0);
  });

  test('of a client that is killed while it is out is no crash', async () => {
    const shared = db.pool();
    const client = await createScopedPool(shared, 'plugin_a').connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const ended = new Promise((resolve) => client.once('end', () => resolve(true)));
    await db.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    expect(await ended).toBe(true);
    client.release();
    await expect.poll(() => shared.totalCount).toBe(0);
  });
});

test('ending it leaves the pool of the host alone', async () => {
  const shared = db.pool();
  await createScopedPool(shared, 'plugin_a').end();
  expect((await shared.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('plugins and the host on one busy pool never see each other’s path', async () => {
  const shared = db.pool({ max: 3 });
  const pools = [
    ['"plugin_a"', createScopedPool(shared, 'plugin_a')],
    ['"plugin_b"', createScopedPool(shared, 'plugin_b')],
    ['"$user", public', shared],
  ] as const;
  await Promise.all(
    Array.from({ length: 60 }, async (_, round) => {
      const [path, pool] = pools[round % 3] ?? pools[0];
      const read = round % 2 === 0 ? readPath(pool) : readPathOnClient(pool);
      expect(await read).toEqual([{ search_path: path }]);
    }),
  );
  await expect.poll(() => shared.idleCount === shared.totalCount).toBe(true);
});

async function readPath(queryable: Pick<Pool, 'query'>): Promise<unknown[]> {
  return (await queryable.query('show search_path')).rows;
}

async function readPathOnClient(pool: Pool): Promise<unknown[]> {
  const client = await pool.connect();
  try {
    await client.query('select 1/0').catch(() => undefined);
    return await readPath(client);
  } finally {
    client.release();
  }
}
