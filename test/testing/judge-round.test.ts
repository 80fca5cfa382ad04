import { expect, it } from 'vitest';
import { countApplied, findEarlyInit, judgeRound } from '../../src/testing/replicas/judge-round.ts';
import type { Heard, Settlement } from '../../src/testing/replicas/replica.ts';

const files = new Map([['catalog', ['0000_items.sql']]]);
const applied = { kind: 'applied', plugin: 'catalog', file: '0000_items.sql' } as const;
const migrated = { kind: 'migrated' } as const;
const init = { kind: 'init', plugin: 'catalog' } as const;

it('a file that two replicas have applied is reported, and one that none has', () => {
  expect(countApplied([[applied], []], files, false)).toEqual([]);
  expect(countApplied([[applied], [applied]], files, false)).toEqual([
    '0000_items.sql of catalog was applied 2 times, by all replicas together',
  ]);
  expect(countApplied([[], []], files, false)).toHaveLength(1);
});

it('a replica that was killed may not have come to say that it applied a file', () => {
  expect(countApplied([[], []], files, true)).toEqual([]);
  expect(countApplied([[applied], [applied]], files, true)).toHaveLength(1);
});

it('an init before the migrations have ended is reported', () => {
  expect(findEarlyInit([applied, migrated, init])).toEqual([]);
  const early = ['init of catalog began before its migrations had ended'];
  expect(findEarlyInit([applied, init, migrated])).toEqual(early);
  expect(findEarlyInit([init])).toEqual(early);
});

it('a round is judged by all of it', () => {
  const replica = (number: number, heard: readonly Heard[]) => ({
    replica: { number, heard, settled: up, stop: async () => undefined },
    settlement: { outcome: 'up' } as const,
  });
  const up = Promise.resolve<Settlement>({ outcome: 'up' });
  const judge = (...heard: readonly (readonly Heard[])[]): readonly string[] =>
    judgeRound(
      {
        plan: { replicas: 2, timeoutMs: 1 },
        settled: heard.map((each, index) => replica(index + 1, each)),
        structure: [],
        tables: [],
      },
      { files },
    );
  expect(judge([applied, migrated, init], [migrated, init])).toEqual([]);
  expect(judge([applied, migrated, init], [applied, migrated, init])).toHaveLength(1);
  expect(judge([applied, migrated, init], [init, migrated])).toHaveLength(1);
});
