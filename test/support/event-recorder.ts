import { expect } from 'vitest';
import type { BootEvent, BootEventName, BootEventOf } from '../../src/core/events.ts';
import { steps } from '../../src/core/steps.ts';
import type { Boot, Outcome, Step } from '../../src/index.ts';

type StepEnd = BootEventOf<`plugin.${Step}.finished`>;

/** Every event of a boot, and a check that the events of every boot must pass. */
export interface Recording {
  readonly events: readonly BootEvent[];
  /** Returns the names of the events, each with its plugin: `plugin.init.started catalog`. */
  lines(prefix?: string): readonly string[];
  of<Name extends BootEventName>(name: Name): readonly BootEventOf<Name>[];
  /** Returns the outcome of a step, by plugin. */
  outcomes(step: Step): Readonly<Record<string, Outcome>>;
  /** Fails when the events of a complete boot are out of order or do not match each other. */
  check(): void;
}

/** Records the events of a boot. Call it before `start()`, and call `check()` when the boot has stopped. */
export function recordEvents(boot: Boot): Recording {
  const events: BootEvent[] = [];
  boot.onAny((event) => events.push(event));
  return {
    events,
    lines: (prefix = '') =>
      events
        .filter(({ type }) => type.startsWith(prefix))
        .map((event) => ('plugin' in event ? `${event.type} ${event.plugin}` : event.type)),
    of: <Name extends BootEventName>(name: Name) =>
      events.filter(({ type }) => type === name) as unknown as readonly BootEventOf<Name>[],
    outcomes: (step) =>
      Object.fromEntries(ends(events, step).map(({ plugin, outcome }) => [plugin, outcome])),
    check: () => {
      expectGaplessSequence(events);
      expectNoInitBeforeMigrateAll(events);
      expectEveryStepToEndOnce(events);
      expectPhasesToClose(events);
    },
  };
}

function ends(events: readonly BootEvent[], step: Step): readonly StepEnd[] {
  return events.filter((event): event is StepEnd => event.type === `plugin.${step}.finished`);
}

function expectGaplessSequence(events: readonly BootEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const times = events.map(({ elapsedMs }) => elapsedMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
}

/** Checks the first promise: no plugin starts before every migration of every plugin has settled. */
export function expectNoInitBeforeMigrateAll(events: readonly BootEvent[]): void {
  const firstInit = events.findIndex(({ type }) => type === 'plugin.init.started');
  const lastMigrate = events.findLastIndex(({ type }) => type.startsWith('plugin.migrate.'));
  if (firstInit >= 0) expect(firstInit).toBeGreaterThan(lastMigrate);
}

function expectEveryStepToEndOnce(events: readonly BootEvent[]): void {
  const discovered = events.flatMap((event) =>
    event.type === 'plugin.discovered' ? [event.plugin] : [],
  );
  const wanted = discovered.flatMap((plugin) => steps.map((step) => `${step} ${plugin}`));
  const ended = steps.flatMap((step) =>
    ends(events, step).map(({ plugin }) => `${step} ${plugin}`),
  );
  expect(ended.toSorted()).toEqual(wanted.toSorted());
  for (const step of steps) {
    const began = new Set(
      events.flatMap((event) =>
        'plugin' in event && event.type === `plugin.${step}.started` ? [event.plugin] : [],
      ),
    );
    for (const { plugin, outcome } of ends(events, step)) {
      if (began.has(plugin)) continue;
      const place = `${step} of ${plugin}, which never began`;
      expect(
        ['upToDate', 'dependency', 'skipped', 'notReached', 'failed', 'canceled'],
        place,
      ).toContain(outcome);
    }
  }
}

function expectPhasesToClose(events: readonly BootEvent[]): void {
  const named = (type: 'phase.started' | 'phase.finished'): readonly string[] =>
    events.flatMap((event) => (event.type === type && 'phase' in event ? [event.phase] : []));
  expect(named('phase.finished')).toEqual(named('phase.started'));
}
