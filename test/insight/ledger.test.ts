import fc from 'fast-check';
import { expect, it } from 'vitest';
import { criticalChain } from '../../src/insight/critical-chain.ts';
import { storyOf, type Story } from '../../src/insight/story.ts';
import { waits, type StepLedger } from '../../src/insight/waits.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot } from './staged-plan.ts';

const runs = 100;

function sum(ledger: StepLedger): number {
  return Object.values(ledger).reduce((total, ms) => total + ms, 0) - ledger.wallMs;
}

function expectLedgersToAddUp(story: Story): void {
  for (const { plugin, ...steps } of waits(story)) {
    for (const [step, ledger] of Object.entries(steps)) {
      expect(sum(ledger), `${step} of ${plugin}`).toBeCloseTo(ledger.wallMs, 6);
      expect(Math.min(...Object.values(ledger))).toBeGreaterThanOrEqual(0);
    }
  }
}

function expectChainToCover(story: Story): void {
  const chain = criticalChain(story);
  if (story.endMs === 0) return;
  expect(chain[0]?.startMs).toBe(0);
  expect(chain.at(-1)?.endMs).toBeCloseTo(story.endMs, 6);
  let endMs = 0;
  for (const link of chain) {
    expect(link.startMs).toBeCloseTo(endMs, 6);
    expect(link.endMs).toBeGreaterThan(link.startMs);
    endMs = link.endMs;
  }
}

it('the ledger of each step adds up to its wall time, and the chain to the time of the boot', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), async (boot) => {
      const story = storyOf(await runStaged(boot));
      expectLedgersToAddUp(story);
      expectChainToCover(story);
    }),
    { numRuns: runs },
  );
});

it('they add up at every moment of a boot that goes on', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), fc.integer({ min: 0, max: 500 }), async (boot, ms) => {
      const story = storyOf(await runStaged(boot, ms));
      expectLedgersToAddUp(story);
      expectChainToCover(story);
    }),
    { numRuns: runs },
  );
});
