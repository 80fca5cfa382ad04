import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { categories, products } from './schema.ts';

const demoCategories = {
  deck: 'On deck',
  rigging: 'Rigging',
  galley: 'Galley',
} as const;

const demoProducts: readonly {
  readonly category: keyof typeof demoCategories;
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly priceCents: number;
}[] = [
  {
    category: 'deck',
    sku: 'ANC-010',
    name: 'Plough anchor, 10 kg',
    description: 'Galvanised steel. Holds in sand and mud.',
    priceCents: 12_900,
  },
  {
    category: 'deck',
    sku: 'FEN-003',
    name: 'Fender, set of three',
    description: 'Keeps hull and quay apart.',
    priceCents: 4_500,
  },
  {
    category: 'rigging',
    sku: 'ROP-020',
    name: 'Mooring rope, 20 m',
    description: 'Braided polyester, 14 mm, with an eye spliced at one end.',
    priceCents: 3_900,
  },
  {
    category: 'rigging',
    sku: 'BLK-057',
    name: 'Single block, 57 mm',
    description: 'Ball bearings. For rope of up to 10 mm.',
    priceCents: 2_750,
  },
  {
    category: 'galley',
    sku: 'MUG-001',
    name: 'Enamel mug',
    description: 'Survives every storm.',
    priceCents: 990,
  },
  {
    category: 'galley',
    sku: 'STV-002',
    name: 'Gimballed stove',
    description: 'Two burners that stay level when the boat does not.',
    priceCents: 34_900,
  },
];

/** Puts something on the shelves; what is there already stays as it is, also when two replicas start at once. */
export async function addDemoProducts(database: NodePgDatabase): Promise<void> {
  await database.transaction(async (tx) => {
    await tx
      .insert(categories)
      .values(Object.entries(demoCategories).map(([slug, name]) => ({ slug, name })))
      .onConflictDoNothing();
    const known = await tx.select().from(categories);
    const idOf = new Map(known.map(({ slug, id }) => [slug, id]));
    await tx
      .insert(products)
      .values(
        demoProducts.map(({ category, ...product }) => ({
          ...product,
          categoryId: idOf.get(category) ?? '',
          status: 'active' as const,
        })),
      )
      .onConflictDoNothing();
  });
}
