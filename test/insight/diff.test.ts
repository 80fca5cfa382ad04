import fc from 'fast-check';
import { expect, it } from 'vitest';
import { diff } from '../../src/insight/diff.ts';
import type { RecordedEvent } from '../../src/insight/recorded-event.ts';
import { Story, storyOf } from '../../src/insight/story.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot, type StagedBoot, plainPlugin } from './staged-plan.ts';

const anyMoment = fc.option(fc.integer({ min: 0, max: 400 }));

it('the parts add up to the difference, whatever is compared', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), anyBoot(), anyMoment, async (a, b, ms) => {
      const before = storyOf(await runStaged(a));
      const after = storyOf(await runStaged(b, ms ?? undefined));
      const { totalMs, parts } = diff(before, after);
      expect(totalMs).toBe(after.endMs - before.endMs);
      expect(parts.reduce((sum, part) => sum + part.ms, 0)).toBeCloseTo(totalMs, 6);
      const sizes = parts.map((part) => Math.abs(part.ms));
      expect(sizes).toEqual(sizes.toSorted((x, y) => y - x));
    }),
    { numRuns: 40 },
  );
});

it('a boot does not differ from itself', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), anyMoment, async (any, ms) => {
      const story = storyOf(await runStaged(any, ms ?? undefined));
      expect(diff(story, story)).toEqual({ totalMs: 0, parts: [], changes: [] });
    }),
    { numRuns: 40 },
  );
});

const boot: StagedBoot = {
  plugins: [
    { ...plainPlugin, files: [[5]], initMs: 30 },
    { ...plainPlugin, needs: [0], initMs: 20 },
  ],
  migrateWidth: 2,
  initWidth: 2,
  discoverMs: 4,
  surveyMs: 6,
  registerMs: 3,
};

it('names the step that took longer, and what else has changed', async () => {
  const before = storyOf(await runStaged(boot));
  const [auth, billing] = boot.plugins;
  const slower = {
    ...boot,
    initWidth: 4,
    plugins: [
      { ...auth, files: [[5], [2]], initMs: 100, required: false },
      { ...billing, needs: [], after: [0] },
      plainPlugin,
    ],
  } as StagedBoot;
  const told = storyOf(await runStaged(slower));
  const events = told.events.map((event) => {
    const { type } = event;
    if (type === 'survey.finished') return { ...event, server: '18.4' };
    if (type === 'plugin.discovered') return { ...event, version: '2.0.0' };
    if (type !== 'boot.started') return event;
    return { ...event, poolSize: 20, versions: { slipway: '0.2.0', node: '20.19.0' } };
  }) as readonly RecordedEvent[];
  const after = new Story({ bootId: 'after', events, end: 'finished' });
  const { totalMs, parts, changes } = diff(before, after);
  expect(totalMs).toBe(72);
  expect(parts).toEqual([
    { plugin: 'p0', step: 'init', kind: 'work', ms: 70 },
    { plugin: 'p0', step: 'migrate', kind: 'work', ms: 2 },
  ]);
  expect(changes.map(({ sentence }) => sentence)).toEqual([
    'the version of Slipway was 0.0.0, and is 0.2.0',
    'the version of PostgreSQL was 18.0, and is 18.4',
    'the number of slots of inits was 2, and is 4',
    'the size of the pool was 10, and is 20',
    'the version of p0 is 2.0.0, and was not known',
    'whether p0 is required was true, and is false',
    'p0 applied 0.sql before, and 0.sql and 1.sql after',
    'the version of p1 is 2.0.0, and was not known',
    'p2 is new',
    'no longer: p1 needs p0',
    'now: p1 comes after p0',
  ]);
  expect(diff(after, before).changes.map(({ sentence }) => sentence)).toContain('p2 is gone');
});

it('boots that have hardly begun can be compared', () => {
  const nothing = new Story({ bootId: 'a', events: [], end: 'cutOff' });
  const later = new Story({ bootId: 'b', events: [], end: 'running', nowMs: 5 });
  expect(diff(nothing, later).parts).toEqual([{ step: 'discover', kind: 'work', ms: 5 }]);
});
