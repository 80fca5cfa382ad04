import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findTime,
  joinStretches,
  layAxis,
  layOpenAxis,
  type Stretch,
} from '../../src/insight/timeline-axis.ts';

const at = (...moments: readonly number[]): readonly Stretch[] =>
  moments.map((ms) => ({ startMs: ms, endMs: ms }));
const anyTimes = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 60_000 }), fc.constantFrom(0, 0, 500, 4_000)),
  { maxLength: 12 },
);
const toStretches = (times: readonly (readonly [number, number])[]): readonly Stretch[] =>
  times.map(([startMs, ms]) => ({ startMs, endMs: startMs + ms }));

describe('the axis of a boot that is over', () => {
  it('draws a slow step as long as it is, beside others that can be seen', () => {
    const { gaps, place } = layAxis(2_300, at(0, 400, 1_900, 2_200));
    expect(gaps).toEqual([]);
    expect(place(1_150)).toBeCloseTo(0.5);
  });

  it('draws hours short when everything else would be squeezed by them', () => {
    const { gaps, place } = layAxis(3_601_000, at(0, 500, 3_600_500));
    expect(gaps).toMatchObject([{ startMs: 500, endMs: 3_600_500, label: '60m 00s' }]);
    expect(place(500)).toBeGreaterThan(0.4);
    expect(place(3_601_000)).toBe(1);
  });
});

describe('the axis of a boot that goes on', () => {
  it('stands still while bars grow, and gets a new end a few times only', () => {
    const places = new Set<number>();
    for (let ms = 0; ms <= 60_000; ms += 50) {
      const moments = Array.from({ length: ms / 50 + 1 }, (_, index) => index * 50);
      places.add(layOpenAxis(ms, at(...moments)).perMs);
    }
    expect(places.size).toBeLessThan(16);
  });

  it('draws a hang at its true length up to a third of the axis, and keeps it there with its length', () => {
    const moments = at(0, 1_000, 2_000);
    const { gaps, place } = layOpenAxis(2_900, moments);
    expect(gaps).toEqual([]);
    expect(place(2_900) - place(2_000)).toBeCloseTo(900 * (place(1_000) / 1_000));
    const later = [20_000, 41_000, 7_200_000].map((nowMs) => layOpenAxis(nowMs, moments));
    for (const axis of later) {
      expect(axis.place(2_000)).toBe(later[0]?.place(2_000));
      expect(axis.gaps[0]?.to).toBeCloseTo((axis.gaps[0]?.from ?? 0) + 0.35);
    }
    expect(later[1]?.gaps).toMatchObject([{ startMs: 2_000, endMs: 41_000, label: '39.00s' }]);
  });

  it('places every time in order, and leaves room at its end', () => {
    fc.assert(
      fc.property(anyTimes, fc.integer({ min: 0, max: 80_000 }), (times, nowMs) => {
        const { place, gaps } = layOpenAxis(nowMs, toStretches(times));
        const moments = [0, nowMs, ...times.map(([ms]) => ms)].filter((ms) => ms <= nowMs);
        const places = moments.toSorted((a, b) => a - b).map(place);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect(places.every((each) => each >= 0 && each <= 1)).toBe(true);
        for (const gap of gaps) expect(gap.to).toBeGreaterThan(gap.from);
      }),
    );
  });
});

it('a place on an axis has the time that stands there', () => {
  fc.assert(
    fc.property(
      anyTimes,
      fc.integer({ min: 1, max: 80_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (times, endMs, part) => {
        for (const lay of [layAxis, layOpenAxis]) {
          const axis = lay(endMs, toStretches(times));
          expect(findTime(axis, axis.place(part * endMs))).toBeCloseTo(part * endMs, 3);
        }
      },
    ),
  );
  const hours = layAxis(7_200_000, at(0, 500, 1_000, 7_199_800));
  expect(findTime(hours, hours.place(700))).toBeCloseTo(700);
});

it('no gap is lost or made up when stretches are joined', () => {
  fc.assert(
    fc.property(anyTimes, (times) => {
      const stretches = toStretches(times);
      const joined = joinStretches(stretches);
      expect(layAxis(90_000, joined).gaps).toEqual(layAxis(90_000, stretches).gaps);
    }),
  );
});
