import { Pool } from 'pg';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';

/**
 * Runs as a process of its own: a busy backend with two clients and 21 callers, which take a client in three ways. It ends
 * when its parent sends a message. An error belongs to the caller that gets it, and may not end the process.
 */

const [url] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 2, application_name: 'busy pool' });
pool.on('error', () => undefined);
const scoped = createScopedPool(pool, 'plugin_busy');
const { signal } = new AbortController();

const ways: readonly (() => Promise<unknown>)[] = [
  () => scoped.query('select 1'),
  async () => {
    const client = await scoped.connect();
    await client.query('select 1').finally(() => client.release());
  },
  () =>
    withPinnedClient(pool, { clock: systemClock, signal }, (client) => client.query('select 1')),
];

const over = new AbortController();
process.on('message', () => over.abort());
// Without the parent, nothing would ever end it.
process.on('disconnect', () => process.exit());

let answers = 0;
let errors = 0;
const call = async (way: () => Promise<unknown>): Promise<void> => {
  while (!over.signal.aborted) {
    await way().then(
      () => (answers += 1),
      () => (errors += 1),
    );
    // When the server refuses, the loop would stay in one tick, and the message of the parent would never arrive.
    await new Promise(setImmediate);
  }
};
const callers = Array.from({ length: 7 }, () => ways.map(call)).flat();
process.send?.('up');
await Promise.all(callers);
await pool.end();
process.send?.({ answers, errors });
process.disconnect();
