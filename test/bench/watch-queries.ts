import type { Pool } from 'pg';

/** A message of SQL that was answered. */
export interface WatchedQuery {
  readonly text: string;
  readonly ms: number;
}

/** Lists what is sent over the connections that a pool makes from now on, each once it is answered. */
export function watchQueries(pool: Pool): readonly WatchedQuery[] {
  const seen: WatchedQuery[] = [];
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
    const watched = (...args: readonly unknown[]): unknown => {
      const sentAt = performance.now();
      const note = (): void => {
        seen.push({ text: textOf(args[0]), ms: performance.now() - sentAt });
      };
      if (isBatch(args[0])) {
        const { callback } = args[0];
        args[0].callback = (...given) => {
          note();
          callback(...given);
        };
      }
      const answer = query(...args);
      if (answer instanceof Promise) answer.then(note, note);
      return answer;
    };
    Object.assign(client, { query: watched });
  });
  return seen;
}

/** A query that sends itself, and answers by its callback. */
function isBatch(query: unknown): query is { callback: (...given: readonly unknown[]) => void } {
  return typeof query === 'object' && query !== null && 'submit' in query && 'callback' in query;
}

function textOf(query: unknown): string {
  return typeof query === 'string' ? query : (query as { readonly text: string }).text;
}
