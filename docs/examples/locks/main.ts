import { coreServices, createBoot, definePlugin } from 'slipway';
import { startPostgres } from 'slipway/testing';

/** Has a list of plans, which the first replica of all writes. */
const billing = definePlugin({
  id: 'billing',
  migrations: [
    {
      name: '0000_plans',
      run: (client) => client.query('CREATE TABLE plans (name text PRIMARY KEY)'),
    },
  ],
  deps: { locks: coreServices.advisoryLock },
  async init({ locks, database }) {
    const seed = await locks.runOnce(
      'billing.seed',
      async (signal) => {
        const plans = ['free', 'team'];
        for (const plan of plans) {
          signal.throwIfAborted(); // another replica may run it by now
          await database.query('INSERT INTO plans VALUES ($1) ON CONFLICT DO NOTHING', [plan]);
        }
        return plans.length;
      },
      { remember: true },
    );
    console.log(seed);
  },
});

await using postgres = await startPostgres(); // for this example
for (const name of ['a first boot', 'a later one']) {
  console.log(name);
  const boot = createBoot({ pool: postgres.url, plugins: [billing] });
  await boot.start();
  await boot.stop();
}
