import { text } from 'node:stream/consumers';
import { definePlugin, serviceRef, sqlFiles } from 'slipway';
import { router } from './routes.ts';

export const entriesApi = serviceRef<{ count(): Promise<number> }>('guestbook.entries');

export const guestbook = definePlugin({
  id: 'guestbook',
  // The same folder from src and from dist.
  migrations: sqlFiles(new URL('../migrations/guestbook', import.meta.url)),
  deps: { router },
  provides: { entriesApi },
  init({ router: routes, database }) {
    routes.set('GET /api/guestbook', async () => {
      const { rows } = await database.query('SELECT id, words FROM entries ORDER BY id');
      return rows;
    });
    routes.set('POST /api/guestbook', async (request) => {
      const { rows } = await database.query(
        'INSERT INTO entries (words) VALUES ($1) RETURNING id, words',
        [await text(request)],
      );
      return rows[0];
    });
    return {
      entriesApi: {
        async count() {
          const { rows } = await database.query<{ count: number }>(
            'SELECT count(*)::int AS count FROM entries',
          );
          return rows[0]?.count ?? 0;
        },
      },
    };
  },
});
