import type { World } from './scoped-world.ts';

/** The uses of a database, by name. Each has to give the same as without a scope. */
export type Cases = Readonly<Record<string, (world: World) => Promise<unknown>>>;

export const selects: Cases = {
  'select all': ({ db, books }) => db.select().from(books),
  'select columns with an alias': ({ db, books, sql }) =>
    db.select({ name: books.title, twice: sql<number>`${books.price} * 2` }).from(books),
  'select distinct on': ({ db, books }) =>
    db
      .selectDistinctOn([books.author], { a: books.author, t: books.title })
      .from(books)
      .orderBy(books.author, books.title),
  'select distinct': ({ db, books }) =>
    db.selectDistinct({ author: books.author }).from(books).orderBy(books.author),
  'left join': ({ db, authors, books, orm: { eq } }) =>
    db
      .select()
      .from(authors)
      .leftJoin(books, eq(books.author, authors.id))
      .orderBy(authors.id, books.id),
  'right and inner join': ({ db, authors, books, orm: { eq } }) =>
    db
      .select()
      .from(books)
      .rightJoin(authors, eq(books.author, authors.id))
      .innerJoin(books, eq(books.id, books.id))
      .limit(1)
      .catch(() => 'ambiguous'),
  'full join': ({ db, authors, books, orm: { eq } }) =>
    db
      .select()
      .from(authors)
      .fullJoin(books, eq(books.author, authors.id))
      .orderBy(authors.id, books.id),
  'join with itself by an alias': ({ db, authors, core, orm: { eq } }) => {
    const boss = core.alias(authors, 'boss');
    return db
      .select({ name: authors.name, boss: boss.name })
      .from(authors)
      .innerJoin(boss, eq(boss.id, authors.boss))
      .orderBy(authors.id);
  },
  'join of a subquery': ({ db, authors, books, orm: { eq, count } }) => {
    const counted = db
      .select({ author: books.author, n: count().as('n') })
      .from(books)
      .groupBy(books.author)
      .as('counted');
    return db
      .select({ name: authors.name, n: counted.n })
      .from(authors)
      .leftJoin(counted, eq(counted.author, authors.id))
      .orderBy(authors.id);
  },
  'lateral join': ({ db, authors, books, orm: { eq, desc } }) => {
    const newest = db
      .select()
      .from(books)
      .where(eq(books.author, authors.id))
      .orderBy(desc(books.id))
      .limit(1)
      .as('newest');
    return db
      .select({ name: authors.name, title: newest.title })
      .from(authors)
      .innerJoinLateral(newest, db.$count(books) as never)
      .orderBy(authors.id)
      .catch(() => 'refused');
  },
  with: ({ db, books, orm: { gt } }) => {
    const dear = db.$with('dear').as(db.select().from(books).where(gt(books.price, '9')));
    return db.with(dear).select().from(dear).orderBy(dear.id);
  },
  'with that inserts': ({ db, authors }) => {
    const added = db.$with('added').as(db.insert(authors).values({ name: 'New' }).returning());
    return db.with(added).select().from(added);
  },
  'recursive with': ({ db, sql, authors }) =>
    db.execute(sql`with recursive up as (select id, boss, 1 as depth from ${authors} where boss is null
      union all select a.id, a.boss, depth + 1 from ${authors} a join up on a.boss = up.id)
      select * from up order by id`),
  'subquery in where': ({ db, authors, books, orm: { inArray } }) =>
    db
      .select()
      .from(authors)
      .where(inArray(authors.id, db.select({ id: books.author }).from(books))),
  exists: ({ db, authors, books, orm: { exists, eq } }) =>
    db
      .select()
      .from(authors)
      .where(exists(db.select().from(books).where(eq(books.author, authors.id)))),
  'group by, having, order, limit, offset': ({ db, books, orm: { sum, gt, desc, count } }) =>
    db
      .select({ author: books.author, total: sum(books.price), n: count() })
      .from(books)
      .groupBy(books.author)
      .having(({ n }) => gt(n, 0))
      .orderBy(desc(books.author))
      .limit(2)
      .offset(1),
  'window function': ({ db, books, sql }) =>
    db
      .select({ t: books.title, n: sql`row_number() over (order by ${books.title})` })
      .from(books)
      .orderBy(books.id),
  'for update': ({ db, books }) => db.select().from(books).limit(1).for('update'),
  'for share, skip locked': ({ db, books }) =>
    db.select().from(books).limit(1).for('share', { skipLocked: true }),
  union: ({ db, authors, books }) =>
    db
      .select({ n: authors.name })
      .from(authors)
      .union(db.select({ n: books.title }).from(books))
      .orderBy(({ n }) => n),
  'union all, intersect, except': async ({ db, authors, core }) => {
    const all = () => db.select({ id: authors.id }).from(authors);
    return [
      await core.unionAll(all(), all()).orderBy(({ id }) => id),
      await core.intersect(all(), all()).orderBy(({ id }) => id),
      await core.except(all(), all()),
      await core.intersectAll(all(), all()).orderBy(({ id }) => id),
      await core.exceptAll(all(), all()),
    ];
  },
  '$count, with a filter and in a select': async ({ db, authors, books, orm: { eq } }) => [
    await db.$count(books),
    await db.$count(books, eq(books.author, 1)),
    await db
      .select({ n: authors.name, c: db.$count(books, eq(books.author, authors.id)) })
      .from(authors)
      .orderBy(authors.id),
  ],
  view: ({ db, cheap }) => db.select().from(cheap).orderBy(cheap.id),
  'materialized view, before and after its refresh': async ({ db, books, totals }) => {
    const read = () => db.select().from(totals).orderBy(totals.author);
    const before = await read();
    await db.insert(books).values({ author: 3, title: 'More', price: '1' });
    const stale = await read();
    await db.refreshMaterializedView(totals);
    return [before, stale, await read()];
  },
  'unicode identifiers': async ({ db, unicode }) => {
    await db.insert(unicode).values({ id: 1, text: '☃ \u0001 "quoted" \\' });
    return db.select().from(unicode);
  },
};

export const changes: Cases = {
  'insert with returning': ({ db, authors }) =>
    db
      .insert(authors)
      .values([{ name: 'X' }, { name: 'Y', boss: 1 }])
      .returning(),
  'insert without returning': ({ db, authors }) => db.insert(authors).values({ name: 'X' }),
  'insert on conflict do nothing': ({ db, books }) =>
    db.insert(books).values({ title: 'Maps' }).onConflictDoNothing().returning(),
  'insert on conflict do update': ({ db, books, sql }) =>
    db
      .insert(books)
      .values({ title: 'Maps', price: '1' })
      .onConflictDoUpdate({ target: books.title, set: { price: sql`excluded.price + 1` } })
      .returning(),
  'insert from a select': ({ db, authors, books, sql }) =>
    db
      .insert(authors)
      .select(
        db
          .select({ id: sql<number>`id + 100`.as('id'), name: books.title, boss: books.author })
          .from(books) as never,
      )
      .returning(),
  'insert of 1,000 rows': async ({ db, authors, orm: { max } }) => {
    const rows = Array.from({ length: 1000 }, (_, n) => ({ name: `row ${n}` }));
    const added = await db.insert(authors).values(rows).returning({ id: authors.id });
    return [added.length, await db.select({ last: max(authors.id) }).from(authors)];
  },
  'insert of nothing but defaults': ({ db, kinds }) => db.insert(kinds).values({}).returning(),
  'update with returning': ({ db, books, orm: { eq } }) =>
    db.update(books).set({ price: null }).where(eq(books.title, 'Maps')).returning(),
  'update from another table': ({ db, books, authors, sql, orm: { eq } }) =>
    db
      .update(books)
      .set({ title: sql`${authors.name} || ${books.id}` })
      .from(authors)
      .where(eq(books.author, authors.id))
      .returning({ title: books.title }),
  'delete with returning': ({ db, books, orm: { isNull } }) =>
    db.delete(books).where(isNull(books.author)).returning(),
  'with in front of update and delete': async ({ db, books, orm: { eq, inArray } }) => {
    const some = db
      .$with('some')
      .as(db.select({ id: books.id }).from(books).where(eq(books.author, 1)));
    const ids = db.select({ id: some.id }).from(some);
    return [
      await db
        .with(some)
        .update(books)
        .set({ price: '3' })
        .where(inArray(books.id, ids))
        .returning(),
      await db.with(some).delete(books).where(inArray(books.id, ids)).returning(),
    ];
  },
  merge: ({ db, sql, authors }) =>
    db.execute(sql`merge into ${authors} a using (values (1), (9)) v (id) on a.id = v.id
      when matched then update set name = 'merged' when not matched then insert (name) values ('added')`),
};

export const relational: Cases = {
  'findMany with relations': ({ db }) =>
    db.query.authors.findMany({ with: { books: true } }).then(byId),
  'findFirst, columns and the other side': ({ db }) =>
    db.query.books.findFirst({ columns: { title: true }, with: { writer: true } }),
  'findMany of nothing': ({ db }) => db.query.books.findMany({ limit: 0 }),
  'findMany in a transaction': ({ db }) =>
    db.transaction((tx) => tx.query.authors.findMany({ with: { books: { limit: 1 } } })).then(byId),
  'a prepared findMany': async ({ db }) => {
    const prepared = db.query.authors.findMany({ with: { books: true } }).prepare('related');
    return [byId(await prepared.execute()), byId(await prepared.execute())];
  },
};

function byId<Row extends { readonly id: number }>(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted((a, b) => a.id - b.id);
}

/** Cases that fail, with the SQLSTATE. */
export const failures: Readonly<Record<string, readonly [string, Cases[string]]>> = {
  'a unique key': ['23505', ({ db, books }) => db.insert(books).values({ title: 'Maps' })],
  'a foreign key': [
    '23503',
    ({ db, books }) => db.insert(books).values({ title: 'a', author: 99 }),
  ],
  'a check': ['23514', ({ db, books }) => db.insert(books).values({ title: 'a', price: '-1' })],
  'not null': [
    '23502',
    ({ db, authors, sql }) => db.execute(sql`insert into ${authors} (name) values (null)`),
  ],
  'a numeric overflow': [
    '22003',
    ({ db, books }) => db.insert(books).values({ title: 'a', price: '1e12' }),
  ],
  'a wrong enum value': [
    '22P02',
    ({ db, kinds }) => db.insert(kinds).values({ mood: 'odd' as never }),
  ],
  'a division by zero': ['22012', ({ db, sql }) => db.execute(sql`select 1 / ${0}::int`)],
  'a syntax error': ['42601', ({ db, sql }) => db.execute(sql`select 1 fro m`)],
  'an unknown column': [
    '42703',
    ({ db, sql, books }) => db.execute(sql`select title, nope from ${books}`),
  ],
  'an unknown table': ['42P01', ({ db, sql }) => db.execute(sql`select * from nowhere_at_all`)],
  'an unknown function': ['42883', ({ db, sql }) => db.execute(sql`select 1, nothing(${1})`)],
  'several commands with parameters': [
    '42601',
    ({ db, sql }) => db.execute(sql`select ${1}; select 2`),
  ],
  'a parameter without a value': ['42P02', ({ db, sql }) => db.execute(sql.raw('select 1, $1'))],
  'too few parameters': ['08P01', ({ client }) => client.query('select $1::int, $2::int', [1])],
  'a serializable read only write': [
    '25006',
    ({ db, authors }) =>
      db.transaction((tx) => tx.insert(authors).values({ name: 'x' }), { accessMode: 'read only' }),
  ],
  'a statement after an error in a transaction': [
    '25P02',
    ({ db, sql }) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`select 1 / 0`).catch(() => undefined);
        await tx.execute(sql`select 1`);
      }),
  ],
  'a materialized view without data': [
    '55000',
    async ({ db, totals }) => {
      await db.refreshMaterializedView(totals).withNoData();
      return db.select().from(totals);
    },
  ],
};
