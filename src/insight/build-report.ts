import type { Warning } from '../core/error-codes.ts';
import { roundMs } from '../core/duration.ts';
import type {
  BootReport,
  LaunchReport,
  PluginReport,
  RemovalReport,
  StepReport,
} from '../core/report.ts';
import type { Step } from '../core/steps.ts';
import { listPhases, type BootRecord } from './boot-record.ts';
import type { LaunchRecord, RemovalRecord } from './changes-record.ts';
import { listFiles, type PluginRecord } from './plugin-record.ts';
import { traceChain } from './critical-chain.ts';
import { listLocks } from './seen-locks.ts';
import { listSegments, type Segment } from './segments.ts';
import { StepTimes } from './step-times.ts';
import { reportTenants } from './tenants-record.ts';
import { sumWaits } from './waits.ts';

/** Makes the report of what the record contains. */
export function buildReport(record: BootRecord): BootReport {
  return {
    ...reportOne(record),
    launches: record.launches.map(reportLaunch),
    removals: record.removals.map((removal) => reportRemoval(removal, record.elapsedMs)),
  };
}

/** Makes the report of a launch into a boot that was up. */
export function reportLaunch({
  number: launch,
  startedAtMs: launchedAtMs,
  record,
}: LaunchRecord<BootRecord>): LaunchReport {
  const { outcome, ...report } = reportOne(record);
  return { launch, launchedAtMs, ...report, outcome: outcome as LaunchReport['outcome'] };
}

/** Makes the report of a removal. */
export function reportRemoval(
  { plugin, plugins, outcome, startMs, endMs, error, because }: RemovalRecord,
  nowMs: number,
): RemovalReport {
  return {
    plugin,
    plugins,
    outcome,
    startedAtMs: startMs,
    durationMs: roundMs((endMs ?? nowMs) - startMs),
    ...(error && { error }),
    ...(because !== undefined && { because }),
  };
}

function reportOne(record: BootRecord): Omit<BootReport, 'launches' | 'removals'> {
  const { finished, database, durableAtMs } = record;
  const times = new StepTimes(record, record.elapsedMs);
  return {
    bootId: record.bootId,
    ...(record.startedAt === undefined
      ? {}
      : { startedAt: new Date(record.startedAt).toISOString() }),
    durationMs: finished?.durationMs ?? record.elapsedMs,
    outcome: finished?.outcome ?? (record.startedAt === undefined ? 'idle' : 'running'),
    phases: listPhases(record),
    plugins: record.plugins.map((plugin) => reportPlugin(times, plugin)),
    warnings: [...record.warnings, ...listLost(record)],
    problems: record.problems,
    ...(finished?.error ? { error: finished.error } : {}),
    ...(database && {
      database: { ...database, ...(durableAtMs !== undefined && { durableAtMs }) },
    }),
    criticalPath: traceChain(times, finished?.atMs ?? record.elapsedMs),
  };
}

/** Lists the plugins that a degraded boot lacks. */
function listLost({ finished, plugins }: BootRecord): readonly Warning[] {
  if (finished?.outcome !== 'degraded') return [];
  return plugins.flatMap(({ id, steps }) => {
    const lost = [steps.migrate, steps.init, steps.ready].find(({ outcome }) =>
      ['failed', 'timeout', 'dependency'].includes(outcome ?? ''),
    );
    if (!lost) return [];
    const why = lost.error?.message ?? lost.because ?? lost.outcome;
    return [{ plugin: id, message: `${id} is not up: ${why}` }];
  });
}

function reportPlugin(times: StepTimes, plugin: PluginRecord): PluginReport {
  const { id, version, required, schema, applied, replaced } = plugin;
  return {
    id,
    required,
    applied: [...applied],
    migrate: reportStep(times, plugin, 'migrate'),
    init: reportStep(times, plugin, 'init'),
    ready: reportStep(times, plugin, 'ready'),
    stop: reportStep(times, plugin, 'stop'),
    ...(version === undefined ? {} : { version }),
    ...(schema === undefined ? {} : { schema }),
    ...(replaced.length === 0 ? {} : { replaced: [...replaced] }),
  };
}

function reportStep(times: StepTimes, plugin: PluginRecord, step: Step): StepReport {
  const { outcome, durationMs, startedAtMs, slot, error, because, spawnedAtMs } =
    plugin.steps[step];
  const segments = listSegments(times, plugin, step);
  const eligibleAtMs = findEligible(segments);
  const locks = step === 'migrate' ? listLocks(listFiles(plugin), times.nowMs) : [];
  return {
    outcome: outcome ?? 'notReached',
    durationMs: durationMs ?? 0,
    waits: sumWaits(segments),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(spawnedAtMs === undefined || eligibleAtMs === undefined ? {} : { eligibleAtMs }),
    ...(slot === undefined ? {} : { slot }),
    ...(locks.length > 0 && { locks }),
    ...(step === 'migrate' && plugin.tenants && { tenants: reportTenants(plugin.tenants) }),
    ...(error ? { error } : {}),
    ...(because === undefined ? {} : { because }),
  };
}

/** Finds when nothing but a slot was missing: the end of the last wait for the gate or for a plugin. */
function findEligible(segments: readonly Segment[]): number | undefined {
  let eligibleAtMs = segments[0]?.startMs;
  for (const { kind, endMs } of segments) {
    if (kind === 'gate' || kind === 'dependency') eligibleAtMs = endMs;
  }
  return eligibleAtMs;
}
