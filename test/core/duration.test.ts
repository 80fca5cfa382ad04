import { describe, expect, it } from 'vitest';
import { formatDuration, toMilliseconds } from '../../src/core/duration.ts';

describe('durations', () => {
  it.each([
    [250, 250],
    ['200ms', 200],
    ['5s', 5_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['1h', 3_600_000],
    [0, 0],
  ])('reads %s as %i ms', (written, ms) => {
    expect(toMilliseconds(written, 'x')).toBe(ms);
  });

  it.each([-1, Number.NaN, Infinity, '5', '5 s', 's', '-1s', '', null, {}, true, '600h'])(
    'refuses %s and names the option',
    (written) => {
      expect(() => toMilliseconds(written, 'init.timeout')).toThrow(
        /^Expected init\.timeout to be a duration/,
      );
    },
  );

  it.each([
    [0, '0ms'],
    [12.4, '12ms'],
    [999.6, '1.00s'],
    [1_234, '1.23s'],
    [59_996, '1m 00s'],
    [125_000, '2m 05s'],
  ])('writes %d ms as %s', (ms, written) => {
    expect(formatDuration(ms)).toBe(written);
  });
});
