import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { relations } from 'drizzle-orm/relations';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { expectTypeOf } from 'vitest';
import { createScopedDatabase } from '../../src/drizzle.ts';

declare const pool: Pool;

const items = pgTable('items', { id: integer('id'), name: text('name') });
const notes = pgTable('notes', { item: integer('item') });
const itemRelations = relations(items, ({ many }) => ({ notes: many(notes) }));
const schema = { items, notes, itemRelations };

interface Item {
  id: number | null;
  name: string | null;
}

const database = createScopedDatabase(pool, 'plugin_x', { schema, extensionSchemas: ['ext'] });
expectTypeOf(await database.query.items.findMany()).toEqualTypeOf<Item[]>();
const related = await database.query.items.findFirst({ with: { notes: true } });
expectTypeOf(related?.notes).toEqualTypeOf<{ item: number | null }[] | undefined>();
expectTypeOf(await database.select().from(items)).toEqualTypeOf<Item[]>();
expectTypeOf(database.$client).toEqualTypeOf<Pool>();
expectTypeOf(database).toExtend<NodePgDatabase<typeof schema>>();
// @ts-expect-error no such table
void database.query.nothing;

const bare = createScopedDatabase(pool, 'plugin_x');
expectTypeOf(await bare.select().from(items)).toEqualTypeOf<Item[]>();
// @ts-expect-error relational queries need the schema
void bare.query.items.findMany;

createScopedDatabase(pool, 'plugin_x', { logger: true, casing: 'snake_case' });
// @ts-expect-error the client is the scoped pool
createScopedDatabase(pool, 'plugin_x', { client: pool });
