import { describe, expect, it } from 'vitest';
import * as machines from '../../machines/index.ts';
import { check, type Part } from './model-check.ts';
import { pluginGraphs } from './plugin-graphs.ts';
import { exploreBoots } from './whole-boot.ts';

const floors: readonly [Part, number][] = [
  ['boot', 40],
  ['launch', 60],
  ['migrateAll', 50_000],
  ['initAll', 35_000],
  ['stopAll', 10_000],
];

describe('over everything that can happen', () => {
  it.each(floors)(
    '%s keeps every law and always comes to an end',
    (part, leastStates) => {
      const proof = check(machines, part);

      // A walk that suddenly sees little proves little.
      expect(proof.states).toBeGreaterThan(leastStates);
    },
    180_000,
  );

  it('no init begins in any boot of two plugins while anything still migrates', () => {
    let states = 0;
    for (const nodes of pluginGraphs(2)) states += exploreBoots(machines, nodes);

    expect(states).toBeGreaterThan(3_000);
  });
});
