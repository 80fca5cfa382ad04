import { expect, it } from 'vitest';
import { lineUp, type Bar } from '../../../src/insight/exports/bars.ts';

function bar(kind: Bar['kind'], startMs: number, endMs: number, parts: readonly Bar[] = []): Bar {
  const rest = { step: 'init', name: kind, goesOn: false, says: '', facts: {} } as const;
  return { kind, startMs, endMs, parts, ...rest };
}

it('bars that overlap are put one behind the other, and parts stay inside of their bar', () => {
  // A boot is stopped at 30 while an init runs until 50: the wait of its stop begins before the init has ended.
  const init = bar('step', 10, 50, [
    bar('retry', 5, 20),
    bar('retry', 15, 25),
    bar('retry', 40, 60),
  ]);
  const lined = lineUp(
    [init, bar('gate', 30, 70), bar('gate', 60, 65), bar('step', 64, 64)],
    0,
    100,
  );
  expect(lined.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
    [10, 50],
    [50, 70],
    [70, 70],
  ]);
  expect(lined[0]?.parts.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
    [10, 20],
    [20, 25],
    [40, 50],
  ]);
});
