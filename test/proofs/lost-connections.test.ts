import { startPostgres } from 'slipway/testing';
import { expect, test, vi } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { TestDatabase } from '../support/test-database.ts';
import { bootEach, expectLost, prepareInterruptions } from './interrupted-boots.ts';

// Many boots take their time on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

test('a network that resets its connections at any place of a migration ends the boot with an error, and the next boot heals', async () => {
  const fresh = await db.fresh();
  await using interruptions = await prepareInterruptions(fresh, bootUnderTest);
  const boots = await bootEach(interruptions, fresh, bootUnderTest);
  for (const connection of boots.standing) connection.reset();
  expectLost(await boots.ends());
  await boots.expectCleanPools();
  await interruptions.expectHealed();
});

test('a server that crashes at any place of a migration ends the boot with an error, and the next boot heals', async () => {
  await using server = await startPostgres({ from: 'local', settings: { max_connections: 150 } });
  const database = new TestDatabase(server.url);
  await database.create();
  await using interruptions = await prepareInterruptions(database, bootUnderTest);
  const boots = await bootEach(interruptions, database, bootUnderTest);
  await server.kill();
  await server.restart();
  for (const connection of boots.standing) connection.release();
  expectLost(await boots.ends());
  await boots.expectCleanPools();
  await interruptions.expectHealed();
  await database.expectNoLeak();
});

test('a network that goes silent at any place of a migration holds no stop past its deadline, and the next boot heals', async () => {
  const fresh = await db.fresh();
  await using interruptions = await prepareInterruptions(fresh, bootUnderTest);
  const boots = await bootEach(interruptions, fresh, bootUnderTest, { stop: { total: 100 } });
  for (const { turnstile } of interruptions.candidates) turnstile.blackHole();
  await Promise.all(boots.boots.map((boot) => boot.stop('SIGTERM')));
  const canceled = (await boots.ends()).filter(({ isMigrating }) => isMigrating);
  expect(canceled.map(({ error }) => error)).toEqual(
    canceled.map(() => expect.objectContaining({ code: 'BOOT_CANCELED' }) as unknown),
  );
  // Far away the server does not know yet: it is told by its own keepalives, or by whoever sees that the host is gone.
  await interruptions[Symbol.asyncDispose]();
  await boots.expectCleanPools();
  await interruptions.expectHealed();
});
