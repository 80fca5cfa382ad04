import * as orm from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import * as core from 'drizzle-orm/pg-core';
import { relations } from 'drizzle-orm/relations';
import type { Pool } from 'pg';

/** A release line of Drizzle. The types are those of 0.45, also for 1.0: the cases only use what both have. */
interface DrizzleLine {
  readonly name: '0.45' | '1.0';
  readonly orm: typeof orm;
  readonly core: typeof core;
  readonly drizzle: typeof drizzle;
}

export const drizzle045: DrizzleLine = { name: '0.45', orm, core, drizzle };

/** Loads the Drizzle 1.0 beside the 0.45 that the other tests run: `"drizzle-orm-1": "npm:drizzle-orm@1.0.0-rc.5"`. */
export async function loadDrizzle1(): Promise<DrizzleLine> {
  const alias = 'drizzle-orm-1';
  const load = (path: string): Promise<unknown> => import(`${alias}${path}`);
  const driver = (await load('/node-postgres')) as { readonly drizzle: typeof drizzle };
  return {
    name: '1.0',
    orm: (await load('')) as typeof orm,
    core: (await load('/pg-core')) as typeof core,
    drizzle: driver.drizzle,
  };
}

/** The parts that a case works with. Its tables are named with their schema, or without. */
export type World = ReturnType<typeof createWorld>;

/** @param schemaName Of tables that are named with their schema. */
export function createWorld(line: DrizzleLine, client: Pool, schemaName?: string) {
  const tables = createTables(line, schemaName);
  const logged: string[] = [];
  const logger = { logQuery: (query: string) => void logged.push(query) };
  const db = line.drizzle({ client, logger, ...createRelations(line, tables) } as never);
  /** Names an object that Drizzle does not know. */
  const name = (object: string) =>
    line.orm.sql.raw(schemaName === undefined ? object : `${schemaName}.${object}`);
  return {
    ...tables,
    line: line.name,
    orm: line.orm,
    core: line.core,
    sql: line.orm.sql,
    db: db as unknown as ScopedDrizzle,
    client,
    name,
    logged,
  };
}

type Tables = ReturnType<typeof createTables>;
type ScopedDrizzle = ReturnType<typeof drizzle<Tables & ReturnType<typeof createRelations045>>>;

function createTables({ core: pg }: DrizzleLine, schemaName: string | undefined) {
  const plain = {
    table: pg.pgTable,
    enum: pg.pgEnum,
    view: pg.pgView,
    materializedView: pg.pgMaterializedView,
  };
  const place = (schemaName === undefined
    ? plain
    : pg.pgSchema(schemaName)) as unknown as typeof plain;
  const mood = place.enum('mood', ['sad', 'happy']);
  const point = pg.customType<{ data: { x: number; y: number }; driverData: string }>({
    dataType: () => 'text',
    toDriver: ({ x, y }) => `${x}/${y}`,
    fromDriver: (text) => {
      const [x, y] = text.split('/');
      return { x: Number(x), y: Number(y) };
    },
  });
  const authors = place.table('authors', {
    id: pg.serial('id').primaryKey(),
    name: pg.text('name').notNull(),
    boss: pg.integer('boss'),
  });
  const books = place.table('books', {
    id: pg.serial('id').primaryKey(),
    author: pg.integer('author'),
    title: pg.text('title').notNull().unique(),
    price: pg.numeric('price', { precision: 10, scale: 2 }),
  });
  const kinds = place.table('kinds', {
    id: pg.serial('id').primaryKey(),
    mood: mood('mood'),
    names: pg.text('names').array(),
    numbers: pg.integer('numbers').array(),
    data: pg.jsonb('data'),
    plainData: pg.json('plain_data'),
    bytes: pg.customType<{ data: Buffer }>({ dataType: () => 'bytea' })('bytes'),
    amount: pg.numeric('amount'),
    big: pg.bigint('big', { mode: 'bigint' }),
    ratio: pg.doublePrecision('ratio'),
    isOn: pg.boolean('is_on'),
    code: pg.uuid('code'),
    at: pg.timestamp('at', { precision: 3 }),
    atText: pg.timestamp('at_text', { mode: 'string' }),
    zoned: pg.timestamp('zoned', { withTimezone: true }),
    zonedText: pg.timestamp('zoned_text', { withTimezone: true, mode: 'string' }),
    day: pg.date('day'),
    lasting: pg.interval('lasting'),
    place: point('place'),
  });
  const unicode = place.table('größe "ß" ☃', {
    id: pg.integer('naïve "col"').primaryKey(),
    text: pg.text('текст'),
  });
  const cheap = place.view('cheap', { id: pg.integer('id'), title: pg.text('title') }).existing();
  const totals = place
    .materializedView('totals', { author: pg.integer('author'), total: pg.numeric('total') })
    .existing();
  return { authors, books, kinds, unicode, cheap, totals };
}

function createRelations045({ authors, books }: Pick<Tables, 'authors' | 'books'>) {
  return {
    authorRelations: relations(authors, ({ many }) => ({ books: many(books) })),
    bookRelations: relations(books, ({ one }) => ({
      writer: one(authors, { fields: [books.author], references: [authors.id] }),
    })),
  };
}

/** 1.0 declares relations in another way, and queries them in the same. */
function createRelations(line: DrizzleLine, { authors, books }: Tables): object {
  if (line.name === '0.45') {
    return { schema: { authors, books, ...createRelations045({ authors, books }) } };
  }
  const { defineRelations } = line.orm as unknown as {
    readonly defineRelations: (tables: object, define: (r: Relate) => object) => object;
  };
  return {
    relations: defineRelations({ authors, books }, (r) => ({
      authors: { books: r.many.books({ from: r.authors.id, to: r.books.author }) },
      books: { writer: r.one.authors({ from: r.books.author, to: r.authors.id }) },
    })),
  };
}

interface Relate {
  readonly one: { readonly authors: (on: object) => unknown };
  readonly many: { readonly books: (on: object) => unknown };
  readonly authors: { readonly id: unknown };
  readonly books: { readonly author: unknown };
}

/** The schema `plugin_x`, as each case finds it. */
export const worldSql = `
  drop schema if exists plugin_x cascade;
  create schema plugin_x;
  set search_path = plugin_x;
  create type mood as enum ('sad', 'happy');
  create sequence numbers start 100;
  create table authors (id serial primary key, name text not null, boss int);
  create table books (id serial primary key, author int references authors deferrable,
    title text not null unique, price numeric(10, 2) check (price >= 0));
  create table kinds (id serial primary key, mood mood, names text[], numbers int[], data jsonb, plain_data json,
    bytes bytea, amount numeric, big bigint, ratio float8, is_on boolean, code uuid, at timestamp(3), at_text timestamp,
    zoned timestamptz, zoned_text timestamptz, day date, lasting interval, place text);
  create table "größe ""ß"" ☃" ("naïve ""col""" int primary key, "текст" text);
  create view cheap as select id, title from books where price < 10;
  create materialized view totals as select author, sum(price) as total from books group by author;
  create function double(n int) returns int language sql as 'select n * 2';
  create procedure keep(title text) begin atomic insert into books (title) values (title); end;
  insert into authors (name, boss) values ('Ada', null), ('Bob', 1), ('Cyd', 1);
  insert into books (author, title, price) values (1, 'Engines', 12.50), (1, 'Looms', 7), (2, 'Maps', 9.99), (null, 'Lost', null);
  reset search_path`;
