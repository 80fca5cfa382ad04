import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { shopPlugins } from '../shop.ts';
import { installPrevious } from '../upgrade/previous-version.ts';
import type { Situation } from './situation.ts';

export const lock: Situation = {
  says: 'Another process holds the lock of catalog, and waits for a psql itself.',
  async play({ pool, databaseUrl }, boot) {
    await installPrevious(pool);
    await withForgottenCommit(databaseUrl, () =>
      withOtherPod(databaseUrl, () => boot(shopPlugins)),
    );
  },
};

/** A colleague has changed the products by hand, and gone home. */
async function withForgottenCommit(databaseUrl: string, use: () => Promise<void>): Promise<void> {
  const psql = new Client({ connectionString: databaseUrl, application_name: 'psql' });
  // To end its session is one way out of this situation.
  psql.on('error', () => undefined);
  await psql.connect();
  try {
    await psql.query('BEGIN');
    await psql.query('UPDATE plugin_catalog.products SET updated_at = now()');
    await use();
  } finally {
    await psql.end();
  }
}

/** Calls `use` once the other process holds the lock of catalog and runs the statement that has to wait. */
async function withOtherPod(databaseUrl: string, use: () => Promise<void>): Promise<void> {
  const pod = fork(fileURLToPath(new URL('./other-pod.ts', import.meta.url)), [databaseUrl]);
  const ended = once(pod, 'exit');
  try {
    await Promise.race([once(pod, 'message'), ended]);
    if (pod.exitCode !== null) throw new Error(`The other process ended with ${pod.exitCode}`);
    await use();
  } finally {
    pod.kill();
    await ended;
  }
}
