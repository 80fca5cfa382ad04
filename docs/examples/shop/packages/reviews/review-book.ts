import { and, desc, eq } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { conflict, notFound } from '../../http/refusal.ts';
import type { User } from '../../plugins/auth/api.ts';
import { moderations, reviews } from './schema.ts';

export type Review = typeof reviews.$inferSelect;

export interface NewReview {
  readonly productId: string;
  /** 1 to 5. */
  readonly stars: number;
  readonly words: string;
}

export interface ReviewBook {
  /** Refuses with 409 when the customer has reviewed the product already. */
  write(customer: User, review: NewReview): Promise<Review>;
  /** The latest that are shown, without who wrote them but for the name. */
  listFor(productId: string): Promise<readonly Pick<Review, 'author' | 'stars' | 'words'>[]>;
  moderate(id: string, status: Review['status'], by: User): Promise<Review>;
}

/** What customers think of the products. */
export function createReviewBook(database: NodePgDatabase): ReviewBook {
  return {
    async write({ id: customerId, name: author }, review) {
      const [written] = await database
        .insert(reviews)
        .values({ ...review, customerId, author })
        .onConflictDoNothing()
        .returning();
      if (!written) throw conflict('You have reviewed this product already');
      return written;
    },

    listFor: (productId) =>
      database
        .select({
          author: reviews.author,
          stars: reviews.stars,
          words: reviews.words,
          writtenAt: reviews.writtenAt,
        })
        .from(reviews)
        .where(and(eq(reviews.productId, productId), eq(reviews.status, 'shown')))
        .orderBy(desc(reviews.writtenAt))
        .limit(100),

    moderate: (id, status, { id: moderatorId }) =>
      database.transaction(async (tx) => {
        const [review] = await tx
          .update(reviews)
          .set({ status })
          .where(eq(reviews.id, id))
          .returning();
        if (!review) throw notFound(`There is no review ${id}`);
        await tx.insert(moderations).values({ reviewId: id, status, moderatorId });
        return review;
      }),
  };
}
