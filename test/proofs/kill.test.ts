import { test, vi } from 'vitest';
import { startBootProcess } from '../support/boot-process.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { bootEach, expectLost, prepareInterruptions } from './interrupted-boots.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

test('a process that is killed at any place of a migration leaves nothing that the next boot does not heal', async () => {
  const fresh = await db.fresh();
  // To the server it is all one whether an answer was on its way or had arrived.
  await using interruptions = await prepareInterruptions(
    fresh,
    bootUnderTest,
    ({ request, when }, requests) => when === 'before' || request === requests,
  );
  // One process that boots each plugin by itself: all of them stand when it dies.
  const victim = await startBootProcess();
  const lost: Promise<unknown>[] = [];
  await interruptions.startEach(({ turnstile, plugin }) => {
    const order = victim.carryOut({ url: turnstile.url, plugins: [plugin] });
    lost.push(order.catch(() => undefined));
  });
  await victim.kill();
  await Promise.all(lost);
  await interruptions.expectHealed();
});

test('a session that is terminated at any place of a migration ends the boot with the cause, and the next boot heals', async () => {
  const fresh = await db.fresh();
  await using interruptions = await prepareInterruptions(
    fresh,
    bootUnderTest,
    // Before it is connected there is no session.
    ({ request, when }) => request > 1 || when === 'after',
  );
  const boots = await bootEach(interruptions, fresh, bootUnderTest);
  const pids = boots.standing.map(({ pid }) => pid);
  await fresh.query('SELECT pg_terminate_backend(pid, 5000) FROM unnest($1::int[]) AS pid', [pids]);
  for (const connection of boots.standing) connection.release();
  expectLost(await boots.ends(), '57P01');
  await boots.expectCleanPools();
  await interruptions.expectHealed();
});
