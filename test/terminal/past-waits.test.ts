import { expect, it } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import { BootRecord } from '../../src/insight/boot-record.ts';
import { findPastWait } from '../../src/terminal/past-waits.ts';
import { runStaged } from '../insight/staged-boot.ts';
import { stageBoot, type StagedBoot } from '../insight/staged-plan.ts';
import { stamped } from '../telemetry/stamped.ts';

/** What stays on the screen of the waits of a boot. */
async function listPastWaits(staged: StagedBoot): Promise<readonly string[]> {
  const record = new BootRecord('b');
  return (await runStaged(staged)).events.flatMap((event) => {
    record.add(event);
    const past = findPastWait(record, event);
    return past ? [`${past.plugin}: ${past.text}`] : [];
  });
}

it('a lock that was waited for stays on the screen, with its holder', async () => {
  expect(await listPastWaits(stageBoot({ files: [[5]], lockedForMs: 200 }))).toEqual([
    expect.stringMatching(/^p0: waited \d+ms for slipway\/other@pod-2 \(pid 4711, active\)$/),
  ]);
});

it('the attempts that a file and an init took stay on the screen, with the reason', async () => {
  expect(await listPastWaits(stageBoot({ files: [[5]], fileRetries: 2, initRetries: 1 }))).toEqual([
    'p0: 0.sql took 3 attempts: lock timeout',
    'p0: took 2 attempts: not yet',
  ]);
});

it('the wait for a migrate job is counted once, however many surveys it took', () => {
  const survey: UnstampedEvent = {
    type: 'survey.finished',
    plugins: 1,
    durationMs: 1,
    server: '18.0',
    pooler: false,
    statements: 1,
  };
  const waiting: UnstampedEvent = {
    type: 'boot.waiting',
    kind: 'gate',
    reason: 'migrations of catalog are pending',
    attempt: 1,
    nextInMs: 10,
  };
  const story: readonly (readonly [number, UnstampedEvent])[] = [
    [0, { type: 'phase.started', phase: 'migrateAll' }],
    [5, survey],
    [5, waiting],
    [20, survey],
    [20, waiting],
    [40, survey],
    [45, { type: 'phase.finished', phase: 'migrateAll', outcome: 'done', durationMs: 45 }],
    [50, { type: 'phase.started', phase: 'initAll' }],
    [60, { type: 'phase.finished', phase: 'initAll', outcome: 'done', durationMs: 10 }],
  ];
  const record = new BootRecord('b');
  const texts = story.flatMap(([elapsedMs, unstamped]) => {
    const event = { ...stamped(unstamped), elapsedMs };
    record.add(event);
    return findPastWait(record, event)?.text ?? [];
  });
  expect(texts).toEqual(['waited 35ms: migrations of catalog are pending']);
});
