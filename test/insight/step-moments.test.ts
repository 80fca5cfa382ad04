import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BootRecord } from '../../src/insight/boot-record.ts';
import { parseRecording } from '../../src/insight/parse-recording.ts';
import type { PluginRecord } from '../../src/insight/plugin-record.ts';
import type { AnyEvent } from '../../src/insight/recorded-event.ts';
import { findRelease } from '../../src/insight/step-moments.ts';
import { StepTimes } from '../../src/insight/step-times.ts';
import { toEventLine } from '../../src/insight/recording.ts';
import { steps, type Step } from '../../src/core/steps.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot, stageBoot } from './staged-plan.ts';

const runs = 100;

interface Sorted {
  readonly plugin: string;
  readonly atMs: number;
}

/** Collects the releases of a step from every plugin, and sorts them. */
function sortReleases(plugins: readonly PluginRecord[], step: Step): readonly Sorted[] {
  return plugins
    .flatMap(({ id, steps: own }) => {
      const { spawnedAtMs, finishedAtMs, pauses } = own[step];
      if (spawnedAtMs === undefined) return [];
      const locked = pauses.filter(({ kind }) => kind === 'lock').map(({ startMs }) => startMs);
      const times = finishedAtMs === undefined ? locked : [...locked, finishedAtMs];
      return times.map((atMs) => ({ plugin: id, atMs }));
    })
    .toSorted((a, b) => a.atMs - b.atMs);
}

/** Finds the gate of migrations and that of ready by a look at every plugin. */
function findGates({ plugins, survey }: BootRecord) {
  const begun = plugins.flatMap(
    ({ steps: { migrate } }) => migrate.spawnedAtMs ?? migrate.finishedAtMs ?? [],
  );
  const ends = plugins.flatMap(({ steps: { init } }) => init.finishedAtMs ?? []);
  return {
    migrate: survey?.atMs ?? (begun.length === 0 ? undefined : Math.min(...begun)),
    ready: ends.length === plugins.length ? Math.max(0, ...ends) : undefined,
  };
}

function expectSameAsSorted(record: BootRecord): void {
  const { plugins, moments, elapsedMs } = record;
  for (const step of steps) {
    const sorted = sortReleases(plugins, step);
    const { releases } = moments[step];
    expect(releases.map(({ plugin, atMs }) => ({ plugin: plugin.id, atMs }))).toEqual(sorted);
    for (const { atMs } of sorted) {
      const last = sorted.findLast((release) => release.atMs <= atMs);
      expect(findRelease(moments[step], atMs - 1, atMs)?.plugin.id).toBe(last?.plugin);
      expect(findRelease(moments[step], atMs, atMs)).toBeUndefined();
    }
    expect(moments[step].ended).toBe(
      plugins.filter(({ steps: own }) => own[step].finishedAtMs !== undefined).length,
    );
  }
  const times = new StepTimes(record, elapsedMs);
  expect({ migrate: times.findGate('migrate'), ready: times.findGate('ready') }).toEqual(
    findGates(record),
  );
}

/** Any boot, of which some waits for a lock are told late: lines of a recording may be left out. */
const anyEvents = fc
  .tuple(anyBoot(), fc.array(fc.boolean(), { maxLength: 20 }))
  .map(async ([boot, leftOut]): Promise<readonly AnyEvent[]> => {
    const left = [...leftOut];
    const { events } = await runStaged(boot);
    return events.filter(({ type }) => type !== 'plugin.migrate.waiting' || left.pop() !== true);
  });

it('the slots that were given back are in order of time and of the graph after each event of a boot', async () => {
  await fc.assert(
    fc.asyncProperty(anyEvents, async (events) => {
      const record = new BootRecord('boot-1');
      for (const event of await events) {
        record.add(event);
        expectSameAsSorted(record);
      }
    }),
    { numRuns: runs },
  );
});

it('they are so in a recording that was cut off at any line', async () => {
  await fc.assert(
    fc.asyncProperty(anyEvents, fc.nat(), async (events, at) => {
      const header = {
        format: 'slipway-recording/1',
        bootId: 'boot-1',
        startedAt: 0,
        machines: [],
      };
      const lines = [header, ...(await events).map(toEventLine)].map((line) =>
        JSON.stringify(line),
      );
      const count = 1 + (at % lines.length);
      expectSameAsSorted(parseRecording(lines.slice(0, count)).record);
    }),
    { numRuns: runs },
  );
});

it('of the slots that were given back at the same time, the last plugin of the graph comes last', async () => {
  const retried = { initMs: 5, initRetries: 1 };
  const { events } = await runStaged(stageBoot(retried, { initMs: 15 }));
  const ends = events.filter(({ type }) => type === 'plugin.init.finished');
  expect(ends).toMatchObject([{ plugin: 'p1' }, { plugin: 'p0' }]);
  expect(ends[0]?.elapsedMs).toBe(ends[1]?.elapsedMs);
  const record = new BootRecord('boot-1');
  for (const event of events) record.add(event);
  expectSameAsSorted(record);
});

it('a boot without a survey has its gate of migrations where the first plugin has begun', async () => {
  const { events } = await runStaged(stageBoot({ files: [[5]] }, { files: [[5]] }));
  const record = new BootRecord('boot-1');
  for (const event of events) {
    if (event.type === 'survey.finished') continue;
    record.add(event);
    expectSameAsSorted(record);
  }
});
