import { expect } from 'vitest';

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

/** Reads a trace, and checks the rules that its viewers do not forgive. */
export function readTrace(text: string) {
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
