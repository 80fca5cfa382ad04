import { definePlugin, serviceRef } from 'slipway';
import { figures } from './api.ts';

export interface Overview {
  read(): Promise<Readonly<Record<string, number>>>;
}
export const overviewApi = serviceRef<Overview>('overview.api');

/** Counts what the other plugins offer to count. */
export const overview = definePlugin({
  id: 'overview',
  after: ['reminders'],
  deps: { all: figures },
  provides: { overviewApi },
  init: ({ all }) => ({
    overviewApi: {
      async read() {
        const counts = await Promise.all(all.map(async ({ name, count }) => [name, await count()]));
        return Object.fromEntries(counts) as Record<string, number>;
      },
    },
  }),
});
