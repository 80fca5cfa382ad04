import type { Boot } from '../boot/boot.ts';
import { createBoot } from '../boot/create-boot.ts';
import { formatBootError } from '../core/format-error.ts';
import type { Plugin } from '../core/plugin.ts';
import { alignInits, runBoot } from './replicas/replica.ts';
import type { Order, Said, Word } from './replicas/replica-process.ts';

/** Runs as a process of its own: one replica, which says what happens to it. */

const isTypeScript = (url: string): boolean => /\.[cm]?tsx?$/.test(url);

const say = (said: Said): void => {
  if (process.connected) process.send?.(said, () => undefined);
};

const arrived = new Map<string, () => void>();
const arrive = (plugin: string): Promise<void> =>
  new Promise((resolve) => {
    arrived.set(plugin, resolve);
    say({ kind: 'arrived', plugin });
  });

/** Stops the boot; does nothing while the plugins are still imported. */
let stop = async (): Promise<unknown> => undefined;

async function importPlugins(modules: readonly string[]): Promise<readonly Plugin[]> {
  const hasTypeScript = 'typescript' in process.features && Boolean(process.features.typescript);
  if (modules.some(isTypeScript) && !hasTypeScript)
    await import(import.meta.resolve('jiti/register'));
  const loaded = await Promise.all(modules.map((url) => import(url) as Promise<object>));
  return loaded.flatMap((exports) => {
    let value: unknown = exports;
    // Of a module that jiti has compiled, the default export is all its exports.
    while (typeof value === 'object' && value !== null && 'default' in value) value = value.default;
    return value as Plugin | readonly Plugin[];
  });
}

async function carryOut(order: Order): Promise<void> {
  const plugins = await importPlugins(order.modules);
  const boot: Boot = createBoot({
    ...order.options,
    pool: order.url,
    plugins: alignInits(plugins, arrive, (id) => boot.database(id)),
  });
  stop = () => boot.stop('the round is over');
  const settlement = await runBoot(
    boot,
    order,
    (heard) => say({ kind: 'heard', heard }),
    // No signal handler and no `finally` runs after this, in the middle of whatever the process does.
    () => process.kill(process.pid, 'SIGKILL'),
  );
  say({ kind: 'settled', settlement });
}

process.on('message', (word: Word) => {
  switch (word.word) {
    case 'start':
      carryOut(word.order).catch((error: unknown) => {
        const text = formatBootError(error);
        say({ kind: 'settled', settlement: { outcome: 'failed', code: 'none', text } });
      });
      break;
    case 'go':
      arrived.get(word.plugin)?.();
      break;
    case 'stop':
      void stop().then(() => process.disconnect());
      break;
  }
});
// Without its parent nothing would ever end it.
process.on('disconnect', () => process.exit());
say({ kind: 'up' });
