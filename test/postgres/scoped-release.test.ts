import { expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { startTurnstile } from '../support/turnstile.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();

/** The turnstile holds back the message in which the server announces the state of the transaction, behind the error itself. */
async function failBeforeTheServerIsReady(text: string) {
  const turnstile = await startTurnstile(db.url);
  const shared = db.pool({ connectionString: turnstile.url, max: 1 });
  const pool = createScopedPool(shared, 'plugin_a');
  await pool.query('select 1');
  const stopping = turnstile.stopAt({ request: 1, when: 'after' });
  const client = await pool.connect();
  const failed = await errorOf(client.query(text));
  const stopped = await stopping;
  client.release();
  return { turnstile, shared, failed, stopped };
}

test('a client that is released before the server has announced its open transaction is destroyed', async () => {
  const { turnstile, shared, failed, stopped } =
    await failBeforeTheServerIsReady('begin; select 1 / 0');
  await using _ = turnstile;
  expect(failed).toMatchObject({ code: '22012' });
  expect(shared.idleCount).toBe(0);
  stopped.release();
  await expect.poll(() => shared.totalCount).toBe(0);
});

test('a client that is released before the server is ready is kept when no transaction is open', async () => {
  const { turnstile, shared, stopped } = await failBeforeTheServerIsReady('select 1 / 0');
  await using _ = turnstile;
  expect(shared.idleCount).toBe(0);
  stopped.release();
  await expect.poll(() => shared.idleCount).toBe(1);
});

test('a client that is released while its first SET is on the way is destroyed, and the host gets another', async () => {
  const shared = db.pool({ max: 1 });
  const client = await createScopedPool(shared, 'plugin_a').connect();
  const sent = client.query(`set lock_timeout = '7s'`);
  client.release();
  const shown = shared.query('show lock_timeout');
  await sent;
  expect((await shown).rows).toEqual([{ lock_timeout: '0' }]);
  expect((await shared.query('show lock_timeout')).rows).toEqual([{ lock_timeout: '0' }]);
});

test('a client whose connection ends before the server is ready leaves the pool', async () => {
  const { turnstile, shared, stopped } = await failBeforeTheServerIsReady('select 1 / 0');
  await using _ = turnstile;
  stopped.reset();
  await expect.poll(() => shared.totalCount).toBe(0);
});
