import { afterAll, describe, expect, it } from 'vitest';
import * as machines from '../../machines/index.ts';
import { check, type Part } from './model-check.ts';

const floors: readonly [Part, number][] = [
  ['boot', 50],
  ['launch', 100],
  ['changes', 4_000],
  ['migrateAll', 100_000],
  ['initAll', 80_000],
  ['stopAll', 20_000],
];

const walks: string[] = [];

afterAll(() => console.log(walks.join('\n')));

describe('over everything that can happen', () => {
  it.each(floors)(
    '%s keeps every law and always comes to an end',
    (part, leastStates) => {
      const { graphs, models, states, edges } = check(machines, part);
      walks.push(`${part}: ${graphs} graphs, ${models} models, ${states} states, ${edges} edges`);

      // A walk that suddenly sees little proves little.
      expect(states).toBeGreaterThan(leastStates);
    },
    900_000,
  );
});
