import { definePlugin, sqlFiles } from 'slipway';

export const counters = definePlugin({
  id: 'counters',
  migrations: sqlFiles(new URL('./sql', import.meta.url)),
});
