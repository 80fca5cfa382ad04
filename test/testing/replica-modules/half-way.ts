import { definePlugin, sqlFiles } from 'slipway';

/** Its init takes one row for both, and does not clean up behind itself when it is killed. */
const items = definePlugin({
  id: 'items',
  migrations: sqlFiles(new URL('./sql', import.meta.url)),
  init: async ({ database }) => {
    const insert = 'INSERT INTO items VALUES ($1) ON CONFLICT DO NOTHING';
    const { rowCount } = await database.query(insert, ['bellows']);
    if (rowCount === 1) await database.query(insert, ['tongs']);
  },
});

// oxlint-disable-next-line import/no-default-export -- a module of plugins has them as its default export
export default [items];
