import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as machines from '../../machines/index.ts';
import { PuppetStage } from './puppet-boot.ts';
import { randomBoots, runRandomBoot } from './random-boots.ts';

const runs = 3_000;
/** A broken law names the seed and the shortest way to it: `BOOT_SEED=… npx vitest run test/machines/random-boots.test.ts`. */
const seed = Number(process.env['BOOT_SEED'] ?? Date.now());

it('thousands of random boots keep every law', () => {
  const stage = new PuppetStage(machines);
  const seen = new Map<string, number>();
  let deeds = 0;
  fc.assert(
    fc.property(randomBoots, (boot) => {
      for (const deed of runRandomBoot(stage, boot)) {
        deeds += 1;
        const kind = deed.replaceAll(/\.\w|\d+/g, '').replace(/^REMOVE \w+/, 'REMOVE');
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }),
    { numRuns: runs, seed },
  );
  const kinds = [...seen]
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${count}`);
  console.log(`${runs} boots with seed ${seed}, ${deeds} deeds: ${kinds.join(', ')}`);

  // Boots that come nowhere prove little.
  expect(deeds).toBeGreaterThan(runs * 20);
}, 600_000);
