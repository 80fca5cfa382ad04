import { json } from 'node:stream/consumers';
import { definePlugin, serviceRef, sqlFiles } from 'slipway';
import { router } from '../src/routes.ts';

export const entriesApi = serviceRef<{ count(): Promise<number> }>('guestbook.entries');

/** The plugin of release 1.5.0: an entry has an author. */
export const guestbook = definePlugin({
  id: 'guestbook',
  migrations: sqlFiles(new URL('../migrations/guestbook', import.meta.url)),
  deps: { router },
  provides: { entriesApi },
  init({ router: routes, database }) {
    routes.set('GET /api/guestbook', async () => {
      const { rows } = await database.query('SELECT id, words, author FROM entries ORDER BY id');
      return rows;
    });
    routes.set('POST /api/guestbook', async (request) => {
      const { words, author } = (await json(request)) as Readonly<Record<string, string>>;
      const { rows } = await database.query(
        'INSERT INTO entries (words, author) VALUES ($1, $2) RETURNING id, words, author',
        [words, author],
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
