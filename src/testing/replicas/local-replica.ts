import { setTimeout as pause } from 'node:timers/promises';
import type { Boot } from '../../boot/boot.ts';
import { createBoot } from '../../boot/create-boot.ts';
import type { Plugin } from '../../core/plugin.ts';
import { startFaultProxy } from '../fault-proxy.ts';
import {
  alignInits,
  runBoot,
  type Heard,
  type ReplicaBootOptions,
  type ReplicaStarter,
  type Settlement,
} from './replica.ts';

/** How long the rest of a replica that was killed may take to notice; after that it is left alone. */
const noticesWithinMs = 1_000;

/**
 * Starts replicas in this process, each on connections of its own. A kill is what PostgreSQL sees of one: all its connections
 * are reset in one moment. The code of the plugins goes on, without a database.
 */
export function localReplicas(
  plugins: readonly Plugin[],
  options: ReplicaBootOptions,
): ReplicaStarter {
  return {
    async start(order, arrive) {
      const line = await startFaultProxy({ to: order.url });
      const boot: Boot = createBoot({
        ...options,
        pool: line.url,
        plugins: alignInits(plugins, arrive, (id) => boot.database(id)),
      });
      const heard: Heard[] = [];
      let isKilled = false;
      const settled = new Promise<Settlement>((resolve) => {
        const die = (): void => {
          isKilled = true;
          line.refuse();
          line.reset();
          resolve({ outcome: 'killed' });
          void boot.stop('killed');
        };
        const hear = (each: Heard): void => {
          if (!isKilled) heard.push(each);
        };
        void runBoot(boot, order, hear, die).then(resolve);
      });
      return {
        number: order.number,
        heard,
        settled,
        async stop() {
          const stopped = boot.stop('the round is over');
          await (isKilled
            ? Promise.race([stopped, pause(noticesWithinMs, undefined, { ref: false })])
            : stopped);
          await line.close();
        },
      };
    },
  };
}
