import { eq, sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { integer, pgSchema, pgTable, serial, text } from 'drizzle-orm/pg-core';
import type { Pool } from 'pg';
import { createScopedDatabase } from 'slipway/drizzle';

/** The ways for a plugin to reach its own schema through Drizzle. */
export const wayNames = ['qualified', 'slipway', 'transactionEach'] as const;
export type WayName = (typeof wayNames)[number];

/** The work that a plugin sends. */
export const workNames = ['select', 'insert', 'transaction'] as const;
export type WorkName = (typeof workNames)[number];

/** Sends something once, and throws when the answer is not the one expected. */
type Send = (id: number) => Promise<void>;

/** A query in a transaction of its own cannot be three statements in one. */
export type Ways = Readonly<Record<WayName, Readonly<Partial<Record<WorkName, Send>>>>>;

const schemaName = 'plugin_bench';
/** Rows that are read and changed. Queries that run at once have different ones. */
export const itemCount = 1_000;

const itemColumns = () => ({
  id: serial('id').primaryKey(),
  name: text('name').notNull(),
  uses: integer('uses').notNull().default(0),
});
const noteColumns = () => ({ id: serial('id').primaryKey(), body: text('body').notNull() });

const own = pgSchema(schemaName);
const qualified = {
  items: own.table('items', itemColumns()),
  notes: own.table('notes', noteColumns()),
};
const unqualified = {
  items: pgTable('items', itemColumns()),
  notes: pgTable('notes', noteColumns()),
} as unknown as typeof qualified;

/** Makes the tables. Autovacuum is off for them, because it would hit one way more than another. */
export async function createTables(pool: Pool): Promise<void> {
  await pool.query(`
    create schema ${schemaName};
    create table ${schemaName}.items (id serial primary key, name text not null, uses int not null default 0)
      with (autovacuum_enabled = off, fillfactor = 50);
    create table ${schemaName}.notes (id serial primary key, body text not null)
      with (autovacuum_enabled = off);
    insert into ${schemaName}.items (name) select 'item ' || n from generate_series(1, ${itemCount}) n;
    analyze ${schemaName}.items`);
}

/** Puts each way on the same pool. */
export function openWays(pool: Pool): Ways {
  const plain = drizzle({ client: pool });
  const scoped = createScopedDatabase(pool, schemaName);
  const setPath = sql.raw(`SET LOCAL search_path = "${schemaName}"`);
  /** As Checkstack's backend does it. */
  const withPath = (send: (tx: Database) => Promise<void>): Promise<void> =>
    plain.transaction(async (tx) => {
      await tx.execute(setPath);
      await send(tx);
    });
  return {
    qualified: {
      select: (id) => select(plain, qualified, id),
      insert: (id) => insert(plain, qualified, id),
      transaction: (id) => plain.transaction((tx) => changeItem(tx, qualified, id)),
    },
    slipway: {
      select: (id) => select(scoped, unqualified, id),
      insert: (id) => insert(scoped, unqualified, id),
      transaction: (id) => scoped.transaction((tx) => changeItem(tx, unqualified, id)),
    },
    transactionEach: {
      select: (id) => withPath((tx) => select(tx, unqualified, id)),
      insert: (id) => withPath((tx) => insert(tx, unqualified, id)),
    },
  };
}

type Database = Pick<NodePgDatabase, 'select' | 'insert' | 'update'>;

async function select(db: Database, { items }: typeof qualified, id: number): Promise<void> {
  const rows = await db.select().from(items).where(eq(items.id, id));
  expectOne(rows);
}

async function insert(db: Database, { notes }: typeof qualified, id: number): Promise<void> {
  const rows = await db
    .insert(notes)
    .values({ body: `of item ${id}` })
    .returning();
  expectOne(rows);
}

/** Three statements. */
async function changeItem(db: Database, tables: typeof qualified, id: number): Promise<void> {
  const { items } = tables;
  await select(db, tables, id);
  await insert(db, tables, id);
  const uses = sql`${items.uses} + 1`;
  const rows = await db.update(items).set({ uses }).where(eq(items.id, id)).returning();
  expectOne(rows);
}

function expectOne({ length }: readonly unknown[]): void {
  if (length !== 1) throw new Error(`Expected 1 row, found ${length}`);
}
