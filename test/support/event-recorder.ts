import { expect } from 'vitest';
import { recordEvents as recordAnyEvents, type EventRecorder } from 'slipway/testing';
import type { BootEvent, BootEventOf } from '../../src/core/events.ts';
import { launchSteps } from '../../src/insight/step-times.ts';
import { storyOf, type Story } from '../../src/insight/story.ts';
import { verify } from '../../src/insight/verify.ts';
import { whatIf } from '../../src/insight/what-if.ts';
import type { Boot, Outcome, Step } from '../../src/index.ts';

type StepEnd = BootEventOf<`plugin.${Step}.finished`>;

/** Every event of a boot, and a check that the events of every boot must pass. */
export interface Recording extends EventRecorder {
  /** Returns the outcome of a step, by plugin. */
  outcomes(step: Step): Readonly<Record<string, Outcome>>;
  /** Fails when the events of a complete boot are out of order or do not match each other. */
  check(): void;
}

/** Records the events of a boot. Call it before `start()`, and call `check()` when the boot has stopped. */
export function recordEvents(boot: Boot): Recording {
  const recorder = recordAnyEvents(boot);
  const { events } = recorder;
  return Object.assign(recorder, {
    outcomes: (step: Step) =>
      Object.fromEntries(ends(events, step).map(({ plugin, outcome }) => [plugin, outcome])),
    check: () => {
      const elapsedMs = events.at(-1)?.elapsedMs ?? 0;
      const story = storyOf({ id: boot.id, events, elapsedMs });
      expect(verify(story)).toEqual([]);
      expect(readTimes(whatIf(story).story)).toEqual(readTimes(story));
      // Only of a boot that is over every step has ended.
      if (events.length > 0) expect(events.map(({ type }) => type)).toContain('boot.stopped');
    },
  });
}

/** The times of every step of a launch: they stay the same when it runs again with the same options. */
function readTimes({ record }: Story): unknown {
  return record.plugins.map(({ id, steps }) => [
    id,
    ...launchSteps.map((step) => [steps[step].spawnedAtMs, steps[step].finishedAtMs]),
  ]);
}

function ends(events: readonly BootEvent[], step: Step): readonly StepEnd[] {
  return events.filter((event): event is StepEnd => event.type === `plugin.${step}.finished`);
}

/** Checks the first promise: no plugin starts before every migration of every plugin has settled and is on the disk. */
export function expectNoInitBeforeMigrateAll(events: readonly BootEvent[]): void {
  const firstInit = events.findIndex(({ type }) => type === 'plugin.init.started');
  const lastMigrate = events.findLastIndex(({ type }) =>
    /^(?:plugin\.migrate|migrations)\./.test(type),
  );
  if (firstInit >= 0) expect(firstInit).toBeGreaterThan(lastMigrate);
}
