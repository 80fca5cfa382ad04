import { expect, test } from 'vitest';
import { runChaos } from './chaos.ts';

/** Rounds in which hosts once died: their pools busy, or on their way down, when the server went away. */
const rounds = [22, 445];

test('replicas get through a server that goes away under them, and the database is as after a clean boot', async () => {
  const { deviations } = await runChaos({ seed: 7, rounds });
  expect(deviations).toEqual([]);
}, 180_000);

test('replicas that add and remove plugins while they are up get through the same faults', async () => {
  const { deviations } = await runChaos({ seed: 13, rounds: [2], grows: true });
  expect(deviations).toEqual([]);
}, 180_000);
