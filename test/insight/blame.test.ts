import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blame } from '../../src/insight/blame.ts';
import { storyOf } from '../../src/insight/story.ts';
import { waits } from '../../src/insight/waits.ts';
import { runStaged } from './staged-boot.ts';
import { anyBoot, plainPlugin } from './staged-plan.ts';

const boot = {
  plugins: [
    { ...plainPlugin, files: [[5, 40], [7]], fileRetries: 1, initMs: 30 },
    { ...plainPlugin, needs: [0], initMs: 60 },
  ],
  migrateWidth: 2,
  initWidth: 2,
  discoverMs: 11,
  surveyMs: 22,
  registerMs: 3,
};

it('the steps are listed by their own time, and the parts of the boot beside them', async () => {
  const entries = blame(storyOf(await runStaged(boot)));
  const named = entries
    .filter(({ ownMs }) => ownMs > 2)
    .map(({ plugin, step, ownMs }) => [plugin ?? '', step, ownMs]);
  expect(named).toEqual([
    ['p0', 'migrate', 97],
    ['p1', 'init', 60],
    ['p0', 'init', 30],
    ['', 'survey', 22],
    ['', 'discover', 11],
    ['', 'register', 3],
  ]);
});

it('the wait for the disk is a part of its own', async () => {
  const entries = blame(storyOf(await runStaged({ ...boot, flushMs: 50 })));
  const parts = entries.filter(({ step }) => step === 'flush' || step === 'register');
  expect(parts).toMatchObject([
    { step: 'register', ownMs: 3, waits: {} },
    { step: 'flush', ownMs: 0, waits: { database: 50 } },
  ]);
});

it('a migration has its files with their longest statements, and its waits apart', async () => {
  const [migrate] = blame(storyOf(await runStaged(boot)));
  expect(migrate?.files).toEqual([
    {
      file: '0.sql',
      ms: 90,
      attempts: 2,
      longest: { statement: 2, line: 2, command: 'CREATE TABLE', ms: 40 },
    },
    {
      file: '1.sql',
      ms: 7,
      attempts: 1,
      longest: { statement: 1, line: 1, command: 'CREATE TABLE', ms: 7 },
    },
  ]);
  expect(migrate?.waits).toEqual({ gate: 22, connection: 1, retry: 7 });
});

it('at every moment the own times are those of the ledgers, and nothing is negative', async () => {
  await fc.assert(
    fc.asyncProperty(anyBoot(), fc.option(fc.integer({ min: 0, max: 400 })), async (any, ms) => {
      const story = storyOf(await runStaged(any, ms ?? undefined));
      const ledgers = new Map(waits(story).map(({ plugin, ...steps }) => [plugin, steps]));
      for (const { plugin, step, ownMs } of blame(story)) {
        expect(ownMs).toBeGreaterThanOrEqual(0);
        if (plugin === undefined) continue;
        const ledger = ledgers.get(plugin)?.[step as 'init'];
        expect(ownMs).toBeCloseTo((ledger?.ownMs ?? 0) + (ledger?.statementMs ?? 0), 6);
      }
    }),
    { numRuns: 40 },
  );
});
