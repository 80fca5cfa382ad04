import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Replayer } from '../../src/insight/replayer.ts';
import { launchSteps } from '../../src/insight/step-times.ts';
import { Story, storyOf } from '../../src/insight/story.ts';
import { whatIf, type WhatIfOptions } from '../../src/insight/what-if.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot, type StagedBoot, type StagedPlugin, plainPlugin } from './staged-plan.ts';

const runs = 50;
const recordedSlots = ({ migrateWidth: migrate, initWidth: init }: StagedBoot) => ({
  migrate,
  init,
});

/** Attempts at a taken lock that are not recorded can keep others waiting when slots are few. */
function pollsTakeSlots({ plugins, migrateWidth }: StagedBoot): boolean {
  return plugins.some(({ lockedForMs }) => lockedForMs > 0) && migrateWidth < plugins.length;
}

function times(story: Story): unknown {
  return story.record.plugins.map(({ id, steps }) => [
    id,
    ...launchSteps.map((step) => [
      step,
      steps[step].spawnedAtMs,
      steps[step].startedAtMs,
      steps[step].finishedAtMs,
      steps[step].pauses,
    ]),
  ]);
}

it('unchanged options give the recorded times of every step back, at every moment of any boot', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), fc.option(fc.integer({ min: 0, max: 500 })), async (boot, ms) => {
      const story = storyOf(await runStaged(boot, ms ?? undefined));
      const same = whatIf(story);
      expect(times(same.story)).toEqual(times(story));
      expect(same.durationMs).toBe(story.endMs);
      expect(same.savedMs).toBe(0);
    }),
    { numRuns: runs },
  );
});

it('the schedule decides when each task begins, without a correction', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), async (boot) => {
      fc.pre(!pollsTakeSlots(boot));
      const story = storyOf(await runStaged(boot));
      for (const { before } of new Replayer(story).replay(recordedSlots(boot))) {
        for (const [plugin, moves] of before.moves) {
          for (const [at, { fromMs }] of moves.entries()) {
            expect(before.taken.get(`${plugin} ${at}`), `${plugin} ${at}`).toBe(fromMs);
          }
        }
      }
    }),
    { numRuns: runs },
  );
});

const quick = { ...plainPlugin, connectMs: 0, files: [[5]] };
const few = (...plugins: readonly Partial<StagedPlugin>[]): StagedBoot => ({
  plugins: plugins.map((plugin) => ({ ...quick, ...plugin })),
  migrateWidth: 2,
  initWidth: 2,
  discoverMs: 0,
  surveyMs: 0,
  registerMs: 0,
});

it('an attempt at a taken lock that keeps another plugin waiting is no part of the model, and the times are kept all the same', async () => {
  const boot = few(
    { connectMs: 10, lockedForMs: 100 },
    { files: [[25]] },
    { needs: [1] },
    { needs: [1] },
  );
  const story = storyOf(await runStaged(boot));
  const [migrate] = new Replayer(story).replay(recordedSlots(boot));
  expect(story.record.find('p3')?.steps.migrate.spawnedAtMs).toBe(30);
  expect(migrate?.before.taken.get('p3 0')).toBe(25);
  expect(times(whatIf(story).story)).toEqual(times(story));
});

it('an attempt that gets its lock a while after its slot ends when it did, also where the model gives it no slot until then', async () => {
  const boot = few(
    { lockMs: 30, lockedForMs: 60 },
    { files: [[80]] },
    { files: [[65]] },
    { needs: [2], files: [[40]] },
    { needs: [2], files: [[40]] },
  );
  const story = storyOf(await runStaged(boot));
  const [migrate] = new Replayer(story).replay(recordedSlots(boot));
  expect(story.record.find('p0')?.steps.migrate.finishedAtMs).toBe(115);
  expect(migrate?.before.taken.get('p0 1')).toBe(135);
  expect(times(whatIf(story).story)).toEqual(times(story));
});

/** A boot in which everything succeeds and hardly two steps end in the same millisecond. */
function withoutTies({ plugins, ...boot }: StagedBoot): StagedBoot {
  const spread = (ms: number, at: number): number => ms * 10_007 + at * 101 + 1;
  return {
    ...boot,
    stopAtMs: undefined,
    plugins: plugins.map((plugin, at) => ({
      ...plugin,
      lockedForMs: 0,
      migrate: 'done',
      init: 'done',
      connectMs: spread(plugin.connectMs, at),
      initMs: spread(plugin.initMs, at + 7),
      readyMs: spread(plugin.readyMs, at + 13),
    })),
  };
}

it('other numbers of slots give the times that a boot with them really has', async () => {
  const slots = fc.integer({ min: 1, max: 8 });
  await fc.assert(
    fc.asyncProperty(anyBoot(), slots, slots, async (any, migrateWidth, initWidth) => {
      const boot = withoutTies(any);
      const story = storyOf(await runStaged(boot));
      const other = storyOf(await runStaged({ ...boot, migrateWidth, initWidth }));
      const supposed = whatIf(story, {
        migrateConcurrency: migrateWidth,
        initConcurrency: initWidth,
      });
      expect(times(supposed.story)).toEqual(times(other));
      expect(supposed.durationMs).toBe(other.endMs);
      expect(supposed.savedMs).toBe(story.endMs - other.endMs);
    }),
    { numRuns: runs },
  );
});

it('a step that is left out takes no time, and no boot takes longer without it when there are slots for all', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), fc.nat(), async (any, which) => {
      const boot = { ...any, migrateWidth: 8, initWidth: 8 };
      fc.pre(boot.plugins.length > 0);
      const plugin = `p${which % boot.plugins.length}`;
      const story = storyOf(await runStaged(boot));
      fc.pre(story.record.plugins.length > 0);
      const supposed = whatIf(story, { without: [plugin] });
      expect(supposed.savedMs).toBeGreaterThanOrEqual(0);
      const steps = supposed.story.record.find(plugin)?.steps;
      expect([steps?.migrate.durationMs ?? 0, steps?.init.durationMs ?? 0]).toEqual([0, 0]);
    }),
    { numRuns: runs },
  );
});

it('says what would decide the time then', async () => {
  const story = storyOf(
    await runStaged({
      plugins: [
        { ...plainPlugin, needs: [], initMs: 500 },
        { ...plainPlugin, needs: [0], initMs: 20 },
        { ...plainPlugin, needs: [], initMs: 300 },
      ],
      migrateWidth: 4,
      initWidth: 4,
      discoverMs: 10,
      surveyMs: 20,
      registerMs: 5,
    }),
  );
  const { durationMs, savedMs, longest, chain } = whatIf(story, { without: ['p0.init'] });
  expect({ durationMs, savedMs, longest: longest?.plugin }).toEqual({
    durationMs: 335,
    savedMs: 220,
    longest: 'p2',
  });
  expect(chain.map(({ step, plugin }) => plugin ?? step)).toEqual([
    'discover',
    'survey',
    'migrateAll',
    'p2',
  ]);
  expect(whatIf(story, { initConcurrency: 1 }).savedMs).toBe(-300);
});

it('an unknown plugin, an unknown step and an impossible concurrency are refused', () => {
  const story = new Story({ bootId: 'none', events: [], end: 'running' });
  const tried = (options: WhatIfOptions) => () => whatIf(story, options);
  expect(tried({ without: ['catlog.init'] })).toThrow(
    'Expected without[0] to be a plugin of this boot',
  );
  for (const concurrency of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(tried({ initConcurrency: concurrency })).toThrow(
      'Expected initConcurrency to be an integer',
    );
    expect(tried({ migrateConcurrency: concurrency })).toThrow('Expected migrateConcurrency');
  }
  expect(whatIf(story)).toMatchObject({ durationMs: 0, savedMs: 0, chain: [] });
});

it('a boot that hangs would have been as quick as the rest of it', async () => {
  const plugins = [
    { ...plainPlugin, initMs: 60_000 },
    { ...plainPlugin, initMs: 40 },
  ];
  const slots = { migrateWidth: 2, initWidth: 2 };
  const phases = { discoverMs: 10, surveyMs: 10, registerMs: 0 };
  const story = storyOf(await runStaged({ plugins, ...slots, ...phases }, 50_000));
  expect(whatIf(story, { without: ['p0.init'] })).toMatchObject({
    durationMs: 60,
    savedMs: 49_940,
  });
});
