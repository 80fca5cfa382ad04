import { definePlugin, sqlFiles } from 'slipway';

/** The release that comes next: items have a price, and there is always a gift. */
export const catalog = definePlugin({
  id: 'catalog',
  version: '2.0.0',
  migrations: sqlFiles(new URL('./sql', import.meta.url)),
  async init({ database }) {
    // Every replica does this, maybe at the same moment: the key makes it one row.
    await database.query(
      "INSERT INTO items (sku, title) VALUES ('gift', 'Welcome gift') ON CONFLICT DO NOTHING",
    );
  },
});

// oxlint-disable-next-line import/no-default-export -- so that assertReplicasSafe({ modules }) can start it in processes
export default catalog;
