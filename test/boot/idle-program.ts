import { createBoot, definePlugin } from 'slipway';

/** Runs as a process of its own: a host that comes up, has nothing else to do, and is never stopped. */

const url = process.argv[2] ?? '';

const curious = definePlugin({
  id: 'curious',
  async init({ database }) {
    await database.query('select 1');
  },
});

const boot = createBoot({
  // Its idle client would stay for ever.
  pool: { connectionString: url, idleTimeoutMillis: 0 },
  plugins: [curious],
  registry: true,
});
await boot.start();
console.log(boot.state().phase);
