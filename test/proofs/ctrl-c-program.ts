import { createBoot, definePlugin, gracefulShutdown, type BootError, type Plugin } from 'slipway';
import { places } from './ctrl-c-places.ts';

/** Runs as a process of its own: a whole life of a boot, in which Ctrl-C comes at one place. It prints the name of every event, and the signal. */

const [url = '', name = '', catalogFolder = '', wishlistFolder = ''] = process.argv.slice(2);
const place = places[name];
if (!place) throw new Error(`There is no place ${name}`);

/** Stands until the signal of the plugin is aborted; a stop has none, and stands until Ctrl-C. */
function stand(where: string, signal?: AbortSignal): Promise<void> {
  if (place?.stands !== where) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stay = setInterval(() => {}, 60_000);
    process.once('SIGINT', () => {
      clearInterval(stay);
      if (!signal) resolve();
    });
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

const plugin = (id: string, more: Pick<Plugin, 'after' | 'migrations'> = {}): Plugin =>
  definePlugin({
    id,
    ...more,
    async init({ signal, onStop }) {
      onStop(() => stand(`stop ${id}`));
      await stand(`init ${id}`, signal);
    },
    ready: ({ signal }) => stand(`ready ${id}`, signal),
  });

const broken = (id: string, after: string): Plugin =>
  definePlugin({ id, after: [after], init: () => Promise.reject(new Error('it cannot start')) });

const boot = createBoot({
  pool: url,
  plugins: [
    plugin('auth'),
    plugin('catalog', { migrations: catalogFolder, after: ['auth'] }),
    ...(place.fails ? [broken('broken', 'auth')] : []),
  ],
});
let isRaised = false;
boot.onAny((event) => {
  console.log(event.type);
  if (isRaised || !place.at(event)) return;
  isRaised = true;
  console.log('SIGINT');
  process.kill(process.pid, 'SIGINT');
});
gracefulShutdown(boot);

try {
  await boot.start();
  await boot.add(plugin('wishlist', { migrations: wishlistFolder, after: ['catalog'] }));
  await boot.add([plugin('gifts'), broken('cards', 'gifts')]).catch((error: unknown) => {
    if (!isFailure(error)) throw error;
  });
  await boot.remove('wishlist');
  await boot.stop();
} catch (error) {
  // A boot that was interrupted has its exit code already.
  if (isFailure(error)) process.exitCode ||= 1;
}

function isFailure(error: unknown): boolean {
  const { code } = error as BootError;
  return code !== 'BOOT_CANCELED' && code !== 'BOOT_NOT_UP';
}
