import type { WaitKind } from '../core/waits.ts';
import { steps, type Step } from '../core/steps.ts';
import type { PluginRecord } from './plugin-record.ts';
import { listSegments } from './segments.ts';
import type { StepTimes } from './step-times.ts';
import type { Story } from './story.ts';
import { sumWaits } from './waits.ts';

/** The time of one step of a plugin, or of a part of the boot that is no plugin's. */
export interface BlameEntry {
  /** Left out for a part of the boot. */
  readonly plugin?: string;
  readonly step: Step | 'discover' | 'sort' | 'survey' | 'flush' | 'register';
  /** Work and statements, in ms. */
  readonly ownMs: number;
  /** How long it waited, by reason. Reasons that took no time are left out. */
  readonly waits: Readonly<Partial<Record<WaitKind, number>>>;
  /** Whether it goes on. */
  readonly isOpen: boolean;
  /** The files of a migration, the longest one first; empty for other steps. */
  readonly files: readonly BlamedFile[];
}

/** The time of one migration file. */
export interface BlamedFile {
  readonly file: string;
  /** All attempts, without the pauses between them. */
  readonly ms: number;
  readonly attempts: number;
  /** Its longest statement; left out when none was sent. */
  readonly longest?: {
    readonly statement: number;
    readonly line?: number;
    readonly command: string;
    readonly ms: number;
  };
}

/**
 * Lists every step that ran, and the parts of the boot that are no plugin's, by their own time, the longest one first. Waits
 * are counted apart, because a step that waits is not to blame for it.
 *
 * @example const [{ plugin, step, ownMs }] = blame(story); // the step that took the longest
 */
export function blame(story: Story): readonly BlameEntry[] {
  const { times } = story;
  const entries = [
    ...listParts(times),
    ...times.record.plugins.flatMap((plugin) =>
      steps
        .filter((step) => plugin.steps[step].spawnedAtMs !== undefined)
        .map((step) => blameStep(times, plugin, step)),
    ),
  ];
  return entries.toSorted((a, b) => b.ownMs - a.ownMs);
}

function blameStep(times: StepTimes, plugin: PluginRecord, step: Step): BlameEntry {
  const segments = listSegments(times, plugin, step);
  const ownMs = segments
    .filter(({ kind }) => kind === 'own' || kind === 'statement')
    .reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  return {
    plugin: plugin.id,
    step,
    ownMs,
    waits: sumWaits(segments),
    isOpen: plugin.steps[step].finishedAtMs === undefined,
    files: blameFiles(plugin, plugin.steps[step].finishedAtMs ?? times.nowMs),
  };

  function blameFiles(
    { steps: { migrate } }: PluginRecord,
    untilMs: number,
  ): readonly BlamedFile[] {
    if (step !== 'migrate') return [];
    const files = new Map<string, BlamedFile>();
    for (const { file, startMs, endMs = untilMs, statements } of migrate.files) {
      const known = files.get(file);
      const runs = statements.map((run) => ({
        statement: run.statement,
        ...(run.line !== undefined && { line: run.line }),
        command: run.command,
        ms: (run.endMs ?? endMs) - run.startMs,
      }));
      const [longest] = [...(known?.longest ? [known.longest] : []), ...runs].toSorted(
        (a, b) => b.ms - a.ms,
      );
      const ms = (known?.ms ?? 0) + endMs - startMs;
      const attempts = (known?.attempts ?? 0) + 1;
      files.set(file, { file, ms, attempts, ...(longest && { longest }) });
    }
    return [...files.values()].toSorted((a, b) => b.ms - a.ms);
  }
}

/** The parts of the boot in which no plugin has a step. */
function listParts(times: StepTimes): readonly BlameEntry[] {
  const { record, nowMs } = times;
  return record.phases.flatMap(({ phase, startMs, endMs = nowMs, outcome }) => {
    const isOpen = outcome === 'running';
    if (phase === 'discover' || phase === 'sort') {
      return [blamePart(times, phase, startMs, endMs, isOpen)];
    }
    if (phase !== 'migrateAll') return [];
    const surveyedMs = Math.min(times.findGate('migrate') ?? endMs, endMs);
    const settledMs = findLastSettled(record.plugins, surveyedMs);
    const survey = blamePart(times, 'survey', startMs, surveyedMs, isOpen && surveyedMs === nowMs);
    if (settledMs === undefined) return [survey];
    const { flush, durableAtMs } = record;
    if (!flush) {
      return [survey, blamePart(times, 'register', Math.min(settledMs, endMs), endMs, isOpen)];
    }
    if (durableAtMs === undefined) {
      return [survey, blamePart(times, 'flush', flush.startMs, endMs, isOpen)];
    }
    return [
      survey,
      blamePart(times, 'flush', flush.startMs, durableAtMs, false),
      blamePart(times, 'register', durableAtMs, endMs, isOpen),
    ];
  });
}

/** When the last migration had settled; `undefined` while one of them has not. */
function findLastSettled(plugins: readonly PluginRecord[], surveyedMs: number): number | undefined {
  let lastMs: number | undefined = surveyedMs;
  for (const { steps: own } of plugins) {
    const { finishedAtMs } = own.migrate;
    if (finishedAtMs === undefined) return undefined;
    lastMs = Math.max(lastMs, finishedAtMs);
  }
  return lastMs;
}

function blamePart(
  { record, nowMs }: StepTimes,
  step: BlameEntry['step'],
  startMs: number,
  endMs: number,
  isOpen: boolean,
): BlameEntry {
  const waits: Partial<Record<WaitKind, number>> = {};
  let waitMs = 0;
  for (const pause of record.pauses) {
    const ms = Math.min(pause.endMs ?? nowMs, endMs) - Math.max(pause.startMs, startMs);
    if (ms <= 0) continue;
    waits[pause.kind] = (waits[pause.kind] ?? 0) + ms;
    waitMs += ms;
  }
  return { step, ownMs: endMs - startMs - waitMs, waits, isOpen, files: [] };
}
