import { createBoot, createRepair, definePlugin, type Plugin } from 'slipway';

/** Runs as a process of its own: a host that ends, or is left with nothing to do, in the middle of something. */

/** Where the process ends. `never` waits for what nothing settles, all others call `process.exit()`. */
export type ExitPlace =
  | 'init'
  | 'init with 3'
  | 'never'
  | 'migration'
  | 'plan'
  | 'repair'
  | 'register'
  | 'import'
  | 'ready'
  | 'stopping'
  | 'stop never'
  | 'stopped';

const [url, place, root] = process.argv.slice(2) as [string, ExitPlace, string];

const exit = (code = 0): never => process.exit(code);
const never = (): Promise<never> => new Promise(() => {});

const catalog: Plugin = definePlugin({
  id: 'catalog',
  migrations: [
    {
      name: '0000_items',
      run: async () => {
        if (place === 'migration') exit();
      },
    },
  ],
  async init({ onStop }) {
    if (place === 'init') exit();
    if (place === 'init with 3') exit(3);
    if (place === 'never') await never();
    onStop(() => {
      if (place === 'stopping') exit();
      if (place === 'stop never') return never();
      return undefined;
    });
  },
});

const eager: Plugin = { id: 'eager', register: () => exit() };

const options = {
  pool: url,
  plugins: place === 'register' ? [eager] : [catalog],
  // Its timer would keep the process alive.
  clock: { now: Date.now, elapsed: () => performance.now(), after: () => () => {} },
  ...(root === '' ? {} : { discover: { root } }),
};

if (place === 'repair') {
  await createRepair(options).baseline('catalog');
} else if (place === 'plan') {
  await createBoot(options).plan();
} else {
  const boot = createBoot(options);
  const work = place === 'migration' ? boot.migrate() : boot.start();
  if (place === 'never') {
    void work;
  } else {
    await work;
    if (place === 'ready') exit();
    const down = boot.stop('the program is over');
    if (place !== 'stop never') await down;
    if (place === 'stopped') exit();
  }
}
