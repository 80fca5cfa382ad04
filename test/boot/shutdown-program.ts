import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createBoot, definePlugin, gracefulShutdown, type Duration } from 'slipway';
import { closeServer, nodeListener, probes } from 'slipway/http';

/** Runs as a process of its own: a host with one plugin and an HTTP server, which says what happens to it. */

/** What the host is to do, as JSON in its first argument. What `waits` goes on when it is told the word. */
export interface ShutdownOrder {
  readonly url: string;
  readonly migrations?: string;
  readonly init?: 'waits' | 'fails';
  readonly stop?: 'waits' | 'fails';
  readonly drain?: 'waits' | 'fails';
  readonly delay?: Duration;
  readonly drainTimeout?: Duration;
  /** It never calls `start()`. */
  readonly isIdle?: boolean;
  /** It has something else to do when the boot is over. */
  readonly stays?: boolean;
}

const order = JSON.parse(process.argv[2] ?? '') as ShutdownOrder;

const say = (what: string): void => {
  process.send?.(what);
};

/** Waits for a word of the parent; only then does the channel keep this process alive. */
function told(word: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      process.off('message', listen);
      resolve();
    };
    const listen = (message: unknown): void => {
      if (message === word) done();
    };
    process.on('message', listen);
    signal?.addEventListener('abort', done);
  });
}

const guest = definePlugin({
  id: 'guest',
  ...(order.migrations === undefined ? {} : { migrations: order.migrations }),
  async init({ signal, onStop }) {
    onStop(async () => {
      if (order.stop === 'waits') await told('stop');
      if (order.stop === 'fails') throw new Error('cannot close');
    });
    if (order.init === 'waits') await told('init', signal);
    if (order.init === 'fails') throw new Error('cannot start');
  },
});

const boot = createBoot({ pool: order.url, plugins: [guest] });
boot.onAny(({ type }) => say(type));

const { delay = 0, drainTimeout = '10s' } = order;
gracefulShutdown(boot, {
  delay,
  drainTimeout,
  async drain(signal) {
    say('drain');
    if (order.drain === 'waits') await told('drain', signal);
    await closeServer(server, signal);
    say('drained');
    if (order.drain === 'fails') throw new Error('cannot drain');
  },
});

const server = createServer(nodeListener([probes(boot)], (_, response) => response.end()));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
say(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
if (order.stays === true) setInterval(() => {}, 3_600_000);
if (order.isIdle !== true) {
  await boot.start().catch(() => {
    process.exitCode ||= 1;
  });
}
