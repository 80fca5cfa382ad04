import { eq, lt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { booksApi, figures } from './api.ts';
import { books as table, loans } from './books-schema.ts';

/** Knows the books and who has them. */
export const books = definePlugin({
  id: 'books',
  version: '1.0.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  provides: { booksApi, figure: figures },
  init({ database, logger }) {
    return {
      booksApi: {
        async add(title) {
          const [added] = await database.insert(table).values({ title }).returning();
          if (!added) throw new Error(`PostgreSQL did not return the book ${title}`);
          return added.id;
        },
        lend: (bookId, reader) =>
          database.transaction(async (transaction) => {
            await transaction.update(table).set({ state: 'out' }).where(eq(table.id, bookId));
            await transaction.insert(loans).values({ bookId, reader });
            logger.debug({ bookId, reader }, 'lent');
          }),
        lentBefore: (moment) =>
          database
            .select({ title: table.title, reader: loans.reader })
            .from(loans)
            .innerJoin(table, eq(table.id, loans.bookId))
            .where(lt(loans.since, moment)),
      },
      figure: { name: 'books', count: () => database.$count(table) },
    };
  },
});
