import type { Boot } from '../boot/boot.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import { asBootError } from '../core/errors.ts';
import { toErrorRecord, type ErrorRecord } from '../core/error-record.ts';
import type { DatabaseReport, FleetEvent, PluginFile } from '../core/fleet-report.ts';
import { onAbort } from '../core/patience.ts';
import type { BootReport } from '../core/report.ts';
import type { FleetSettings } from './fleet-options.ts';
import { openBoot } from './open-boot.ts';
import type { CheckedTarget } from './targets.ts';

const codesOfOneDatabase: ReadonlySet<string | undefined> = new Set<ErrorCode>([
  'DATABASE_UNREACHABLE',
  'MIGRATION_CONNECTION_LOST',
  'MIGRATION_LOCK_TIMEOUT',
]);

/** Whether a failure is about one database alone, and not about the files. */
export function isOfOneDatabase(code: string | undefined): boolean {
  return codesOfOneDatabase.has(code);
}

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
    const report = boot?.report();
    const applied = report ? listApplied(report) : [];
    if (signal.aborted && isCanceled(error, signal)) return { outcome: 'canceled', applied };
    const errors = report ? listErrors(report) : [];
    return { outcome: 'failed', applied, error: chooseError([toErrorRecord(error), ...errors]) };
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
  const [first, ...others] = listErrors(report);
  if (first) return { outcome: 'failed', applied, error: chooseError([first, ...others]) };
  return { outcome: applied.length > 0 || hasOtherWork ? 'done' : 'upToDate', applied };
}

/** A boot that was stopped, also before it began. A failure that came before the signal stays one. */
function isCanceled(error: unknown, signal: AbortSignal): boolean {
  const code = asBootError(error)?.code;
  return error === signal.reason || code === 'BOOT_CANCELED' || code === 'BOOT_ALREADY_RUN';
}

/** Of several failures of one database, the run has to know of one that would come in others as well. */
function chooseError(errors: readonly [ErrorRecord, ...ErrorRecord[]]): ErrorRecord {
  return withoutStacks(errors.find(({ code }) => !isOfOneDatabase(code)) ?? errors[0]);
}

function listErrors({ plugins }: BootReport): readonly ErrorRecord[] {
  return plugins.flatMap(({ migrate: { outcome, error } }) =>
    outcome === 'failed' && error ? [error] : [],
  );
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
