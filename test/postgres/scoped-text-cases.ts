import type { Pool } from 'pg';
import type { Cases } from './scoped-query-cases.ts';
import type { World } from './scoped-world.ts';

const raw =
  (text: string): Cases[string] =>
  async ({ db, sql, client }) => [
    await db.execute(sql.raw(text)),
    await client.query(text),
    await client.query({ text, rowMode: 'array' }),
  ];

/** Texts in which no table is named. */
export const texts: Cases = {
  'one command': raw('select 1 as one'),
  'a trailing semicolon': raw('select 1 as one;'),
  'a trailing semicolon and a comment': raw('select 1 as one; -- done'),
  'several semicolons': raw(';; select 1 as one;;'),
  'a leading comment': raw('/* traced; begin */ select 1 as one'),
  'several commands': raw('select 1 as one; select 2 as two, 3 as three'),
  'several commands, of which one returns nothing': raw(
    'select 1 as one; set local lock_timeout = 1',
  ),
  'several commands of one name': raw('select 1; select 1; select 1'),
  'an empty text': raw(''),
  'only blanks': raw(' \n'),
  'only a semicolon': raw(';'),
  'only a comment': raw('-- nothing'),
  'no columns': raw('select'),
  'columns of one name': raw('select 1 as a, 2 as a'),
  values: raw("values (1, 'a'), (2, null)"),
  show: raw('show timezone'),
  explain: raw('explain (costs off) select 1'),
  do: raw('do $$ begin perform 1; end $$'),
  'set local alone': raw("set local lock_timeout = '1s'"),
  'set constraints': raw('set constraints all deferred'),
  'set transaction alone': raw('set transaction isolation level serializable'),
  'set transaction first': raw(
    'set transaction isolation level serializable; show transaction_isolation',
  ),
  'copy to stdout': raw('copy (select 1) to stdout'),
  analyze: raw('analyze'),
  'a quoted semicolon': raw(`select ';' as ";", $$;commit$$ as b, E'\\';' as c`),
  'a dollar that is no parameter': raw(`select '$1' as "$2", 1 as a$3`),
};

/** Texts that name objects, with their schema where the tables have it. */
export const namedTexts: Cases = {
  'text with parameters': ({ db, sql, books }) =>
    db.execute(sql`select title from ${books} where id = ${1} or title = ${'Maps'} order by id`),
  'a raw text with values': ({ client, name, db, sql }) =>
    Promise.all([
      client.query(`select title from ${textOf({ db, sql }, name('books'))} where id = $1`, [2]),
      client.query({ text: 'select $1::int as n', values: [2] }),
    ]),
  'a sequence': ({ db, sql, name }) =>
    db.execute(
      sql`select nextval('${name('numbers')}') as a, nextval('${name('numbers')}') as b, lastval() as c`,
    ),
  'a function': ({ db, sql, name }) => db.execute(sql`select ${name('double')}(${21}) as n`),
  'a procedure': async ({ db, sql, name, books }) => {
    await db.execute(sql`call ${name('keep')}('Called')`);
    await db.execute(sql`call ${name('keep')}(${'Called with a parameter'})`);
    return db.select().from(books);
  },
  'a type': ({ db, sql, name }) =>
    db.execute(
      sql`select 'sad'::${name('mood')} < ${'happy'}::${name('mood')} as b, enum_range(null::${name('mood')})::text as c`,
    ),
  'making and dropping': async ({ db, sql, name }) => [
    await db.execute(
      sql`create table ${name('fresh')} (id int primary key, at timestamptz default now())`,
    ),
    await db.execute(sql`create index on ${name('fresh')} (at)`),
    await db.execute(sql`alter table ${name('fresh')} add more text default 'x'`),
    await db.execute(sql`insert into ${name('fresh')} (id) values (1) returning id, more`),
    await db.execute(sql`truncate ${name('fresh')}; drop table ${name('fresh')}`),
  ],
  'several commands with tables': ({ db, sql, authors, books }) =>
    db.execute(
      sql`update ${authors} set boss = null; select count(*) from ${books}; delete from ${books}`,
    ),
  'several commands of which one fails': async ({ db, sql, authors }) => {
    const failed = await db
      .execute(sql`delete from ${authors} where id = 3; select 1 / 0`)
      .catch(() => 'failed');
    return [failed, await db.select().from(authors)];
  },
};

/** Drizzle has no public way to turn a name into a text. */
function textOf({ db, sql }: Pick<World, 'db' | 'sql'>, name: ReturnType<World['name']>): string {
  const { sql: text } = db
    .select({ a: sql`${name}` })
    .from(sql`b`)
    .toSQL();
  return text.slice('select '.length, -' from b'.length);
}

/** Prepared statements and the forms of pg. */
export const prepared: Cases = {
  'placeholders, executed repeatedly': async ({ db, books, sql, orm: { eq } }) => {
    const byTitle = db
      .select()
      .from(books)
      .where(eq(books.title, sql.placeholder('title')))
      .prepare('by_title');
    return [
      await byTitle.execute({ title: 'Maps' }),
      await byTitle.execute({ title: 'none' }),
      await db.transaction(() => byTitle.execute({ title: 'Looms' })),
      await Promise.all(['Maps', 'Looms', 'Lost'].map((title) => byTitle.execute({ title }))),
    ];
  },
  'a prepared insert': async ({ db, authors, sql }) => {
    const add = db
      .insert(authors)
      .values({ name: sql.placeholder('name') })
      .returning()
      .prepare('add');
    return [await add.execute({ name: 'a' }), await add.execute({ name: 'b' })];
  },
  'a prepared statement whose table gets a column': async ({ db, sql, authors, orm: { eq } }) => {
    const read = db.select().from(authors).where(eq(authors.id, 1)).prepare('read');
    const before = await read.execute();
    await db.execute(sql`alter table ${authors} add column more int`);
    return [before, await read.execute(), await read.execute()];
  },
  'a failing prepared statement': async ({ db, sql, authors, orm: { eq } }) => {
    const divide = db
      .select({ n: sql`1 / ${sql.placeholder('n')}::int` })
      .from(authors)
      .where(eq(authors.id, 1))
      .prepare('divide');
    return [
      await divide.execute({ n: 1 }),
      await divide.execute({ n: 0 }).catch(() => 'failed'),
      await divide.execute({ n: 1 }),
    ];
  },
  'one name for two texts': async ({ client }) => {
    await client.query({ name: 'same', text: 'select 1' });
    return client
      .query({ name: 'same', text: 'select 2' })
      .catch((error: Error) => /unique/.test(error.message));
  },
};

export const transactions: Cases = {
  'committed, with a result': async ({ db, authors }) => [
    await db.transaction(async (tx) => {
      await tx.insert(authors).values({ name: 'X' });
      return 'result';
    }),
    await db.select().from(authors),
  ],
  'rolled back by a throw': async ({ db, books }) => {
    const failing = db.transaction(async (tx) => {
      await tx.delete(books);
      throw new Error('no');
    });
    return [await failing.catch(({ message }: Error) => message), await db.select().from(books)];
  },
  'rolled back by rollback()': async ({ db, kinds }) => {
    const failing = db.transaction(async (tx) => {
      await tx.insert(kinds).values({});
      tx.rollback();
    });
    return [await failing.catch(({ name }: Error) => name), await db.$count(kinds)];
  },
  ...Object.fromEntries(
    (['read committed', 'repeatable read', 'serializable'] as const).flatMap((isolationLevel) =>
      (['read write', 'read only'] as const).flatMap((accessMode) =>
        [true, false].map((deferrable) => [
          `${isolationLevel}, ${accessMode}, ${deferrable ? '' : 'not '}deferrable`,
          ({ db, sql, authors }: World) =>
            db.transaction(
              async (tx) => [
                await tx.execute(sql`select current_setting('transaction_isolation') as a,
                  current_setting('transaction_read_only') as b, current_setting('transaction_deferrable') as c`),
                await tx.select().from(authors),
              ],
              { isolationLevel, accessMode, deferrable },
            ),
        ]),
      ),
    ),
  ),
  'nested, of which the inner one is rolled back': async ({ db, authors }) => {
    await db.transaction(async (tx) => {
      await tx.insert(authors).values({ name: 'kept' });
      await tx
        .transaction(async (inner) => {
          await inner.insert(authors).values({ name: 'gone' });
          await inner.transaction((deep) => deep.delete(authors));
          inner.rollback();
        })
        .catch(() => undefined);
      await tx.transaction((inner) => inner.insert(authors).values({ name: 'kept too' }));
    });
    return db.select().from(authors);
  },
  'set transaction behind begin': ({ db, sql }) =>
    db.transaction(async (tx) => {
      await tx.execute(sql`set transaction isolation level serializable`);
      return tx.execute(sql`show transaction_isolation`);
    }),
  'deferred constraints that fail at the end': async ({ db, sql, books, authors }) => {
    const failing = db.transaction(async (tx) => {
      await tx.execute(sql`set constraints all deferred`);
      await tx.insert(books).values({ title: 'a', author: 99 });
    });
    const { cause, code } = (await failing.catch((error: unknown) => error)) as {
      readonly cause?: { readonly code?: string };
      readonly code?: string;
    };
    return [cause?.code ?? code, await db.select().from(authors)];
  },
  'by hand on a client of $client': async ({ db }) => {
    const client = await (db as unknown as { readonly $client: Pool }).$client.connect();
    try {
      return [
        await client.query('begin'),
        await client.query('select 1 as one'),
        await client.query('savepoint a'),
        await client.query('release a'),
        await client.query('rollback'),
        await client.query('begin; select 2 as two; commit'),
        await client.query('rollback'),
      ];
    } finally {
      client.release();
    }
  },
  '50 queries at once': async ({ db, books, authors, orm: { eq } }) =>
    Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        n % 2
          ? db
              .select()
              .from(books)
              .where(eq(books.id, n % 5))
          : db.$count(authors),
      ),
    ),
  'queries in a transaction that are not awaited one by one': async ({ db, books, authors }) =>
    db.transaction((tx) =>
      Promise.all([tx.$count(books), tx.$count(authors), tx.select().from(books)]),
    ),
  'the logger': async ({ db, logged, sql }) => {
    await db.execute(sql`select ${1}::int`);
    await db.transaction((tx) => tx.execute(sql`select 2`), { isolationLevel: 'serializable' });
    return logged;
  },
};
