import type { ChainLink } from '../../core/report.ts';
import { criticalChain } from '../critical-chain.ts';
import { headline } from '../headline.ts';
import { listSegments } from '../segments.ts';
import type { Story } from '../story.ts';
import { steps, type Step } from '../../core/steps.ts';
import { isFailure, listBars, type Bar } from './bars.ts';

/** An event of the Trace Event Format. Times are in µs. */
interface TraceEvent {
  readonly ph: 'X' | 'M' | 's' | 'f';
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly bp?: 'e';
  readonly cname?: string;
  readonly args?: Readonly<Record<string, string | number | boolean>>;
}

const phaseThread = 1;
const chainThread = 2;
const firstPluginThread = 3;

/**
 * Writes a Chrome trace for Perfetto and chrome://tracing: a thread for the phases, one for the critical chain, and one for each
 * plugin. An arrow leads from the end of a step to the start of one that waited for it. The format is described in "Trace Event
 * Format" of the Chromium project.
 */
export function writeTrace(story: Story): string {
  const { record, bootId } = story;
  const pid = record.start?.pid ?? 1;
  const lanes = record.plugins.map(({ id }, at) => ({ name: id, tid: firstPluginThread + at }));
  const bars = new Map(record.plugins.map((plugin) => [plugin.id, listBars(story.times, plugin)]));
  const threads = new Map(lanes.map(({ name, tid }) => [name, tid]));
  const events: readonly TraceEvent[] = [
    ...nameProcess(story, pid),
    ...nameThread(pid, phaseThread, 'phases'),
    ...nameThread(pid, chainThread, 'critical chain'),
    ...lanes.flatMap(({ name, tid }) => nameThread(pid, tid, name)),
    ...writePhases(story, pid),
    ...criticalChain(story).map((link) => writeLink(link, pid)),
    ...lanes.flatMap(({ name, tid }) =>
      (bars.get(name) ?? []).flatMap((bar) => writeBar(bar, pid, tid)),
    ),
    ...writeFlows(story, pid, bars, threads),
  ];
  const otherData = { bootId, headline: headline(story), startedAt: record.startedAt };
  const lines = events.map((event) => JSON.stringify(event)).join(',\n');
  return `{"displayTimeUnit":"ms","otherData":${JSON.stringify(otherData)},"traceEvents":[\n${lines}\n]}\n`;
}

function nameProcess(story: Story, pid: number): readonly TraceEvent[] {
  const { hostApp, host } = story.record.start ?? {};
  const what = story.launch === undefined ? 'slipway boot' : `slipway launch ${story.launch}`;
  const name = hostApp ? `${hostApp.name}: ${what}` : what;
  const meta = { ph: 'M', pid, tid: phaseThread } as const;
  return [
    { ...meta, name: 'process_name', args: { name } },
    ...(host === undefined ? [] : [{ ...meta, name: 'process_labels', args: { labels: host } }]),
  ];
}

function nameThread(pid: number, tid: number, name: string): readonly TraceEvent[] {
  const meta = { ph: 'M', pid, tid } as const;
  return [
    { ...meta, name: 'thread_name', args: { name } },
    { ...meta, name: 'thread_sort_index', args: { sort_index: tid } },
  ];
}

/** Rounding keeps the order of times, so slices that nest in ms nest in µs. */
function toMicros(ms: number): number {
  return Math.round(ms * 1_000);
}

function between(startMs: number, endMs: number): { readonly ts: number; readonly dur: number } {
  const ts = toMicros(startMs);
  return { ts, dur: Math.max(0, toMicros(endMs) - ts) };
}

function writePhases({ record, nowMs }: Story, pid: number): readonly TraceEvent[] {
  return record.phases.map(({ phase, outcome, error, startMs, endMs = nowMs }) => ({
    ph: 'X',
    pid,
    tid: phaseThread,
    cat: 'phase',
    name: outcome === 'failed' ? `${phase} failed` : phase,
    ...between(startMs, endMs),
    args: { outcome, ...(error && { error: error.message }) },
  }));
}

function writeLink(
  { plugin, step, kind, via, startMs, endMs }: ChainLink,
  pid: number,
): TraceEvent {
  return {
    ph: 'X',
    pid,
    tid: chainThread,
    cat: 'critical chain',
    name: [step, plugin, kind === 'work' ? undefined : `(${kind})`].filter(Boolean).join(' '),
    ...between(startMs, endMs),
    args: { step, kind, via, ...(plugin !== undefined && { plugin }) },
  };
}

function writeBar(bar: Bar, pid: number, tid: number): readonly TraceEvent[] {
  const { kind, name, outcome, startMs, endMs, goesOn, facts, parts } = bar;
  const slice: TraceEvent = {
    ph: 'X',
    pid,
    tid,
    cat: kind === 'step' || kind === 'file' || kind === 'statement' ? kind : 'wait',
    name: isFailure(bar) ? `${name} ${outcome}` : name,
    ...between(startMs, endMs),
    ...(isFailure(bar) && { cname: 'terrible' }),
    args: goesOn ? { ...facts, goesOn } : facts,
  };
  return [slice, ...parts.flatMap((part) => writeBar(part, pid, tid))];
}

/** An arrow for each wait for a plugin. Both of its ends must lie inside of a slice, or a viewer drops it. */
function writeFlows(
  { times, record }: Story,
  pid: number,
  bars: ReadonlyMap<string, readonly Bar[]>,
  threads: ReadonlyMap<string, number>,
): readonly TraceEvent[] {
  const find = (plugin: string, step: Step) =>
    place(
      threads.get(plugin),
      bars.get(plugin)?.find((bar) => bar.kind === 'step' && bar.step === step),
    );
  const flows: TraceEvent[] = [];
  for (const plugin of record.plugins) {
    for (const step of steps) {
      const to = find(plugin.id, step);
      if (!to) continue;
      const waits = listSegments(times, plugin, step).filter(({ kind }) => kind === 'dependency');
      for (const before of waits.flatMap(({ plugins = [] }) => plugins)) {
        const from = find(before, step);
        if (!from || from.lastTs > to.ts) continue;
        const flow = {
          pid,
          cat: 'dependency',
          name: 'dependency',
          id: flows.length / 2 + 1,
        } as const;
        flows.push(
          { ...flow, ph: 's', tid: from.tid, ts: from.lastTs },
          { ...flow, ph: 'f', bp: 'e', tid: to.tid, ts: to.ts },
        );
      }
    }
  }
  return flows;
}

/** The first and the last µs of a bar. One that is shorter than that has none. */
function place(
  tid: number | undefined,
  bar: Bar | undefined,
): { readonly tid: number; readonly ts: number; readonly lastTs: number } | undefined {
  if (!bar || tid === undefined) return undefined;
  const { ts, dur } = between(bar.startMs, bar.endMs);
  return dur === 0 ? undefined : { tid, ts, lastTs: ts + dur - 1 };
}
