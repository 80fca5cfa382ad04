import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { date, integer, pgSchema, pgTable } from 'drizzle-orm/pg-core';
import { definePlugin, serviceRef } from 'slipway';

export interface SalesApi {
  sell(day: string, cents: number): Promise<void>;
}

export const salesApi = serviceRef<SalesApi>('sales.api');

/** In the plugin's own schema, as always. */
export const sales = pgTable('sales', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  day: date('day').notNull(),
  cents: integer('cents').notNull(),
});

/** The reporting tool of the company reads everything in this schema, and nothing else. */
export const reporting = pgSchema('reporting');

export const salesByDay = reporting.view('sales_by_day').as((query) =>
  query
    .select({ day: sales.day, cents: sql<number>`sum(${sales.cents})::int`.as('cents') })
    .from(sales)
    .groupBy(sales.day),
);

export const salesPlugin = definePlugin({
  id: 'sales',
  migrations: new URL('./drizzle', import.meta.url),
  schemas: ['reporting'],
  database: (pool) => drizzle({ client: pool }),
  provides: { salesApi },
  init({ database }) {
    return {
      salesApi: {
        async sell(day, cents) {
          await database.insert(sales).values({ day, cents });
        },
      },
    };
  },
});
