import { definePlugin, serviceRef, sqlFiles } from 'slipway';
import { addToShop } from './situation.ts';
import type { Situation } from './situation.ts';

/** Finds the town of a postcode. */
const postcodesApi = serviceRef<(code: string) => Promise<string | undefined>>('postcodes.api');

const postcodes = definePlugin({
  id: 'postcodes',
  version: '1.0.0',
  migrations: sqlFiles(new URL('./slow-migration', import.meta.url)),
  provides: { api: postcodesApi },
  init({ database }) {
    return {
      api: async (code) => {
        const sql = 'SELECT town FROM postcodes WHERE code = $1';
        const { rows } = await database.query<{ town: string }>(sql, [code]);
        return rows[0]?.town;
      },
    };
  },
});

export const slowMigration: Situation = {
  says: 'postcodes makes an index, which takes a minute. Everything waits for it.',
  play: (_, boot) => boot(addToShop(postcodes, postcodesApi, 'orders')),
};
