import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { SearchIndexer } from './api.ts';
import { cursors, documents } from './schema.ts';

export interface Found {
  readonly kind: string;
  readonly reference: string;
  readonly title: string;
}

export interface SearchIndex {
  /** Documents that hold every word, or a word that begins like it. */
  find(words: string): Promise<readonly Found[]>;
  /** Takes in whatever changed since the last time. */
  refresh(): Promise<void>;
}

/** Clocks differ, and a long transaction commits rows that are older than those around them: look back this far. */
const lookBackMs = 10_000;

/** A full-text index over what the indexers know. */
export function createSearchIndex(
  database: NodePgDatabase,
  indexers: readonly SearchIndexer[],
): SearchIndex {
  const refreshFrom = async (indexer: SearchIndexer): Promise<void> => {
    const { kind } = indexer;
    const startedAt = Date.now();
    const [cursor] = await database.select().from(cursors).where(eq(cursors.kind, kind));
    const changed = await indexer.changedSince(cursor?.indexedUntil ?? new Date(0));
    if (changed.length === 0) return;

    const indexedUntil = new Date(startedAt - lookBackMs);
    await database.transaction(async (tx) => {
      // The cursor first: replicas that refresh at the same moment follow each other.
      await tx
        .insert(cursors)
        .values({ kind, indexedUntil })
        .onConflictDoUpdate({ target: cursors.kind, set: { indexedUntil } });
      await tx.delete(documents).where(
        and(
          eq(documents.kind, kind),
          inArray(
            documents.reference,
            changed.map(({ reference }) => reference),
          ),
        ),
      );
      const present = changed.filter(({ isGone }) => !isGone);
      if (present.length === 0) return;
      await tx
        .insert(documents)
        .values(present.map(({ reference, title, body }) => ({ kind, reference, title, body })));
    });
  };

  return {
    async find(words) {
      const wanted = words.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
      if (wanted.length === 0) return [];
      const query = wanted.map((word) => `${word}:*`).join(' & ');
      return database
        .select({
          kind: documents.kind,
          reference: documents.reference,
          title: documents.title,
        })
        .from(documents)
        .where(
          sql`to_tsvector('simple', ${documents.title} || ' ' || ${documents.body}) @@ to_tsquery('simple', ${query})`,
        )
        .orderBy(asc(documents.kind), asc(documents.title))
        .limit(50);
    },
    async refresh() {
      for (const indexer of indexers) await refreshFrom(indexer);
    },
  };
}
