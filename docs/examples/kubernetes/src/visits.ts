import { definePlugin, sqlFiles } from 'slipway';
import { entriesApi } from './guestbook.ts';
import { router } from './routes.ts';

/** Counts the visits of each day. It needs the guestbook, so it is migrated and started after it. */
export const visits = definePlugin({
  id: 'visits',
  migrations: sqlFiles(new URL('../migrations/visits', import.meta.url)),
  deps: { router, entries: entriesApi },
  init({ router: routes, database, entries }) {
    routes.set('GET /api/visits', async () => {
      const { rows } = await database.query(
        `INSERT INTO days (day, visits) VALUES (current_date, 1)
         ON CONFLICT (day) DO UPDATE SET visits = days.visits + 1 RETURNING visits`,
      );
      return { ...rows[0], entries: await entries.count() };
    });
  },
});
