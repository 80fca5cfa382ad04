import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeTrace } from '../../../src/insight/exports/trace.ts';
import { storyOf } from '../../../src/insight/story.ts';
import { useBoots } from '../../support/boot-under-test.ts';
import { useDatabase } from '../../support/database.ts';
import { migrationFolder } from '../../support/migration-folder.ts';
import { runStaged } from '../staged-boot.ts';
import { anyStory, hostileNames, makeHostile, tell, tellExample, tellMany } from './stories.ts';

interface Slice {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly id: number;
  readonly bp?: string;
  readonly args: Readonly<Record<string, unknown>>;
}

function groupBy<Key>(slices: readonly Slice[], keyOf: (slice: Slice) => Key) {
  const groups = new Map<Key, Slice[]>();
  for (const slice of slices) {
    const group = groups.get(keyOf(slice));
    if (group) group.push(slice);
    else groups.set(keyOf(slice), [slice]);
  }
  return groups;
}

const db = useDatabase();
const bootUnderTest = useBoots();

/** Reads a trace, and checks the rules that its viewers do not forgive. */
function readTrace(text: string) {
  const trace = JSON.parse(text) as {
    readonly displayTimeUnit: string;
    readonly traceEvents: readonly Slice[];
  };
  expect(trace.displayTimeUnit).toBe('ms');
  for (const event of trace.traceEvents) {
    const times = event.ph === 'M' ? [] : [event.ts];
    const numbers = [event.pid, event.tid, ...(event.ph === 'X' ? [...times, event.dur] : times)];
    const areIntegers = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
    if (!areIntegers) throw new Error(`not integers: ${JSON.stringify(event)}`);
  }
  const slices = trace.traceEvents.filter(({ ph }) => ph === 'X');
  const threads = groupBy(slices, ({ tid }) => tid);
  for (const thread of threads.values()) expectToNest(thread);
  const flows = trace.traceEvents.filter(({ ph }) => ph === 's' || ph === 'f');
  for (const flow of flows) expectToBind(flow, threads.get(flow.tid) ?? []);
  expectPairs(flows);
  const names = trace.traceEvents.filter(({ name }) => name === 'thread_name');
  for (const tid of threads.keys())
    expect(names.filter((each) => each.tid === tid)).toHaveLength(1);
  return { slices, flows, threads, names };
}

/** In the order in which they are written, a slice lies inside of the open one, or begins after its end. */
function expectToNest(slices: readonly Slice[]): void {
  const open: number[] = [];
  let lastTs = 0;
  for (const { ts, dur, name } of slices) {
    if (ts < lastTs) throw new Error(`${name} begins before the slice before it`);
    lastTs = ts;
    while (open.length > 0 && (open.at(-1) ?? 0) <= ts) open.pop();
    if (ts + dur > (open.at(-1) ?? Number.POSITIVE_INFINITY)) {
      throw new Error(`${name} leaves the slice that it lies in`);
    }
    open.push(ts + dur);
  }
}

function expectToBind({ ts, ph, bp }: Slice, slices: readonly Slice[]): void {
  expect(slices.some((slice) => slice.ts <= ts && ts < slice.ts + slice.dur)).toBe(true);
  expect(bp).toBe(ph === 'f' ? 'e' : undefined);
}

function expectPairs(flows: readonly Slice[]): void {
  for (const [start, end] of groupBy(flows, ({ id }) => id).values()) {
    expect([start?.ph, end?.ph]).toEqual(['s', 'f']);
    expect(end?.ts).toBeGreaterThanOrEqual(start?.ts ?? Number.POSITIVE_INFINITY);
  }
}

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
