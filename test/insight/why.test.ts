import fc from 'fast-check';
import { expect, it } from 'vitest';
import { criticalChain, headline, storyOf, why, type Story } from '../../src/insight.ts';
import { buildReport } from '../../src/insight/build-report.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot, stageBoot as boot } from './staged-plan.ts';

/** Kinds of causes that have no cause of their own in the boot. */
const roots = [
  'work',
  'connection',
  'lock',
  'retry',
  'database',
  'failed',
  'stopped',
  'up',
  'migrated',
  'session',
];

function expectAnswers(story: Story): void {
  expect(headline(story)).toMatch(/^\S.*\S$/);
  for (const { id } of story.record.plugins) {
    const { sentence, chain } = why(story, id);
    expect(sentence).toMatch(/^\S.*\S$/);
    expect(chain[0]?.plugin).toBe(id);
    const root = chain.at(-1)?.kind ?? '';
    expect([...roots, 'gate', 'slot', 'dependency']).toContain(root);
  }
}

it('has an answer for every plugin at every moment of any boot', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), async (any) => {
      const whole = storyOf(await runStaged(any));
      const moments = new Set(whole.events.map(({ elapsedMs }) => elapsedMs));
      for (const ms of moments) {
        expectAnswers(whole.at(ms));
        expectAnswers(whole.at(ms + 0.5));
      }
    }),
    { numRuns: 60 },
  );
});

it('follows what is waited for down to the root', async () => {
  const told = await runStaged(
    boot(
      { files: [[5]], lockedForMs: 1_000 },
      { files: [[5]], needs: [0] },
      { files: [[5]], needs: [1] },
    ),
    500,
  );
  expect(why(storyOf(told), 'p2').chain.map(({ plugin, kind }) => [plugin, kind])).toEqual([
    ['p2', 'dependency'],
    ['p1', 'dependency'],
    ['p0', 'lock'],
    [undefined, 'session'],
  ]);
  expect(why(storyOf(told), 'p2').sentence).toBe(
    'p2 waits for p0: p0 waits 497ms for its migration lock, held by slipway/other@pod-2 (pid 4711, active)',
  );
});

it('a boot that waits for the disk says so, in its headline and for each plugin', async () => {
  const flushing = { ...boot({ files: [[5]] }, {}), flushMs: 1_000 };
  const story = storyOf(await runStaged(flushing, 500));
  const reason = 'the migrations are committed, and not yet on the disk of PostgreSQL';
  expect(headline(story)).toBe(`The boot waits 492ms: ${reason}`);
  for (const id of ['p0', 'p1']) {
    expect(why(story, id).sentence).toMatch(new RegExp(`^${id} waits \\d+ms: ${reason}$`));
  }
  const [last] = criticalChain(story).slice(-1);
  expect(last).toMatchObject({ step: 'migrateAll', kind: 'database', endMs: 500 });
  const whole = storyOf(await runStaged(flushing));
  expect(buildReport(whole.record).database).toMatchObject({ durableAtMs: 1_008 });
  expect(criticalChain(whole)).toContainEqual(
    expect.objectContaining({ step: 'migrateAll', kind: 'database', startMs: 8, endMs: 1_008 }),
  );
});

it('names the plugin that keeps the gate closed, and the one that has the slot', async () => {
  const slow = boot({ initMs: 1_000 }, { initMs: 1_000 }, { initMs: 1 });
  const atSlots = storyOf(await runStaged(slow, 500));
  expect(why(atSlots, 'p2').chain.map(({ plugin, kind }) => [plugin, kind])).toEqual([
    ['p2', 'slot'],
    ['p0', 'work'],
  ]);
  const gated = boot({ files: [[1_000]] }, {});
  const atGate = storyOf(await runStaged(gated, 500));
  expect(why(atGate, 'p1').chain.map(({ plugin, kind }) => [plugin, kind])).toEqual([
    ['p1', 'gate'],
    ['p0', 'work'],
  ]);
});

it('names one cause of a failure for all that did not start by it', async () => {
  const told = await runStaged(boot({ init: 'failed' }, { needs: [0] }, { needs: [1] }));
  const story = storyOf(told);
  expect(why(story, 'p2').chain.at(-1)).toMatchObject({ plugin: 'p0', kind: 'failed' });
  expect(headline(story)).toMatch(/p1 and p2 did not start because init of p0 failed$/);
});

it('knows the plugins of a boot, and says so when it is asked for another', async () => {
  const story = storyOf(await runStaged(boot({}, {})));
  expect(() => why(story, 'p9')).toThrow('This boot has no plugin p9. It has p0 and p1.');
});

it('counts the plugins of a boot that is up as people do', async () => {
  const tellEnd = async (...plugins: readonly object[]): Promise<string> =>
    headline(storyOf(await runStaged(boot(...plugins))));
  expect(await tellEnd()).toMatch(/^The boot, which has no plugins, is up after /);
  expect(await tellEnd({})).toMatch(/^p0 is up after /);
  expect(await tellEnd({}, {})).toMatch(/^All 2 plugins are up after /);
});
