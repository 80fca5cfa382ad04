import { collectionRef } from 'slipway';

export interface SearchDocument {
  /** Unique within its kind, and what people know it by. */
  readonly reference: string;
  readonly title: string;
  readonly body: string;
  readonly changedAt: Date;
  /** It is not to be found any more. */
  readonly isGone: boolean;
}

export interface SearchIndexer {
  /** Such as `product`; no two indexers have the same. */
  readonly kind: string;
  /** Whatever changed after the moment, in any order. */
  changedSince(moment: Date): Promise<readonly SearchDocument[]>;
}

/** Every plugin that has something to find adds an indexer. */
export const searchIndexers = collectionRef<SearchIndexer>('search.indexers');
