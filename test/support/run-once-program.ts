import { coreServices, createBoot, definePlugin, type RunOnceOptions } from 'slipway';
import { Client } from 'pg';

/** Runs as a process of its own: boots a plugin whose init runs its work once, when its parent orders it. */

/** The order of the parent. */
export interface RunOnceOrder {
  readonly url: string;
  readonly key: string;
  readonly options: RunOnceOptions;
}

/** The messages to the parent. */
export type RunOnceReport =
  | { readonly kind: 'up' }
  | { readonly kind: 'began' }
  | { readonly kind: 'ended'; readonly outcome: string };

const tell = (report: RunOnceReport): void => void process.send?.(report);

/** Writes that it has begun, waits for the lock 1, which the test holds as a gate, and writes that it has ended. */
async function work(url: string, key: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('insert into public.began values ($1, $2)', [key, process.pid]);
    tell({ kind: 'began' });
    await client.query('select pg_advisory_lock_shared(1)');
    await client.query('insert into public.ended values ($1, $2)', [key, process.pid]);
  } finally {
    await client.end();
  }
}

async function carryOut({ url, key, options }: RunOnceOrder): Promise<void> {
  const plugin = definePlugin({
    id: 'shop',
    deps: { locks: coreServices.advisoryLock },
    async init({ locks }) {
      const { outcome } = await locks.runOnce(key, () => work(url, key), options);
      tell({ kind: 'ended', outcome });
    },
  });
  const boot = createBoot({ pool: url, plugins: [plugin] });
  await boot.start().catch((error: unknown) => tell({ kind: 'ended', outcome: String(error) }));
  await boot.stop('the order is carried out');
}

process.on('message', (order: RunOnceOrder) => void carryOut(order));
// Without the parent, a boot that hangs would never end.
process.on('disconnect', () => process.exit());
tell({ kind: 'up' });
