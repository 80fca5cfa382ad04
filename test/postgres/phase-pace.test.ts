import { expect, test } from 'vitest';
import { PhasePace } from '../../src/postgres/watch/phase-pace.ts';

const scan = { phase: 'scanning heap', relation: 'orders', unit: 'blocks', total: 1_000 } as const;

test('the first look knows the percentage, and only the second one the time that is left', () => {
  const pace = new PhasePace();
  expect(pace.measure({ ...scan, done: 199 }, 0)).toEqual({ ...scan, done: 199, percent: 19 });
  expect(pace.measure({ ...scan, done: 399 }, 1_000)).toMatchObject({ percent: 39, etaMs: 3_005 });
});

test('a phase that has just begun does not inherit the speed of the one before', () => {
  const pace = new PhasePace();
  pace.measure({ ...scan, done: 0 }, 0);
  pace.measure({ ...scan, done: 900 }, 1_000);
  const next = { ...scan, phase: 'vacuuming heap' } as const;
  expect(pace.measure({ ...next, done: 10 }, 2_000)).not.toHaveProperty('etaMs');
  expect(pace.measure({ ...next, done: 20 }, 3_000)).toMatchObject({ etaMs: 98_000 });
});

test('the same phase from its beginning, of the next index of a table, counts anew', () => {
  const pace = new PhasePace();
  pace.measure({ ...scan, done: 900 }, 0);
  expect(pace.measure({ ...scan, done: 10 }, 1_000)).not.toHaveProperty('etaMs');
});

test('a phase that seems complete when it is first seen has no percentage yet', () => {
  const pace = new PhasePace();
  const { phase, relation } = scan;
  expect(pace.measure({ ...scan, done: 1_000 }, 0)).toEqual({ phase, relation });
  expect(pace.measure({ ...scan, done: 1_000 }, 1_000)).toEqual({ phase, relation });
  expect(pace.measure({ ...scan, done: 140 }, 2_000)).toMatchObject({ percent: 14 });
  expect(pace.measure({ ...scan, done: 1_000 }, 3_000)).toMatchObject({ percent: 100 });
});

test('the speed is that of the last minute, so that a slow beginning is forgotten', () => {
  const pace = new PhasePace();
  const long = { ...scan, total: 1_000_000 } as const;
  pace.measure({ ...long, done: 0 }, 0);
  for (let second = 1; second <= 30; second += 1) {
    pace.measure({ ...long, done: second }, second * 1_000);
  }
  let last = pace.measure({ ...long, done: 30 }, 30_000);
  for (let second = 31; second <= 90; second += 1) {
    last = pace.measure({ ...long, done: 30 + (second - 30) * 1_000 }, second * 1_000);
  }
  expect(last.etaMs).toBe(Math.round(((1_000_000 - 60_030) / 1_000) * 1_000));
});

test('nothing is computed without a total, and no time for sessions that are waited for', () => {
  const pace = new PhasePace();
  const rows = { phase: 'copying', unit: 'tuples', done: 12 } as const;
  expect(pace.measure(rows, 0)).toEqual(rows);
  const waiting = { phase: 'waiting for old snapshots', unit: 'sessions', total: 4 } as const;
  pace.measure({ ...waiting, done: 1 }, 0);
  expect(pace.measure({ ...waiting, done: 2 }, 1_000)).toEqual({
    ...waiting,
    done: 2,
    percent: 50,
  });
});

test('a statement that stands still has no time left', () => {
  const pace = new PhasePace();
  pace.measure({ ...scan, done: 5 }, 0);
  expect(pace.measure({ ...scan, done: 5 }, 5_000)).not.toHaveProperty('etaMs');
});
