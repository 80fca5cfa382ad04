import type { BootRecord, PluginRecord } from './boot-record.ts';
import type { Warning } from './error-codes.ts';
import { findCriticalPath, type StepTime } from './critical-path.ts';
import { toErrorRecord } from './error-record.ts';
import { readMessage } from './foreign-value.ts';
import type { BootReport, PluginReport, StepReport } from './report.ts';
import type { Step } from './steps.ts';

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
    criticalPath: findCriticalPath(record.edges, {
      migrate: listTimes(plugins, 'migrate'),
      init: listTimes(plugins, 'init'),
      ready: listTimes(plugins, 'ready'),
    }),
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
  const { id, required, applied } = plugin;
  return {
    id,
    ...(plugin.version === undefined ? {} : { version: plugin.version }),
    required,
    ...(plugin.schema === undefined ? {} : { schema: plugin.schema }),
    applied,
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
  for (const step of ['migrate', 'init', 'ready', 'stop'] as const) {
    for (const time of listTimes(plugins, step)) {
      const end = time.startedAtMs + time.durationMs;
      ends.set(`${step} ${time.plugin}`, end);
      lastEnd[step] = Math.max(lastEnd[step], end);
    }
  }
  const before = new Map<string, string[]>();
  const link = (key: string, other: string): void => {
    const known = before.get(key);
    if (known) known.push(other);
    else before.set(key, [other]);
  };
  for (const { from, to } of edges) {
    link(`up ${to}`, from);
    link(`down ${from}`, to);
  }
  const findBegin = (phase: string): number =>
    phases.find((known) => known.phase === phase)?.startedAtMs ?? 0;
  const begins = {
    migrate: findBegin('migrateAll'),
    init: findBegin('initAll'),
    ready: lastEnd.init,
    stop: findBegin('stopAll'),
  };
  return (plugin, step, startedAtMs) => {
    const predecessors = before.get(`${step === 'stop' ? 'down' : 'up'} ${plugin}`) ?? [];
    const freeAt = predecessors.reduce(
      (latest, other) => Math.max(latest, ends.get(`${step} ${other}`) ?? 0),
      begins[step],
    );
    return Math.max(0, startedAtMs - freeAt);
  };
}
