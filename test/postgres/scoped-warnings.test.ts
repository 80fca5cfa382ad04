import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createScopedPool } from '../../src/index.ts';
import { useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();

function recordWarnings(): readonly string[] {
  const messages: string[] = [];
  const listener = ({ message }: Error): void => void messages.push(message);
  process.on('warning', listener);
  onTestFinished(() => void process.off('warning', listener));
  return messages;
}

/** Warnings are emitted in the next turn. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a command that changes the session', () => {
  test('is one warning of the process for a client, which is destroyed at its release', async () => {
    const messages = recordWarnings();
    const shared = db.pool({ max: 1 });
    const client = await createScopedPool(shared, 'plugin_a').connect();
    await client.query(`set lock_timeout = '1s'`);
    await client.query('listen news');
    await nextTurn();
    expect(messages).toEqual([
      'plugin_a: SET LOCK_TIMEOUT changes the session of a connection that all plugins share: the connection is closed at its release, and a new one is made. SET LOCAL in a transaction has no such price.',
    ]);
    expect(shared.totalCount).toBe(1);
    const removed = once(shared, 'remove');
    client.release();
    await removed;
    expect(shared.totalCount).toBe(0);
  });

  test('is one warning for a query of the pool, whose connection is destroyed', async () => {
    const messages = recordWarnings();
    const shared = db.pool({ max: 1 });
    await createScopedPool(shared, 'plugin_a').query('prepare p as select 1');
    await nextTurn();
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(/^plugin_a: PREPARE/);
    expect(shared.totalCount).toBe(0);
  });

  test('that fails destroys the connection too', async () => {
    const shared = db.pool({ max: 1 });
    const client = await createScopedPool(shared, 'plugin_a').connect();
    await errorOf(client.query('set role nobody_at_all'));
    client.release();
    await expect.poll(() => shared.totalCount).toBe(0);
  });

  test('in a transaction that has failed leaves the client usable', async () => {
    const client = await createScopedPool(db.pool({ max: 1 }), 'plugin_a').connect();
    await client.query('begin');
    await errorOf(client.query('select 1/0'));
    expect(await errorOf(client.query('set role none'))).toMatchObject({ code: '25P02' });
    await client.query('rollback');
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    client.release();
  });

  test('is no warning as SET LOCAL in a transaction, and the connection is kept', async () => {
    const messages = recordWarnings();
    const shared = db.pool({ max: 1 });
    const client = await createScopedPool(shared, 'plugin_a').connect();
    await client.query('begin');
    await client.query(`set local lock_timeout = '1s'`);
    await client.query('commit');
    client.release();
    await nextTurn();
    expect(messages).toEqual([]);
    expect(shared.totalCount).toBe(1);
  });

  test.skipIf(!pgbouncer)('is refused behind a pooler, and the client is kept', async () => {
    const messages = recordWarnings();
    const url = (await startPgBouncer({ mode: 'transaction' })).through(db.url);
    const shared = db.pool({ connectionString: url, max: 1 });
    const pool = createScopedPool(shared, 'plugin_a');
    expect((await errorOf(pool.query('set role pg_monitor'))).message).toMatch(/keeps no session/);
    const client = await pool.connect();
    expect((await errorOf(client.query('listen news'))).message).toMatch(/keeps no session/);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    client.release();
    await nextTurn();
    expect(messages).toEqual([]);
    expect(shared.totalCount).toBe(1);
  });
});
