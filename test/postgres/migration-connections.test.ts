import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import {
  withPatience,
  type PatientPool,
} from '../../src/postgres/connection/connect-with-patience.ts';
import { MigrationConnections } from '../../src/postgres/connection/migration-connections.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, migrateOptions, pluginWith } from './migration-fixture.ts';

const db = useDatabase();
const table = { '0000_init': 'create table t (id int);' };
const { signal } = new AbortController();

function connectionsOf(
  pool: Pool,
  clock: Clock = systemClock,
): { connections: MigrationConnections; patient: PatientPool } {
  const connections = new MigrationConnections(pool, clock);
  return {
    connections,
    patient: withPatience(connections, { waitMs: 0, clock: systemClock, signal }),
  };
}

test('a connection that is handed over, and on which another backend answers, is refused', async () => {
  const pool = db.pool();
  const [pinned, other] = [await pool.connect(), await pool.connect()];
  let current = pinned;
  const wandering = {
    waitingCount: 0,
    options: {},
    listenerCount: () => 0,
    connect: async () => ({
      query: async (query: { text: string }) => {
        const answer = await current.query(query);
        if (query.text === 'discard all') current = other;
        return answer;
      },
      getTransactionStatus: () => current.getTransactionStatus(),
      release: () => undefined,
    }),
  };
  const { connections, patient } = connectionsOf(wandering as unknown as Pool);
  connections.expect(2);
  await migratePlugin(patient, await pluginWith('one', table), migrateOptions());
  const error = await errorOf(
    migratePlugin(patient, await pluginWith('two', table), migrateOptions()),
  );
  pinned.release(true);
  other.release(true);
  expect(error).toMatchObject({ code: 'POOLER_UNSUPPORTED', plugin: 'two' });
  const { rows } = await db.query(`select to_regnamespace('plugin_two') as schema`);
  expect(rows).toEqual([{ schema: null }]);
});

test('a connection that broke while no migration had it is not handed over', async () => {
  const fresh = await db.fresh();
  // Time stands still, so that it is not closed before.
  const still = { ...systemClock, after: () => () => undefined };
  const { connections, patient } = connectionsOf(fresh.pool(), still);
  connections.expect(3);
  const first = await patient.checkOut();
  first.backendPid = first.client.processID ?? undefined;
  first.handOver();
  const broken = new Promise((resolve) => first.client.on?.('error', resolve));
  await fresh.query('select pg_terminate_backend($1)', [first.backendPid]);
  await broken;
  const next = await patient.checkOut();
  expect(next.client).not.toBe(first.client);
  next.giveBack();
  connections.close();
});

test('one that has migrated nothing goes back to the pool', async () => {
  const pool = db.pool();
  const { connections, patient } = connectionsOf(pool);
  connections.expect(1);
  (await patient.checkOut()).giveBack();
  expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
});

test('one that has migrated never does, also when the next migration did not get its lock', async () => {
  const pool = db.pool();
  const { connections, patient } = connectionsOf(pool);
  connections.expect(3);
  const first = await patient.checkOut();
  first.backendPid = first.client.processID ?? undefined;
  first.handOver();
  const refused = await patient.checkOut();
  expect(refused.client).toBe(first.client);
  refused.giveBack();
  expect(pool.idleCount).toBe(0);
  const last = await patient.checkOut();
  expect(last.client).toBe(first.client);
  last.giveBack(true);
  expect(pool.totalCount).toBe(0);
});

test('one that is made for the last who asks goes to the first, and the last gets another', async () => {
  const { connections } = connectionsOf(db.pool());
  const held = await connections.checkOut(signal);
  const first = connections.checkOut(signal);
  // Goes back to the pool, because nothing has migrated on it.
  held.giveBack();
  const last = connections.checkOut(signal);
  const taken = [await first, await last];
  expect(taken[0]?.client).not.toBe(taken[1]?.client);
  for (const each of taken) each.giveBack();
});

test('a migration that is aborted while it waits takes no connection along', async () => {
  const pool = db.pool({ max: 1 });
  const taken = await pool.connect();
  const { connections } = connectionsOf(pool);
  connections.expect(2);
  const stopped = new AbortController();
  const waiting = errorOf(connections.checkOut(stopped.signal));
  const other = connections.checkOut(signal);
  stopped.abort(new Error('stopped'));
  expect(await waiting).toMatchObject({ message: 'stopped' });
  taken.release();
  (await other).giveBack();
  expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
});
