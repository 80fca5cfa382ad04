import { createBoot, definePlugin, serviceRef } from 'slipway';
import { startPostgres } from 'slipway/testing';

interface Harbour {
  boats(): Promise<readonly string[]>;
}
const harbourApi = serviceRef<Harbour>('harbour.api');

const harbour = definePlugin({
  id: 'harbour', // its schema is plugin_harbour
  // Or the folder that drizzle-kit writes: new URL('./drizzle', import.meta.url)
  migrations: [
    { name: '0000_boats', run: (client) => client.query('CREATE TABLE boats (name text)') },
    { name: '0001_argo', run: (client) => client.query("INSERT INTO boats VALUES ('Argo')") },
  ],
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
