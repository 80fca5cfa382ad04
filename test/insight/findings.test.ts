import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findingMeanings, type FindingId } from '../../src/insight/finding.ts';
import { findings } from '../../src/insight/findings.ts';
import type { RecordedEvent } from '../../src/insight/recorded-event.ts';
import { Story, storyOf } from '../../src/insight/story.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot, type StagedBoot, plainPlugin } from './staged-plan.ts';

const quiet: StagedBoot = {
  plugins: [
    { ...plainPlugin, files: [[20]], initMs: 100 },
    { ...plainPlugin, files: [[20]], initMs: 110, needs: [0] },
    { ...plainPlugin, initMs: 120 },
  ],
  migrateWidth: 4,
  initWidth: 4,
  discoverMs: 50,
  surveyMs: 50,
  registerMs: 5,
};

async function tell(boot: Partial<StagedBoot>, ms?: number): Promise<Story> {
  return storyOf(await runStaged({ ...quiet, ...boot }, ms));
}

/** Changes the facts of one kind of event. */
function change(story: Story, type: RecordedEvent['type'], facts: object): Story {
  const events = story.events.map((event) =>
    event.type === type ? { ...event, ...facts } : event,
  );
  return new Story({ bootId: story.bootId, events, end: story.end, nowMs: story.nowMs });
}

const found = new Set<FindingId>();
function find(story: Story, id: FindingId) {
  found.add(id);
  return findings(story).find((finding) => finding.id === id);
}

it('there is nothing to say of a boot in which nothing takes long', async () => {
  expect(findings(await tell({}))).toEqual([]);
  expect(findings(new Story({ bootId: 'none', events: [], end: 'cutOff' }))).toEqual([]);
});

it('plugins that waited for slots, with the concurrency that would help and what it saves', async () => {
  const plugins = Array.from({ length: 12 }, () => ({ ...plainPlugin, initMs: 200 }));
  const finding = find(await tell({ plugins, initWidth: 2 }), 'few-slots');
  expect(finding).toMatchObject({
    title: '10 steps waited for a slot, 6.00s in all: init.concurrency 12 would save 1.00s',
    savedMs: 1_000,
  });
  expect(finding?.evidence[0]).toEqual({
    plugin: 'p10',
    step: 'init',
    ms: 1_000,
    fact: 'init of p10 waited 1.00s for a slot',
  });
});

it('no more slots are suggested than the pool has clients', async () => {
  const plugins = Array.from({ length: 12 }, () => ({ ...plainPlugin, files: [[200]] }));
  const story = await tell({ plugins, migrateWidth: 2 });
  expect(find(story, 'few-slots')?.title).toContain('migrations.concurrency 8 would save 804ms');
  expect(find(change(story, 'boot.started', { poolSize: 2 }), 'few-slots')).toBeUndefined();
});

it('slots that nobody gains by are not mentioned', async () => {
  const plugins = Array.from({ length: 6 }, (_, at) => ({
    ...plainPlugin,
    initMs: 200,
    needs: at === 0 ? [] : [at - 1],
  }));
  expect(find(await tell({ plugins, initWidth: 1 }), 'few-slots')).toBeUndefined();
});

it('a plugin that is most of the boot, and what would be next', async () => {
  const plugins = [...quiet.plugins, { ...plainPlugin, initMs: 2_000 }];
  expect(find(await tell({ plugins }), 'one-plugin')).toMatchObject({
    title: 'p3 is most of the boot: 2.00s of 2.15s',
    why: expect.stringContaining('the boot would take 357ms; then p1 is the longest part'),
    savedMs: 1_790,
  });
});

it('a statement that is most of the boot', async () => {
  const plugins = [{ ...plainPlugin, files: [[5], [4, 3_000]] }, plainPlugin];
  expect(find(await tell({ plugins }), 'long-statement')).toMatchObject({
    title: 'One statement took 3.00s of 3.12s: CREATE TABLE in 1.sql of p0',
    evidence: [{ plugin: 'p0', fact: 'statement 2 of 1.sql, line 2: CREATE TABLE' }],
  });
});

it('a wait for a lock, with its holder', async () => {
  const plugins = [{ ...plainPlugin, files: [[5]], lockedForMs: 900 }, plainPlugin];
  const finding = find(await tell({ plugins }), 'lock-wait');
  expect(finding?.title).toMatch(/^p0 waited \d+ms for migration locks of another process$/);
  expect(finding?.evidence[0]?.fact).toContain('4711');
});

it('a wait for a client of the pool', async () => {
  const plugins = [{ ...plainPlugin, files: [[5]], connectMs: 800 }, plainPlugin];
  const story = await tell({ plugins });
  expect(find(story, 'connection-wait')?.title).toBe('p0 waited 800ms for a client of the pool');
  const small = find(change(story, 'boot.started', { poolSize: 4 }), 'connection-wait');
  expect(small?.why).toContain('The pool has no more clients than migrations may run at once (4)');
});

it('files that were tried again, with the sessions that were in the way', async () => {
  const plugins = [{ ...plainPlugin, files: [[5]], fileRetries: 40 }, plainPlugin];
  const blockers = [{ pid: 99, applicationName: 'reporting' }];
  const story = change(await tell({ plugins }), 'plugin.migrate.retrying', { blockers });
  const finding = find(story, 'retries');
  expect(finding?.title).toBe('p0 paused 280ms between attempts');
  expect(finding?.why).toContain('reporting');
});

it('waits of the whole boot: for PostgreSQL, and for a migrate job', async () => {
  const story = await tell({ surveyMs: 5_000 });
  const waiting = (kind: string): Story => {
    const at = story.events.findIndex(({ type }) => type === 'survey.finished');
    const event = {
      ...story.events[at],
      type: 'boot.waiting',
      kind,
      reason: 'ECONNREFUSED',
      elapsedMs: 60,
      attempt: 1,
      nextInMs: 1,
    };
    const events = story.events.toSpliced(at, 0, event as RecordedEvent);
    return new Story({ bootId: story.bootId, events, end: 'finished' });
  };
  expect(find(waiting('database'), 'database-wait')?.title).toBe(
    'The boot waited 4.99s for PostgreSQL',
  );
  expect(find(waiting('gate'), 'migration-wait')?.title).toContain(
    'migrations that another process applies',
  );
});

it('a wait for the disk of PostgreSQL, which is none for a PostgreSQL that does not answer', async () => {
  const plugins = [{ ...plainPlugin, files: [[1]] }];
  const story = await tell({ plugins, flushMs: 400 });
  expect(find(story, 'disk-wait')).toMatchObject({
    title: 'The boot waited 400ms for the disk of PostgreSQL',
    evidence: [{ ms: 400 }],
  });
  expect(findings(story).map(({ id }) => id)).not.toContain('database-wait');
});

it('imports that take longer than the boot', async () => {
  const story = change(await tell({}), 'boot.started', { processUptimeMs: 4_000 });
  expect(find(story, 'slow-imports')?.title).toBe(
    'The process ran for 4.00s before the boot began, which took 357ms',
  );
});

it('an optional plugin that failed, and what is lost with it', async () => {
  const plugins = [
    { ...plainPlugin, required: false, init: 'failed' as const },
    { ...plainPlugin, required: false, needs: [0] },
    { ...plainPlugin, required: false, needs: [1] },
    plainPlugin,
  ];
  expect(find(await tell({ plugins }), 'lost-plugin')).toMatchObject({
    title: 'p0 is not up, so p1 and p2 are not up either',
    why: 'p0 is optional, so the boot goes on without it: init of p0 failed',
  });
});

it('a lock of a migration that kept other sessions waiting, with their number and the longest wait', async () => {
  const quietly = await tell({});
  const at = quietly.events.findIndex(({ type }) => type === 'plugin.migrate.executing');
  const begun = quietly.events[at] as RecordedEvent;
  const seen = {
    ...begun,
    type: 'plugin.migrate.progress',
    elapsedMs: begun.elapsedMs + 10,
    behind: [
      {
        statement: 1,
        command: 'ALTER TABLE',
        relation: 'orders',
        mode: 'ACCESS EXCLUSIVE',
        heldMs: 10,
        sessions: 14,
        longestMs: 1_900,
        applicationNames: ['api@web-1'],
      },
    ],
  } as RecordedEvent;
  const events = quietly.events.toSpliced(at + 1, 0, seen);
  const story = new Story({ bootId: quietly.bootId, events, end: 'finished' });
  expect(find(story, 'held-lock')).toMatchObject({
    title:
      'p0 kept others waiting: ALTER TABLE orders: ACCESS EXCLUSIVE 20ms, 14 sessions of api@web-1 waited up to 1.90s',
    evidence: [{ plugin: 'p0', step: 'migrate', ms: 1_900 }],
  });
});

it('every finding has a test', () => {
  expect([...found].toSorted()).toEqual(Object.keys(findingMeanings).toSorted());
});

it('every finding is sound at every moment of any boot', async () => {
  const moment = fc.option(fc.integer({ min: 0, max: 4_000 }));
  await fc.assert(
    fc.asyncProperty(anyBoot(), moment, async (any, ms) => {
      const plugins = any.plugins.map((each) => ({ ...each, initMs: each.initMs * 20 }));
      const story = storyOf(await runStaged({ ...any, plugins }, ms ?? undefined));
      for (const { title, why, caveat, evidence, savedMs = 0 } of findings(story)) {
        for (const sentence of [title, why, caveat])
          expect(sentence).not.toMatch(/undefined|NaN|\n/);
        expect(evidence.length).toBeGreaterThan(0);
        expect(savedMs).toBeGreaterThanOrEqual(0);
        expect(savedMs).toBeLessThanOrEqual(story.endMs);
      }
    }),
    { numRuns: 40 },
  );
});
