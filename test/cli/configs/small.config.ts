import { once } from 'node:events';
import { setInterval } from 'node:timers';
import { defineConfig, definePlugin } from 'slipway';

/** A small backend that prints, hangs or ends slowly as the environment says. */
export default defineConfig(() => {
  const { DATABASE_URL: pool = '', HANG, HANG_STOP, LOCK_WAIT, STOP_TIMEOUT } = process.env;
  console.log('a config that prints');
  const notes = definePlugin({
    id: 'notes',
    migrations: [
      { name: '0001-notes', run: (client) => client.query('CREATE TABLE notes (id int)') },
    ],
    async init({ signal, onStop }) {
      console.log('a plugin that prints');
      const alive = setInterval(() => {}, 1_000);
      onStop(() => clearInterval(alive));
      if (HANG_STOP) onStop(() => new Promise(() => {}));
      if (HANG) await once(signal, 'abort');
    },
  });
  const migrations = LOCK_WAIT ? { lockWait: 100 } : {};
  const stop = STOP_TIMEOUT ? { timeout: 100 } : {};
  return { pool, plugins: [notes], logger: 'info', migrations, stop };
});
