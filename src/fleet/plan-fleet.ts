import type { BootPlan } from '../boot/idle/plan.ts';
import type { Problem, Warning } from '../core/error-codes.ts';
import { toErrorRecord, type ErrorRecord } from '../core/error-record.ts';
import type { DatabasePlan, FleetPlan, PluginFile } from '../core/fleet-report.ts';
import { mapBounded } from '../core/map-bounded.ts';
import { untilAborted } from '../core/patience.ts';
import { FleetFindings } from '../core/fleet-findings.ts';
import { checkFleetOptions, type PlanFleetOptions } from './fleet-options.ts';
import { openBoot } from './open-boot.ts';
import type { CheckedTarget } from './targets.ts';

/**
 * Looks which databases of a fleet are behind, and by what, without changing any. A database that cannot be looked at is in
 * the plan, and throws nothing.
 *
 * @throws BootError `OPTIONS_INVALID`, before any database is looked at; the reason of the signal
 * @example
 * const { behind } = await planFleet({ targets, boot: () => ({ plugins }) });
 * for (const { databases, pending } of behind) console.log(databases.length, 'lack', pending);
 */
export async function planFleet(options: PlanFleetOptions): Promise<FleetPlan> {
  const settings = await checkFleetOptions(options, 'planFleet()');
  const { canaries, others, concurrency, shard, listed, signal } = settings;
  const looks = await mapBounded([...canaries, ...others], concurrency, async (target) => {
    signal.throwIfAborted();
    try {
      const boot = await openBoot(target, settings);
      return { target, ...readPlan(await untilAborted(boot.plan(), signal)) };
    } catch (error) {
      signal.throwIfAborted();
      return { target, error: toErrorRecord(error) };
    }
  });
  return { ...(shard && { shard }), listed, ...sumUp(looks) };
}

/** What is known of a database: either the error that kept it from being looked at, or its plan. */
interface Look {
  readonly isBehind: boolean;
  readonly pending: readonly PluginFile[];
  readonly warnings: readonly Warning[];
  readonly problems: readonly Problem[];
}

/** Keeps what is needed of a plan: all statements of thousands of databases would be too much. */
function readPlan({ plugins, warnings, problems }: BootPlan): Look {
  const pending = plugins.flatMap((each) =>
    each.pending.map(({ file }) => ({ plugin: each.id, file })),
  );
  const isBehind = plugins.some(
    ({ tenants, renameFrom, missingSchemas }) =>
      (tenants?.behind.length ?? 0) > 0 || renameFrom !== undefined || missingSchemas !== undefined,
  );
  return { isBehind: isBehind || pending.length > 0, pending, warnings, problems };
}

type LookAt = { readonly target: CheckedTarget } & (Look | { readonly error: ErrorRecord });

/** Groups databases in the order of the list, and not in that of the answers: then two plans can be compared. */
function sumUp(looks: readonly LookAt[]): Omit<FleetPlan, 'shard' | 'listed'> {
  const failures = new FleetFindings();
  const warnings = new FleetFindings();
  const behind = new Map<
    string,
    { readonly databases: string[]; readonly pending: readonly PluginFile[] }
  >();
  const counts = { upToDate: 0, behind: 0, failed: 0 };
  const databases = looks.map((look): DatabasePlan => {
    const { name } = look.target;
    if ('error' in look) {
      failures.addError(name, look.error);
      counts.failed += 1;
      return { name, outcome: 'failed', pending: [] };
    }
    const { isBehind, pending, problems } = look;
    for (const each of look.warnings) warnings.addWarning(name, each);
    for (const each of problems) failures.addWarning(name, each);
    const outcome = problems.length > 0 ? 'failed' : isBehind ? 'behind' : 'upToDate';
    counts[outcome] += 1;
    if (outcome === 'behind') {
      const key = JSON.stringify(pending);
      const group = behind.get(key) ?? { databases: [], pending };
      group.databases.push(name);
      behind.set(key, group);
    }
    return { name, outcome, pending };
  });
  return {
    counts,
    behind: [...behind.values()],
    failures: failures.list(),
    warnings: warnings.list(),
    databases,
  };
}
