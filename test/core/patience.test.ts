import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { untilAborted } from '../../src/core/patience.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('many that wait on one signal leave no listener there, whatever the garbage collector did meanwhile', async () => {
  const { signal } = new AbortController();
  let finish = (): void => undefined;
  const work = new Promise<void>((resolve) => (finish = resolve));

  const waiting = Array.from({ length: 5 }, () => untilAborted(work, signal));
  // What is weakly held lives on until the tick has ended.
  await new Promise(setImmediate);
  collectGarbage();
  expect(getEventListeners(signal, 'abort')).toHaveLength(5);
  finish();
  await Promise.all(waiting);

  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
