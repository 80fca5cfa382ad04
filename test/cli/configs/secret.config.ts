import { defineConfig, definePlugin, serviceRef } from 'slipway';

const vault = serviceRef<object>('vault.api');

/** A backend with secrets in its connection string, in a parameter, in an export and in an error's properties. */
export default defineConfig(() => {
  const { DATABASE_URL: pool = '', BREAK } = process.env;
  const keeper = definePlugin({
    id: 'keeper',
    migrations: [
      {
        name: '0001-keys',
        async run(client) {
          await client.query('CREATE TABLE keys (key text)');
          await client.query('INSERT INTO keys VALUES ($1)', ['planted-parameter']);
        },
      },
    ],
    provides: { vault },
    init({ onStop }) {
      const alive = setInterval(() => {}, 1_000);
      onStop(() => clearInterval(alive));
      if (BREAK) throw Object.assign(new Error('no key'), { config: { key: 'planted-property' } });
      return { vault: { key: 'planted-export' } };
    },
  });
  return { pool, plugins: [keeper], history: true };
});
