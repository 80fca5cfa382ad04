import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeTrace } from '../../../src/insight/exports/trace.ts';
import { storyOf } from '../../../src/insight/story.ts';
import { useBoots } from '../../support/boot-under-test.ts';
import { useDatabase } from '../../support/database.ts';
import { migrationFolder } from '../../support/migration-folder.ts';
import { runStaged } from '../staged-boot.ts';
import { readTrace } from './read-trace.ts';
import { anyStory, hostileNames, makeHostile, tell, tellExample, tellMany } from './stories.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('a Chrome trace', () => {
  it('keeps the rules of the format, for every boot and at every moment', async () => {
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ boot, untilMs }) => {
        readTrace(writeTrace(await tell(boot, untilMs)));
      }),
      { numRuns: 50 },
    );
  });

  it('has a row for each plugin, with its waits, files and statements', async () => {
    const { slices, threads, names, flows } = readTrace(writeTrace(await tellExample()));
    expect(names.map(({ args, tid }) => [tid, args['name']])).toEqual([
      [1, 'phases'],
      [2, 'critical chain'],
      [3, 'p0'],
      [4, 'p1'],
      [5, 'p2'],
      [6, 'p3'],
    ]);
    expect(threads.get(4)?.map(({ name, ts, dur }) => `${name} ${ts}+${dur}`))
      .toMatchInlineSnapshot(`
      [
        "wait: gate 8000+30000",
        "wait: dependency 38000+79000",
        "migrate 117000+91000",
        "wait: connection 117000+2000",
        "wait: lock 119000+66000",
        "0.sql 185000+8000",
        "1: CREATE TABLE 185000+8000",
        "wait: retry 193000+7000",
        "0.sql 200000+8000",
        "1: CREATE TABLE 200000+8000",
        "wait: gate 208000+1000",
        "wait: dependency 209000+15000",
        "init 224000+20000",
        "wait: dependency 244000+5000",
        "ready 249000+5000",
      ]
    `);
    expect(slices.find(({ name }) => name === 'wait: lock')?.args['holder']).toBe(
      'slipway/other@pod-2 (pid 4711, active)',
    );
    expect(slices.find(({ name }) => name === 'init failed')?.args).toMatchObject({
      error: 'init of p2 failed',
    });
    expect(flows.length).toBeGreaterThan(0);
  });

  it('is made of a real boot', async () => {
    const { url } = await db.fresh();
    const migrations = await migrationFolder({
      '0000_items':
        'CREATE TABLE items (id int);\n--> statement-breakpoint\nINSERT INTO items VALUES (1);',
    });
    const { boot } = bootUnderTest({
      pool: url,
      plugins: [
        { id: 'catalog', migrations },
        { id: 'billing', after: ['catalog'] },
      ],
    });
    await boot.start();
    const { slices } = readTrace(writeTrace(storyOf(boot)));
    expect(slices.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['discover', 'migrate', '0000_items.sql', '2: INSERT INTO', 'init']),
    );
  });

  it('is valid whatever the names are, and for a thousand plugins', async () => {
    const { boot } = fc.sample(anyStory, { numRuns: 1, seed: 7 })[0] ?? {};
    const told = boot && (await runStaged(boot));
    for (const name of hostileNames) {
      if (told) readTrace(writeTrace(storyOf(makeHostile(told, name))));
    }
    readTrace(writeTrace(await tellMany(1_000)));
  });
});
