import { drizzle } from 'drizzle-orm/node-postgres';
import { pgTable, serial, text } from 'drizzle-orm/pg-core';
import { describe, expect, it } from 'vitest';
import { createScopedDb } from '../../src/postgres/scoped/scoped-database.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();

describe('createScopedDb()', () => {
  it('is Drizzle in the schema of a plugin, on the connections of another Drizzle', async () => {
    const fresh = await db.fresh();
    await fresh.query(
      'create schema plugin_x; create table plugin_x.sent (id serial, body text not null)',
    );
    const shared = fresh.pool();
    const base = drizzle({ client: shared });
    const sent = pgTable('sent', { id: serial('id').primaryKey(), body: text('body').notNull() });
    const scoped = createScopedDb(base, 'plugin_x', { schema: { sent } });
    await scoped.transaction(async (tx) => void (await tx.insert(sent).values({ body: 'hello' })));
    expect(await scoped.query.sent.findMany()).toEqual([{ id: 1, body: 'hello' }]);
    expect(await createScopedDb(base, 'plugin_x').select().from(sent)).toHaveLength(1);
    expect(shared.totalCount).toBe(1);
    await expect(base.select().from(sent)).rejects.toThrow('Failed query');
  });
});
