import { definePlugin, sqlFiles } from 'slipway';

/** A plugin in a module of its own, for replicas that are processes. */
const items = definePlugin({
  id: 'items',
  migrations: sqlFiles(new URL('./sql', import.meta.url)),
  init: async ({ database }) => {
    await database.query("INSERT INTO items VALUES ('bellows') ON CONFLICT DO NOTHING");
  },
});

// oxlint-disable-next-line import/no-default-export -- a module of plugins has them as its default export
export default items;
