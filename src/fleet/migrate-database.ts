import type { Boot } from '../boot/boot.ts';
import { toErrorRecord, type ErrorRecord } from '../core/error-record.ts';
import type { DatabaseReport, FleetEvent, PluginFile } from '../core/fleet-report.ts';
import { onAbort } from '../core/patience.ts';
import type { BootReport } from '../core/report.ts';
import type { FleetSettings } from './fleet-options.ts';
import { openBoot } from './open-boot.ts';
import type { CheckedTarget } from './targets.ts';

type Ended = Pick<DatabaseReport, 'outcome' | 'applied' | 'error'>;

/** Migrates one database, and closes its connections. Never throws: what fails is in the report. */
export async function migrateDatabase(
  target: CheckedTarget,
  settings: FleetSettings,
  emit: (event: FleetEvent) => void,
): Promise<Ended> {
  const { signal } = settings;
  let boot: Boot | undefined;
  let leave = (): void => undefined;
  let hasOtherWork = false;
  try {
    const opened = await openBoot(target, settings);
    boot = opened;
    opened.on('plugin.migrate.applying', ({ plugin, file }) =>
      emit({ type: 'database.applying', database: target.name, plugin, file }),
    );
    opened.on('plugin.migrate.planned', ({ renameFrom, missingSchemas = [] }) => {
      hasOtherWork ||= renameFrom !== undefined || missingSchemas.length > 0;
    });
    leave = onAbort(signal, () => void opened.stop('the fleet is stopped'));
    return readEnd(await opened.migrate(), hasOtherWork);
  } catch (error) {
    const applied = boot ? listApplied(boot.report()) : [];
    if (signal.aborted) return { outcome: 'canceled', applied };
    return { outcome: 'failed', applied, error: withoutStacks(toErrorRecord(error)) };
  } finally {
    leave();
    await boot?.stop('this database is done');
  }
}

/**
 * A plugin that is not required and has failed counts, too: what fails in one database would fail in all. Files that another
 * process has applied meanwhile are not this run's.
 */
function readEnd(report: BootReport, hasOtherWork: boolean): Ended {
  const applied = listApplied(report);
  const error = report.plugins.find(({ migrate }) => migrate.outcome === 'failed')?.migrate.error;
  if (error) return { outcome: 'failed', applied, error: withoutStacks(error) };
  return { outcome: applied.length > 0 || hasOtherWork ? 'done' : 'upToDate', applied };
}

function listApplied({ plugins }: BootReport): readonly PluginFile[] {
  return plugins.flatMap(({ id, applied }) => applied.map((file) => ({ plugin: id, file })));
}

/** A stack is the same for every database, and the longest part of an error. */
function withoutStacks({ stack: _stack, cause, errors, ...error }: ErrorRecord): ErrorRecord {
  return {
    ...error,
    ...(cause && { cause: withoutStacks(cause) }),
    ...(errors && { errors: errors.map(withoutStacks) }),
  };
}
