import { definePlugin, serviceRef, sqlFiles } from 'slipway';
import { addToShop } from './situation.ts';
import type { Situation } from './situation.ts';

/** Reads how much a voucher is worth, in cents. */
const vouchersApi = serviceRef<(code: string) => Promise<number>>('vouchers.api');

const vouchers = definePlugin({
  id: 'vouchers',
  version: '1.1.0',
  migrations: sqlFiles(new URL('./failed', import.meta.url)),
  provides: { api: vouchersApi },
  init({ database }) {
    return {
      api: async (code) => {
        const sql = 'SELECT cents FROM vouchers WHERE code = $1 AND expires_at > now()';
        const { rows } = await database.query<{ cents: number }>(sql, [code]);
        return rows[0]?.cents ?? 0;
      },
    };
  },
});

export const failed: Situation = {
  says: 'A migration of vouchers has the name of a column wrong. Nothing starts.',
  play: (_, boot) => boot(addToShop(vouchers, vouchersApi, 'billing')),
};
