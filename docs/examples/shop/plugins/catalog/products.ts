import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { badRequest, notFound } from '../../http/refusal.ts';
import type { SearchIndexer } from '../search/api.ts';
import type { CatalogApi, Product } from './api.ts';
import { categories, priceChanges, products } from './schema.ts';

export interface ProductChange {
  readonly priceCents?: number;
  readonly status?: Product['status'];
}

export interface Products extends CatalogApi {
  change(id: string, change: ProductChange): Promise<Product>;
  readonly indexer: SearchIndexer;
}

const publicProduct = {
  id: products.id,
  sku: products.sku,
  name: products.name,
  description: products.description,
  priceCents: products.priceCents,
  status: products.status,
};

/** What the shop sells. */
export function createProducts(database: NodePgDatabase): Products {
  return {
    list: (category) =>
      database
        .select(publicProduct)
        .from(products)
        .innerJoin(categories, eq(categories.id, products.categoryId))
        .where(
          and(
            eq(products.status, 'active'),
            category === undefined ? undefined : eq(categories.slug, category),
          ),
        )
        .orderBy(asc(products.name)),

    async get(id) {
      const [product] = await database
        .select(publicProduct)
        .from(products)
        .where(eq(products.id, id));
      if (!product) throw notFound(`There is no product ${id}`);
      return product;
    },

    async getOnSale(ids) {
      const found = await database
        .select(publicProduct)
        .from(products)
        .where(and(inArray(products.id, [...ids]), eq(products.status, 'active')));
      const byId = new Map(found.map((product) => [product.id, product]));
      const absent = ids.find((id) => !byId.has(id));
      if (absent !== undefined) throw badRequest(`Product ${absent} is not on sale`);
      return byId;
    },

    change: (id, change) =>
      database.transaction(async (tx) => {
        const [product] = await tx
          .update(products)
          .set({ ...change, updatedAt: sql`now()` })
          .where(eq(products.id, id))
          .returning(publicProduct);
        if (!product) throw notFound(`There is no product ${id}`);
        const { priceCents, status } = product;
        await tx.insert(priceChanges).values({ productId: id, priceCents, status });
        return product;
      }),

    indexer: {
      kind: 'product',
      async changedSince(moment) {
        const changed = await database
          .select()
          .from(products)
          .where(gt(products.updatedAt, moment));
        return changed.map((product) => ({
          reference: product.sku,
          title: product.name,
          body: product.description,
          changedAt: product.updatedAt,
          isGone: product.status !== 'active',
        }));
      },
    },
  };
}
