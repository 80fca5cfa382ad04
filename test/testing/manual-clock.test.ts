import { manualClock } from 'slipway/testing';
import { expect, test } from 'vitest';

test('time stands still until it is moved on, and both clocks move together', async () => {
  const clock = manualClock({ now: 1_000 });
  expect([clock.now(), clock.elapsed()]).toEqual([1_000, 0]);
  await clock.advance('1.5s');
  await clock.advance(500);
  expect([clock.now(), clock.elapsed()]).toEqual([3_000, 2_000]);
});

test('what is due is called in order, each at its own time, and nothing else', async () => {
  const clock = manualClock();
  const called: string[] = [];
  const note = (name: string) => () => void called.push(`${name} at ${clock.elapsed()}`);
  clock.after(30, note('c'));
  clock.after(10, note('a'));
  clock.after(10, note('b'));
  const cancel = clock.after(20, note('canceled'));
  clock.after(31, note('late'));
  cancel();
  expect(clock.pending()).toEqual([10, 10, 30, 31]);
  await clock.advance(30);
  expect(called).toEqual(['a at 10', 'b at 10', 'c at 30']);
  expect(clock.pending()).toEqual([1]);
});

test('promises settle between two moments, so that a timer which one of them starts is called too', async () => {
  const clock = manualClock();
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const woken: number[] = [];
  const work = (async () => {
    for (let count = 0; count < 3; count += 1) {
      await sleep(10);
      for (let hop = 0; hop < 50; hop += 1) await Promise.resolve();
      woken.push(clock.elapsed());
    }
  })();
  await clock.advance(25);
  expect(woken).toEqual([10, 20]);
  await clock.advance(5);
  await work;
  expect(woken).toEqual([10, 20, 30]);
});

test('refuses a time that is none', async () => {
  // @ts-expect-error: no unit
  await expect(manualClock().advance('5')).rejects.toThrow('Expected clock.advance() to be a');
});
