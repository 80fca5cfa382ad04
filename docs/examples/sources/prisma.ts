import { definePlugin } from 'slipway';

export const posts = definePlugin({
  id: 'posts',
  migrations: new URL('./prisma/migrations', import.meta.url),
});
