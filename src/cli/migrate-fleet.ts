import {
  createFleetOutput,
  migrateFleet,
  type BootOptions,
  type FleetBootOptions,
  type FleetReport,
  type FleetTarget,
} from '../index.ts';
import { printAnswer } from './answer.ts';
import type { Input } from './command.ts';
import type { CommandOf } from './command-table.ts';
import type { FleetReportDocument } from './documents.ts';
import type { ExitCode } from './exit-codes.ts';
import { describeReport, summarizeReport } from './fleet-page.ts';
import { addPage } from './github.ts';
import { endPools, loadFleetConfig } from './load-config.ts';
import {
  endPoolOf,
  readCount,
  readShard,
  refuseBeside,
  withTargets,
} from './read-fleet-options.ts';
import { abortOnSignal, Interrupted } from './take-signals.ts';

/** Migrates many databases with the plugins of the config. */
export async function runFleet(
  { options, output }: Input<CommandOf<'migrate'>>,
  fleet: string,
): Promise<ExitCode> {
  refuseBeside(options, { fleet, names: ['record', 'inspect'] });
  const { json, config, concurrency, canary } = options;
  const shard = readShard(options.shard);
  const limits = {
    ...(shard && { shard }),
    ...(concurrency !== undefined && { concurrency: readCount('concurrency', concurrency) }),
    ...(canary !== undefined && { canary: readCount('canary', canary) }),
    keepGoing: options['keep-going'],
  };
  const show = createFleetOutput({ stream: process.stderr });
  const { report, exitCode } = await withFleet(config, fleet, async (boot, targets) => {
    const poolOf = new Map(
      Array.isArray(targets) ? targets.map((each) => [nameOf(each), each]) : [],
    );
    return abortOnSignal(output, 'stops everything in good order.', async (signal) => {
      const done = await migrateFleet({
        targets,
        boot: () => boot,
        ...limits,
        signal,
        onEvent: (event) => {
          show(event);
          // A pool of the module would keep its connections for a while.
          if (event.type === 'database.finished') endPoolOf(poolOf.get(event.database.name));
        },
      });
      return { report: done, exitCode: toExitCode(done, signal.reason) };
    });
  });
  const document: FleetReportDocument = { format: 'slipway.fleet-report/1', ...report };
  printAnswer(output, options, document, (page) => describeReport(page, report));
  await addPage('slipway migrate --fleet', (page) => describeReport(page, report), output);
  if (report.outcome !== 'done' || json) output.note(summarizeReport(report));
  return exitCode;
}

/**
 * Loads the config and the databases for `use`. Each database takes the place of the pools of the config. A recording and a log
 * are about one boot, and here are many at once.
 */
export function withFleet<T>(
  config: string | undefined,
  fleet: string,
  use: (boot: FleetBootOptions, targets: readonly (FleetTarget | string)[]) => Promise<T>,
): Promise<T> {
  return withTargets(fleet, async (targets) => {
    const {
      pool,
      migrationPool,
      record: _record,
      logger,
      ...others
    } = await loadFleetConfig(config);
    endPools({ pool, migrationPool } as Partial<BootOptions>);
    const own = typeof logger === 'object' ? { logger } : {};
    return use({ ...others, ...own }, targets);
  });
}

/** What is wrong with a list or a name is found by `migrateFleet()`. */
function nameOf(target: unknown): unknown {
  return typeof target === 'object' && target !== null && 'name' in target ? target.name : target;
}

/** Locks alone, and no failure of another kind, have a code of their own. */
function toExitCode({ outcome, failures }: FleetReport, reason: unknown): ExitCode {
  if (outcome === 'done') return 0;
  if (outcome === 'canceled' && reason instanceof Interrupted) return reason.exitCode;
  return failures.length > 0 && failures.every(({ code }) => code === 'MIGRATION_LOCK_TIMEOUT')
    ? 4
    : 1;
}
