import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseRecording, RecordingParser } from '../../src/insight/parse-recording.ts';
import { Story, storyOf } from '../../src/insight/story.ts';
import { timeline } from '../../src/insight/timeline.ts';
import type { Placed } from '../../src/insight/timeline-frame.ts';
import { writeRecording } from '../../src/insight/write-recording.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot, plainPlugin } from './staged-plan.ts';

function listPlaced(story: Story): readonly Placed[] {
  const { phases, chain, lanes } = timeline(story);
  const bars = lanes.flatMap((lane) => lane.bars);
  const files = bars.flatMap((bar) => bar.files);
  return [
    ...phases,
    ...chain,
    ...bars,
    ...bars.flatMap((bar) => bar.segments),
    ...files,
    ...files.flatMap((file) => file.statements),
  ];
}

it('every bar is on the axis, in the order of its times, and those inside of others stay inside', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyBoot(),
      fc.constantFrom(1, 1, 100),
      fc.option(fc.integer({ min: 0, max: 400 })),
      async (any, factor, ms) => {
        // Longer inits make stretches in which nothing begins or ends.
        const plugins = any.plugins.map((each) => ({ ...each, initMs: each.initMs * factor }));
        const story = storyOf(await runStaged({ ...any, plugins }, ms ?? undefined));
        const times = listPlaced(story).flatMap(({ startMs, endMs, from, to }) => {
          expect(from).toBeLessThanOrEqual(to);
          return [
            [startMs, from],
            [endMs, to],
          ] as const;
        });
        const places = times.toSorted((a, b) => a[0] - b[0]).map(([, place]) => place);
        for (const [at, place] of places.entries()) {
          expect(place).toBeGreaterThanOrEqual((places[at - 1] ?? 0) - 1e-9);
          expect(place).toBeLessThanOrEqual(1);
        }
        for (const { bars } of timeline(story).lanes) {
          for (const bar of bars) {
            expect(bar.segments[0]?.startMs).toBe(bar.startMs);
            expect(bar.segments.at(-1)?.endMs).toBe(bar.endMs);
            for (const file of bar.files) {
              expect(file.from).toBeGreaterThanOrEqual(bar.from);
              expect(file.to).toBeLessThanOrEqual(bar.to);
            }
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

const boot = {
  plugins: [
    { ...plainPlugin, files: [[5]], initMs: 60_000 },
    { ...plainPlugin, needs: [0], initMs: 500 },
  ],
  migrateWidth: 2,
  initWidth: 2,
  discoverMs: 100,
  surveyMs: 100,
  registerMs: 0,
};

it('a long stretch in which nothing begins or ends is drawn short, with its length', async () => {
  const { gaps, endMs, lanes } = timeline(storyOf(await runStaged(boot)));
  expect(endMs).toBe(60_706);
  expect(gaps).toEqual([expect.objectContaining({ startMs: 206, endMs: 60_206, label: '1m 00s' })]);
  const [gap] = gaps;
  expect((gap?.to ?? 1) - (gap?.from ?? 0)).toBeCloseTo(0.15);
  const init = lanes[1]?.bars.find(({ step }) => step === 'init');
  const work = init?.segments.at(-1);
  expect(work).toMatchObject({ kind: 'own', startMs: 60_206, endMs: 60_706, to: 1 });
  expect((work?.to ?? 0) - (work?.from ?? 0)).toBeGreaterThan(0.5);
});

it('a boot that hangs is not squeezed by the time that it hangs', async () => {
  const { gaps, lanes } = timeline(storyOf(await runStaged(boot, 50_000)));
  expect(gaps.map(({ endMs, to, label }) => ({ endMs, to, label }))).toEqual([
    { endMs: 50_000, to: 1, label: '49.79s' },
  ]);
  expect(lanes[0]?.bars.find(({ step }) => step === 'init')).toMatchObject({
    state: 'running',
    to: 1,
  });
});

it('days between the launch and the stop are one gap', async () => {
  const day = 86_400_000;
  const story = storyOf(await runStaged({ ...boot, stopAtMs: 3 * day }));
  const { endMs, gaps } = timeline(story);
  expect(endMs).toBe(3 * day);
  expect(gaps).toHaveLength(2);
});

it('a boot without a single event, and one that never got to a plugin, can be drawn', async () => {
  const empty = timeline(new Story({ bootId: 'none', events: [], end: 'cutOff' }));
  expect(empty).toEqual({ endMs: 0, gaps: [], phases: [], chain: [], lanes: [] });
  const hanging = timeline(storyOf(await runStaged({ ...boot, discoverMs: 90_000 }, 60_000)));
  expect(hanging.phases).toMatchObject([{ phase: 'discover', from: 0, to: 1, outcome: 'running' }]);
});

it('a boot that is looked at after every line looks the same as one that is read afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), async (any) => {
      // Short steps, so that many things happen in the same millisecond.
      const plugins = any.plugins.map((each) => ({ ...each, initMs: each.initMs % 2, readyMs: 0 }));
      const lines = writeRecording(storyOf(await runStaged({ ...any, plugins })));
      const parser = new RecordingParser();
      for (const [at, line] of lines.entries()) {
        parser.add(line);
        const live = timeline(parser.finish(true));
        if (at % 7 !== 0 && at < lines.length - 1) continue;
        expect(live).toEqual(timeline(parseRecording(lines.slice(0, at + 1), true)));
      }
    }),
    { numRuns: 30 },
  );
});
