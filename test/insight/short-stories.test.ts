import { expect, it } from 'vitest';
import { blame } from '../../src/insight/blame.ts';
import { diff } from '../../src/insight/diff.ts';
import { findings } from '../../src/insight/findings.ts';
import type { RecordedEvent } from '../../src/insight/recorded-event.ts';
import { Story } from '../../src/insight/story.ts';
import { timeline } from '../../src/insight/timeline.ts';
import { verify } from '../../src/insight/verify.ts';
import { whatIf } from '../../src/insight/what-if.ts';

const error = { name: 'BootError', message: 'no such package' };
const skipped = { outcome: 'skipped', durationMs: 0, because: 'it is disabled' };

/** A boot with a disabled plugin that failed while it looked for the others. */
const facts: readonly (readonly [number, object])[] = [
  [
    0,
    {
      type: 'boot.started',
      until: 'ready',
      versions: { slipway: '0.1.0', node: '20.20.0' },
      pid: 1,
      host: 'pod-1',
      slots: { migrate: 4, init: 8 },
      poolSize: 10,
      processUptimeMs: 100,
    },
  ],
  [0, { type: 'phase.started', phase: 'discover' }],
  [40, { type: 'plugin.discovered', plugin: 'mail', required: false, enabled: false }],
  ...['migrate', 'init', 'ready', 'stop'].map(
    (step) => [40, { type: `plugin.${step}.finished`, plugin: 'mail', ...skipped }] as const,
  ),
  [50, { type: 'phase.finished', phase: 'discover', outcome: 'failed', durationMs: 50, error }],
  [50, { type: 'boot.stopping', reason: 'the boot failed' }],
  [50, { type: 'phase.started', phase: 'stopAll' }],
  [51, { type: 'phase.finished', phase: 'stopAll', outcome: 'done', durationMs: 1 }],
  [52, { type: 'boot.stopped', reason: 'the boot failed', durationMs: 2, errors: [] }],
  [52, { type: 'boot.finished', outcome: 'failed', durationMs: 52, error }],
];
const bootId = 'boot-1';
const events = facts.map(
  ([elapsedMs, fact], index) =>
    ({ ...fact, bootId, seq: index + 1, at: elapsedMs, elapsedMs }) as RecordedEvent,
);

it.each(events.map((event, index) => [index + 1, event.type]))(
  'a boot that failed before it had a graph can be looked at after event %i, %s',
  (count) => {
    const end = count === events.length ? 'finished' : 'cutOff';
    const story = new Story({ bootId, events: events.slice(0, count), end });
    expect(verify(story)).toEqual([]);
    expect(findings(story)).toEqual([]);
    expect(diff(story, story).parts).toEqual([]);
    expect(whatIf(story)).toMatchObject({ durationMs: story.endMs, savedMs: 0 });
    expect(timeline(story).endMs).toBe(story.endMs);
    for (const { ownMs } of blame(story)) expect(ownMs).toBeGreaterThanOrEqual(0);
  },
);

it('what failed is all that there is to see', () => {
  const story = new Story({ bootId, events, end: 'finished' });
  expect(blame(story).map(({ step, ownMs }) => [step, ownMs])).toEqual([['discover', 50]]);
  expect(timeline(story).phases).toMatchObject([
    { phase: 'discover', outcome: 'failed' },
    { phase: 'stopAll', outcome: 'done' },
  ]);
  expect(whatIf(story, { without: ['mail'] }).savedMs).toBe(0);
});
