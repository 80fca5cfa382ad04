import type { PoolClient } from 'pg';
import type { PoolLike } from '../../src/postgres/connection/connection.ts';

/** A pool that gives `pinned`, and sends what makes the table `wandered` to `other`, as a broken proxy would. */
export function wanderingPool(pinned: PoolClient, other: PoolClient): PoolLike {
  return {
    connect: async () => ({
      query: (query) => {
        const text = typeof query === 'string' ? query : query.text;
        return (text.startsWith('create table wandered') ? other : pinned).query(query);
      },
      getTransactionStatus: () => 'T',
      release: () => undefined,
    }),
  };
}
