import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/insight/recorded-event.ts';
import { ruleMeanings, type Rule } from '../../src/insight/rules.ts';
import { Story, storyOf } from '../../src/insight/story.ts';
import { verify } from '../../src/insight/verify.ts';
import { whatIf } from '../../src/insight/what-if.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot, type StagedBoot } from './staged-plan.ts';

it('every boot keeps every rule, whole and cut off at any event', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), fc.nat(), async (boot, cut) => {
      const story = storyOf(await runStaged(boot));
      expect(verify(story)).toEqual([]);
      const events = story.events.slice(0, cut % (story.events.length + 1));
      expect(verify(new Story({ bootId: story.bootId, events, end: 'cutOff' }))).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

it('a boot that might have been keeps them too', async () => {
  const slots = fc.integer({ min: 1, max: 8 });
  await fc.assert(
    fc.asyncProperty(anyBoot(), slots, slots, async (boot, migrateConcurrency, initConcurrency) => {
      const story = storyOf(await runStaged(boot));
      const start = {
        ...story.events[0],
        slots: { migrate: migrateConcurrency, init: initConcurrency },
      };
      const { events } = whatIf(story, { migrateConcurrency, initConcurrency }).story;
      const supposed = [start as RecordedEvent, ...events.slice(1)];
      expect(
        verify(new Story({ bootId: story.bootId, events: supposed, end: 'finished' })),
      ).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

const plain = {
  needs: [],
  after: [],
  required: true,
  connectMs: 2,
  lockMs: 0,
  lockedForMs: 0,
  files: [[5]],
  fileRetries: 0,
  migrate: 'done',
  initMs: 20,
  initRetries: 0,
  init: 'done',
  readyMs: 3,
  stopMs: 4,
} as const;
const boot: StagedBoot = {
  plugins: [
    { ...plain, files: [[5, 6], [7]] },
    { ...plain, needs: [0] },
    { ...plain, after: [1], files: [] },
    { ...plain, files: [[25]], lockedForMs: 30 },
    { ...plain, files: [[30]] },
  ],
  migrateWidth: 2,
  initWidth: 3,
  discoverMs: 4,
  surveyMs: 6,
  flushMs: 5,
  registerMs: 3,
  stopAtMs: 400,
};

type Events = readonly RecordedEvent[];
type Edit = (events: Events) => Events;

/** `plugin.init.started p1`, or `phase.started initAll`, or `plugin.migrate.applying p0 1.sql` */
function nameOf(event: RecordedEvent): string {
  const facts: Readonly<Record<string, unknown>> = { ...event };
  const parts = ['type', 'plugin', 'phase', 'file', 'statement'].map((key) => facts[key]);
  return parts
    .filter((part) => part !== undefined)
    .map(String)
    .join(' ');
}

function place(events: Events, name: string): number {
  const at = events.findIndex((event) => nameOf(event) === name);
  if (at < 0) throw new Error(`no ${name} in\n${events.map(nameOf).join('\n')}`);
  return at;
}

const drop =
  (name: string): Edit =>
  (events) =>
    events.toSpliced(place(events, name), 1);
const repeat =
  (name: string): Edit =>
  (events) => {
    const at = place(events, name);
    return events.toSpliced(at, 0, events[at] as RecordedEvent);
  };
const change =
  (name: string, facts: object): Edit =>
  (events) => {
    const at = place(events, name);
    return events.with(at, { ...events[at], ...facts } as RecordedEvent);
  };
/** Moves an event right behind another one, to the same time. */
const move =
  (name: string, behind: string): Edit =>
  (events) => {
    const moved = events[place(events, name)] as RecordedEvent;
    const others = events.filter((event) => event !== moved);
    const at = place(others, behind);
    return others.toSpliced(at + 1, 0, {
      ...moved,
      elapsedMs: others[at]?.elapsedMs ?? 0,
    } as RecordedEvent);
  };
const all =
  (...edits: readonly Edit[]): Edit =>
  (events) =>
    edits.reduce((sum, edit) => edit(sum), events);

/** Numbers the events again, and corrects the durations, so that nothing but the planted fault is wrong. */
function tidy(events: Events): Events {
  const begun = new Map<string, number>();
  return events.map((event, index) => {
    const [type = '', ...rest] = nameOf(event).split(' ');
    const key = `${type.replace(/\.\w+$/, '')} ${rest.join(' ')}`;
    if (/\.(?:started|executing)$/.test(type)) begun.set(key, event.elapsedMs);
    const isEnd = /^(?:plugin|phase).*\.(?:finished|executed)$/.test(type);
    const durationMs = event.elapsedMs - (begun.get(key) ?? event.elapsedMs);
    return { ...event, seq: index + 1, ...(isEnd && { durationMs }) };
  });
}

const planted: readonly (readonly [Rule, string, Edit])[] = [
  ['start', 'nothing begins the boot', drop('boot.started')],
  ['start', 'the boot begins twice', repeat('boot.started')],
  ['end', 'the boot finishes twice', repeat('boot.finished')],
  ['end', 'something comes after the end', move('plugin.migrate.planned p0', 'boot.stopped')],
  ['phases', 'a phase is left out', all(drop('phase.started sort'), drop('phase.finished sort'))],
  [
    'phases',
    'a phase begins before the last one has ended',
    move('phase.started sort', 'phase.started discover'),
  ],
  [
    'phases',
    'a phase goes on after one that failed',
    change('phase.finished sort', { outcome: 'failed' }),
  ],
  ['step-end', 'a phase never ends', drop('phase.finished stopAll')],
  ['step-end', 'a step never ends', drop('plugin.stop.finished p0')],
  ['step-once', 'a step finishes twice', repeat('plugin.ready.finished p2')],
  ['step-once', 'a step begins twice', all(repeat('plugin.ready.started p2'))],
  ['step-ran', 'a step is done and never began', drop('plugin.ready.started p2')],
  [
    'step-ran',
    'a step ran and is said to be up to date',
    change('plugin.migrate.finished p3', { outcome: 'upToDate' }),
  ],
  ['step-ran', 'a migration is done without the lock', all(drop('plugin.stop.started p2'))],
  [
    'step-phase',
    'a plugin stops while the boot is up',
    move('phase.started stopAll', 'plugin.stop.finished p0'),
  ],
  [
    'gate-init',
    'a plugin starts before the last migration has ended',
    move('plugin.migrate.finished p3', 'plugin.init.started p0'),
  ],
  [
    'gate-disk',
    'a plugin starts before what was migrated is on the disk',
    move('migrations.durable', 'plugin.init.started p0'),
  ],
  [
    'gate-ready',
    'a hook is called before the last init has ended',
    move('plugin.init.finished p2', 'plugin.ready.started p0'),
  ],
  [
    'order',
    'a plugin starts before one that comes first',
    all(
      move('plugin.init.started p2', 'plugin.init.finished p4'),
      change('plugin.init.started p2', { slot: 2 }),
    ),
  ],
  [
    'needs',
    'a plugin starts though the one that it needs has failed',
    change('plugin.init.finished p0', { outcome: 'failed' }),
  ],
  [
    'stop-order',
    'a plugin stops before one that needs it',
    all(
      move('plugin.stop.started p0', 'plugin.stop.started p1'),
      change('plugin.stop.started p0', { slot: 9 }),
    ),
  ],
  ['slot', 'two plugins start in one slot', change('plugin.init.started p3', { slot: 1 })],
  ['slot', 'there are not as many slots', change('plugin.init.started p3', { slot: 4 })],
  [
    'backend',
    'two migrations share a session',
    change('plugin.migrate.started p4', { backendPid: 100 }),
  ],
  [
    'file-order',
    'a file is applied that has not begun',
    change('plugin.migrate.applied p0 1.sql', { file: 'other.sql' }),
  ],
  ['file-order', 'two files run at once', drop('plugin.migrate.applied p0 0.sql')],
  [
    'file-order',
    'files come in another order',
    change('plugin.migrate.planned p0', { pending: ['1.sql', '0.sql'] }),
  ],
  [
    'file-once',
    'a file is applied twice',
    (events) => {
      const at = place(events, 'plugin.migrate.applied p3 0.sql');
      const { elapsedMs = 0 } = events[at] ?? {};
      const again = events.slice(at - 3, at + 1).map((event) => ({ ...event, elapsedMs }));
      return events.toSpliced(at + 1, 0, ...again);
    },
  ],
  [
    'file-pending',
    'a file is applied that was not pending',
    change('plugin.migrate.planned p3', { pending: [] }),
  ],
  [
    'statements',
    'a statement ends that has not begun',
    drop('plugin.migrate.executing p0 0.sql 2'),
  ],
  [
    'statements',
    'a file is applied while its statement runs',
    drop('plugin.migrate.executed p0 0.sql 2'),
  ],
  [
    'statements',
    'statements come in another order',
    all(
      change('plugin.migrate.executing p0 0.sql 1', { statement: 2 }),
      change('plugin.migrate.executed p0 0.sql 1', { statement: 2 }),
    ),
  ],
  [
    'outcome',
    'a boot is ready and a plugin is not',
    change('plugin.ready.finished p2', { outcome: 'failed' }),
  ],
  [
    'outcome',
    'a boot is degraded and every plugin is up',
    change('boot.finished', { outcome: 'degraded' }),
  ],
  ['outcome', 'a boot failed without an error', change('boot.finished', { outcome: 'failed' })],
  [
    'outcome',
    'a boot was to migrate only, and is ready',
    change('boot.started', { until: 'migrated' }),
  ],
];

const untidy: readonly (readonly [Rule, string, Edit])[] = [
  ['sequence', 'an event is missing', drop('graph.sorted')],
  ['sequence', 'an event comes twice', repeat('graph.sorted')],
  ['time', 'the time goes back', change('plugin.migrate.planned p0', { elapsedMs: 1 })],
  ['time', 'the time is no number', change('plugin.migrate.planned p0', { elapsedMs: Number.NaN })],
  [
    'duration',
    'a step says that it took longer',
    change('plugin.init.finished p0', { durationMs: 9_000 }),
  ],
  [
    'duration',
    'a phase says that it took longer',
    change('phase.finished sort', { durationMs: 9_000 }),
  ],
  [
    'duration',
    'a statement says that it took longer',
    change('plugin.migrate.executed p0 0.sql 1', { durationMs: 9_000 }),
  ],
  [
    'duration',
    'a file says that it took less',
    change('plugin.migrate.applied p0 0.sql', { durationMs: -9_000 }),
  ],
  ['duration', 'the boot says that it took longer', change('boot.finished', { durationMs: 9_000 })],
];

it('a slot that was given back at the very last moment is free, though nothing reports it any more', async () => {
  const [locked, next] = [
    { ...plain, connectMs: 0, lockedForMs: 60 },
    { ...plain, connectMs: 0 },
  ];
  const story = storyOf(await runStaged({ ...boot, plugins: [locked, next], migrateWidth: 1 }));
  const at = story.events.findIndex(({ type }) => type === 'plugin.migrate.waiting');
  const events = story.events.slice(0, at);
  expect(events.at(-1)?.type).toBe('plugin.migrate.connecting');
  expect(verify(new Story({ bootId: story.bootId, events, end: 'cutOff' }))).toEqual([]);
});

describe('a planted violation is found, and nothing else', async () => {
  const told = storyOf(await runStaged(boot));
  const rulesIn = (events: Events) => [
    ...new Set(
      verify(new Story({ bootId: told.bootId, events, end: 'finished' })).map(({ rule }) => rule),
    ),
  ];

  it.each(planted)('%s: %s', (rule, _, edit) => {
    expect(rulesIn(tidy(edit(told.events)))).toEqual([rule]);
  });
  it.each(untidy)('%s: %s', (rule, _, edit) => {
    expect(rulesIn(edit(told.events))).toEqual([rule]);
  });

  it('for every rule but the sums, which hold by construction', () => {
    const found = new Set([...planted, ...untidy].map(([rule]) => rule));
    expect(Object.keys(ruleMeanings).filter((rule) => !found.has(rule as Rule))).toEqual(['sums']);
  });
});
