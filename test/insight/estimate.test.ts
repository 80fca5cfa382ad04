import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headline } from '../../src/insight.ts';
import { readState } from '../../src/insight/read-state.ts';
import { describeStatus, writeStatus } from '../../src/insight/status.ts';
import { estimateRest } from '../../src/insight/estimate.ts';
import { storyOf } from '../../src/insight/story.ts';
import { runStaged } from './staged-boot.ts';
import { runWithHistory, type Usual } from './staged-history.ts';
import { anyBoot, stageBoot } from './staged-plan.ts';

/** Any boot whose plugins all get ready. */
const anyGoodBoot = anyBoot().map((boot) => ({
  ...boot,
  until: 'ready' as const,
  registerMs: 0,
  stopAtMs: undefined,
  plugins: boot.plugins.map((plugin) => ({
    ...plugin,
    migrate: 'done' as const,
    init: 'done' as const,
  })),
}));

describe('the time that is left', () => {
  it('is never more than the boot takes, and at least half of it, when the plugins take as long as usual', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyGoodBoot,
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (boot, part) => {
          const story = await runWithHistory(boot);
          const readyMs = story.record.finished?.atMs ?? Number.NaN;
          const fromMs = story.record.findPhase('initAll')?.startMs ?? Number.NaN;
          const nowMs = Math.floor(fromMs + (readyMs - fromMs) * part);
          const leftMs = readyMs - nowMs;
          fc.pre(leftMs > 0);
          const estimate = estimateRest(story.at(nowMs).times);
          expect(estimate).toBeLessThanOrEqual(leftMs);
          expect(estimate).toBeGreaterThanOrEqual(leftMs / 2);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is that of the longest way through the graph', async () => {
    const story = await runWithHistory(
      stageBoot({ initMs: 4_000 }, { needs: [0], initMs: 2_000, readyMs: 0 }, { initMs: 500 }),
    );
    const { startMs = 0 } = story.record.findPhase('initAll') ?? {};
    expect(headline(story.at(startMs + 1_001))).toBe(
      'p0 starts: its init has run for 1.00s, usually 4.00s; p1 waits for it (1 of 3 started, about 5 s left)',
    );
  });

  it.each<[string, Usual]>([
    ['a plugin is new', { p0: { init: 4_000, ready: 0 }, p1: { ready: 0 } }],
    ['a plugin is late', { p0: { init: 900, ready: 0 }, p1: { init: 2_000, ready: 0 } }],
  ])('is not known while %s', async (_, usual) => {
    const story = await runWithHistory(
      stageBoot({ initMs: 4_000 }, { needs: [0], initMs: 2_000 }),
      usual,
    );
    const { startMs = 0 } = story.record.findPhase('initAll') ?? {};
    const late = story.at(startMs + 3_000);
    expect(estimateRest(late.times)).toBeUndefined();
    expect(headline(late)).toMatch(
      /its init has run for 3.00s, usually (?:4.00s|900ms); p1 waits for it \(0 of 2 started\)$/,
    );
  });

  it('is in the state of the boot, beside the usual time of what runs', async () => {
    const story = await runWithHistory(stageBoot({ initMs: 4_000, readyMs: 0 }));
    const { startMs = 0 } = story.record.findPhase('initAll') ?? {};
    const { times, record } = story.at(startMs + 1_000);
    const status = record.plugins.map((plugin) => writeStatus(describeStatus(times, plugin)));
    expect(status).toEqual(['starts for 1.00s, usually 4.00s']);
    expect(readState(record, 'launching', startMs + 1_000)).toMatchObject({
      etaMs: 3_000,
      running: [{ plugin: 'p0', step: 'init', usualMs: 4_000, forMs: 1_000 }],
    });
  });

  it('is not known without a history, and when the boot is up or goes down', async () => {
    const boot = stageBoot({ initMs: 4_000 });
    const plain = storyOf(await runStaged(boot));
    const { startMs = 0 } = plain.record.findPhase('initAll') ?? {};
    expect(estimateRest(plain.at(startMs + 1_000).times)).toBeUndefined();
    const up = await runWithHistory(boot);
    expect(estimateRest(up.times)).toBeUndefined();
    const stopped = await runWithHistory({ ...boot, stopAtMs: 2_000 });
    expect(estimateRest(stopped.at(1_000).times)).toBeGreaterThan(0);
    expect(estimateRest(stopped.at(2_000).times)).toBeUndefined();
  });
});
