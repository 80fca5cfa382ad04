import type { BootRecord, PluginRecord } from './boot-record.ts';
import type { Warning } from './error-codes.ts';
import { toErrorRecord } from './error-record.ts';
import { readMessage } from './foreign-value.ts';
import { groupEdges } from './graph-edges.ts';
import type { BootReport, PluginReport, StepReport } from './report.ts';
import { steps as allSteps, type Step } from './steps.ts';

/** Makes the report of what the record contains. */
export function buildReport(record: BootRecord): BootReport {
  const { finished, plugins } = record;
  const queue = createQueueTimes(record);
  return {
    bootId: record.bootId,
    ...(record.startedAt === undefined
      ? {}
      : { startedAt: new Date(record.startedAt).toISOString() }),
    durationMs: finished?.durationMs ?? record.elapsedMs,
    outcome: finished?.outcome ?? (record.startedAt === undefined ? 'idle' : 'running'),
    phases: record.phases,
    plugins: plugins.map((plugin) => pluginReport(plugin, queue)),
    warnings: [...record.warnings, ...lostPlugins(record)],
    problems: record.problems,
    ...(finished?.error ? { error: toErrorRecord(finished.error) } : {}),
    ...(record.database ? { database: record.database } : {}),
    criticalPath: findCriticalPath(record),
  };
}

/** Lists the plugins that a degraded boot lacks. */
function lostPlugins({ finished, plugins }: BootRecord): readonly Warning[] {
  if (finished?.outcome !== 'degraded') return [];
  return plugins.flatMap(({ id, steps }) => {
    const lost = [steps.migrate, steps.init, steps.ready]
      .flatMap((step) => step.finished ?? [])
      .find(({ outcome }) => ['failed', 'timeout', 'dependency'].includes(outcome));
    if (!lost) return [];
    const why = lost.error ? readMessage(lost.error) : (lost.because ?? lost.outcome);
    return [{ plugin: id, message: `${id} is not up: ${why}` }];
  });
}

function pluginReport(plugin: PluginRecord, queue: QueueTimes): PluginReport {
  const { steps: _, ...facts } = plugin;
  return {
    ...facts,
    migrate: stepReport(plugin, 'migrate', queue),
    init: stepReport(plugin, 'init', queue),
    ready: stepReport(plugin, 'ready', queue),
    stop: stepReport(plugin, 'stop', queue),
  };
}

function stepReport(plugin: PluginRecord, step: Step, queue: QueueTimes): StepReport {
  const { startedAtMs, finished } = plugin.steps[step];
  return {
    outcome: finished?.outcome ?? 'notReached',
    durationMs: finished?.durationMs ?? 0,
    ...(startedAtMs === undefined
      ? {}
      : { startedAtMs, queuedMs: queue(plugin.id, step, startedAtMs) }),
    ...(finished?.error ? { error: toErrorRecord(finished.error) } : {}),
    ...(finished?.because === undefined ? {} : { because: finished.because }),
  };
}

/** The time of a step, in ms from the start of the boot. */
interface StepTime {
  readonly plugin: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

const computeEnd = (time: StepTime): number => time.startedAtMs + time.durationMs;

function listTimes(plugins: readonly PluginRecord[], step: Step): readonly StepTime[] {
  return plugins.flatMap(({ id, steps }) => {
    const { startedAtMs, finished } = steps[step];
    return startedAtMs === undefined || !finished
      ? []
      : [{ plugin: id, startedAtMs, durationMs: finished.durationMs }];
  });
}

type QueueTimes = (plugin: string, step: Step, startedAtMs: number) => number;

/**
 * Computes how long a step waited for a slot: from the end of its last predecessor, or from the beginning of its phase.
 */
function createQueueTimes({ phases, plugins, edges }: BootRecord): QueueTimes {
  const ends = new Map<string, number>();
  const lastEnd = { migrate: 0, init: 0, ready: 0, stop: 0 };
  for (const step of allSteps) {
    for (const time of listTimes(plugins, step)) {
      const end = computeEnd(time);
      ends.set(`${step} ${time.plugin}`, end);
      lastEnd[step] = Math.max(lastEnd[step], end);
    }
  }
  const dependencies = groupEdges(edges, 'to');
  const dependents = groupEdges(edges, 'from');
  const findBegin = (phase: string): number =>
    phases.find((known) => known.phase === phase)?.startedAtMs ?? 0;
  const begins = {
    migrate: findBegin('migrateAll'),
    init: findBegin('initAll'),
    ready: lastEnd.init,
    stop: findBegin('stopAll'),
  };
  return (plugin, step, startedAtMs) => {
    const predecessors = (step === 'stop' ? dependents : dependencies).get(plugin) ?? [];
    const freeAt = predecessors.reduce(
      (latest, other) => Math.max(latest, ends.get(`${step} ${other}`) ?? 0),
      begins[step],
    );
    return Math.max(0, startedAtMs - freeAt);
  };
}

/** The steps of a launch that wait for each other: each begins when the one before it has ended for every plugin. */
const barriers = ['migrate', 'init', 'ready'] as const;

/**
 * Finds the chain of steps that decided how long the boot took: in every step the plugin that ended last, before it its
 * predecessor that ended last, and so on.
 */
function findCriticalPath({ edges, plugins }: BootRecord): BootReport['criticalPath'] {
  const predecessors = groupEdges(edges, 'to');
  return barriers.flatMap((step) =>
    traceChain(listTimes(plugins, step), predecessors).map((time) => ({ ...time, step })),
  );
}

function traceChain(
  times: readonly StepTime[],
  predecessors: ReadonlyMap<string, readonly string[]>,
): readonly StepTime[] {
  const byPlugin = new Map(times.map((time) => [time.plugin, time]));
  const chain: StepTime[] = [];
  for (let current = lastToEnd(times); current;) {
    chain.push(current);
    const before = predecessors.get(current.plugin) ?? [];
    current = lastToEnd(before.flatMap((id) => byPlugin.get(id) ?? []));
  }
  return chain.toReversed();
}

function lastToEnd(times: readonly StepTime[]): StepTime | undefined {
  let last: StepTime | undefined;
  for (const time of times) {
    if (!last || computeEnd(time) > computeEnd(last)) last = time;
  }
  return last;
}
