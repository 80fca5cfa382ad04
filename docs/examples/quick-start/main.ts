import { createBoot, definePlugin, serviceRef } from 'slipway';
import { startPostgres } from 'slipway/testing';

interface Harbour {
  boats(): Promise<readonly string[]>;
}
const harbourApi = serviceRef<Harbour>('harbour.api');

const harbour = definePlugin({
  id: 'harbour',
  migrations: new URL('./drizzle', import.meta.url), // what drizzle-kit generated; its schema is plugin_harbour
  provides: { harbourApi },
  init: ({ database }) => ({
    harbourApi: {
      async boats() {
        const { rows } = await database.query<{ name: string }>('SELECT name FROM boats');
        return rows.map(({ name }) => name);
      },
    },
  }),
});

const crew = definePlugin({
  id: 'crew',
  deps: { harbour: harbourApi },
  async init({ harbour: api, onStop }) {
    console.log('crew: on board of', await api.boats());
    onStop(() => console.log('crew: ashore'));
  },
});

await using postgres = await startPostgres(); // a real one, for this example; yours is a pg.Pool or a connection string
const boot = createBoot({ pool: postgres.url, plugins: [crew, harbour] });
boot.on('plugin.migrate.applied', ({ plugin, file }) => console.log(`${plugin}: ${file}`));
boot.on('plugin.init.finished', ({ plugin, outcome }) => console.log(`${plugin}: ${outcome}`));

const report = await boot.start();
console.log(
  report.outcome,
  report.plugins.map(({ id }) => id),
);
await boot.stop();
