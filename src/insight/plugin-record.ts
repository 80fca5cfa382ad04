import { toPlainError, type ErrorRecord } from '../core/error-record.ts';
import type { BootEvent, BootEventName } from '../core/events.ts';
import type { ReplacingFile } from '../core/report.ts';
import type { LockBlocker, LockHolder, WaitKind } from '../core/waits.ts';
import { stepIn, type Outcome, type Step } from '../core/steps.ts';
import type { RecordedEvent } from './recorded-event.ts';
import { addLook, type SeenFile } from './seen-locks.ts';
import { addEnd, addRelease, type StepMoments } from './step-moments.ts';
import { addToTenant, createTenantsRecord, type TenantsRecord } from './tenants-record.ts';

/** An event of this process, or of a recording. */
export type AnyEvent = BootEvent | RecordedEvent;
/** The event of one name. */
export type EventOf<Name extends BootEventName> = Extract<AnyEvent, { readonly type: Name }>;

/** The time when something began, and when it ended unless it goes on; in ms from the start of the boot. */
export interface Span {
  readonly startMs: number;
  endMs?: number;
}

/** A wait in the middle of a step, which has its slot already or had it before. */
export interface Pause extends Span {
  readonly kind: Extract<WaitKind, 'connection' | 'lock' | 'retry' | 'database'>;
  reason?: string;
  holder?: LockHolder;
  blockers?: readonly LockBlocker[];
  /** When the next attempt is due. */
  untilMs?: number;
  /** The attempt that comes next; counts from 1. */
  attempt?: number;
}

/** A statement of a migration file. Without an end it runs, has failed, or was cut off. */
export interface StatementRun extends Span {
  readonly statement: number;
  readonly statements?: number;
  readonly line?: number;
  readonly command: string;
}

/** An attempt at a migration file. */
export interface FileRun extends Span, SeenFile {
  readonly file: string;
  readonly index: number;
  readonly of: number;
  readonly transaction: boolean;
  outcome?: 'applied' | 'rolledBack' | 'failed';
  readonly statements: StatementRun[];
}

/** The facts known of one step. */
export interface StepRecord {
  /** When it had a slot for the first time. */
  spawnedAtMs?: number;
  slot?: number;
  startedAtMs?: number;
  finishedAtMs?: number;
  outcome?: Outcome;
  durationMs?: number;
  error?: ErrorRecord;
  because?: string;
  backendPid?: number;
  /** How long the pool took to give the client that holds the lock. */
  connectMs?: number;
  readonly pauses: Pause[];
  readonly files: FileRun[];
}

/** The facts known of one plugin. */
export interface PluginRecord {
  readonly id: string;
  /** Its place in the order of the graph, or as discovered before it is known; counts from 0. */
  index: number;
  readonly version?: string;
  readonly required: boolean;
  readonly enabled: boolean;
  schema?: string;
  /** Left out for a plugin without the option `tenants`. */
  tenants?: TenantsRecord;
  /** The files that the survey found pending. */
  pending: readonly string[];
  /** The files that this boot has applied. */
  readonly applied: string[];
  /** Of these, the files that were not run, because the history had what they replace. */
  readonly replaced: ReplacingFile[];
  /** When it was removed while the others went on serving. */
  removedAtMs?: number;
  readonly steps: Readonly<Record<Step, StepRecord>>;
}

/** Begins the record of a plugin: no step is reached. */
export function createPluginRecord(event: EventOf<'plugin.discovered'>): PluginRecord {
  const untouched = (): StepRecord => ({ pauses: [], files: [] });
  return {
    id: event.plugin,
    index: 0,
    required: event.required,
    enabled: event.enabled,
    pending: [],
    applied: [],
    replaced: [],
    steps: {
      migrate: untouched(),
      init: untouched(),
      ready: untouched(),
      stop: untouched(),
    },
    ...(event.version !== undefined && { version: event.version }),
  };
}

/**
 * Adds what an event says of a plugin.
 *
 * @param moments Those of each step of all plugins.
 */
export function addToPlugin(
  plugin: PluginRecord,
  event: AnyEvent,
  moments: Readonly<Record<Step, StepMoments>>,
): void {
  const { elapsedMs: atMs } = event;
  const { migrate } = plugin.steps;
  if ('tenant' in event && event.tenant !== undefined && addTenantEvent(plugin, event)) return;
  switch (event.type) {
    case 'plugin.migrate.planned':
      if (event.schema !== undefined) plugin.schema = event.schema;
      if (event.tenants) plugin.tenants ??= createTenantsRecord(event.tenants.total);
      plugin.pending = event.pending;
      break;
    case 'plugin.migrate.connecting':
      moments.migrate.startMs ??= atMs;
      migrate.spawnedAtMs = atMs;
      migrate.slot = event.slot;
      migrate.pauses.push({ kind: 'connection', startMs: atMs });
      break;
    case 'boot.waiting':
      pause(migrate, {
        kind: event.kind === 'database' ? 'database' : 'connection',
        startMs: atMs,
      });
      Object.assign(migrate.pauses.at(-1) ?? {}, { reason: event.reason });
      break;
    case 'plugin.migrate.waiting': {
      const startMs = atMs - event.waitedMs;
      const hasBegun = pause(migrate, { kind: 'lock', startMs });
      if (hasBegun) addRelease(moments.migrate, plugin, startMs);
      Object.assign(migrate.pauses.at(-1) ?? {}, { holder: event.holder });
      break;
    }
    case 'plugin.migrate.retrying': {
      const { attempt, nextInMs, error, blockers } = event;
      endFile(migrate, atMs, 'rolledBack');
      pause(migrate, {
        kind: 'retry',
        startMs: atMs,
        untilMs: atMs + nextInMs,
        attempt: attempt + 1,
        reason: error.message,
        ...(blockers && { blockers }),
      });
      break;
    }
    case 'plugin.migrate.applying': {
      const { file, index, of, transaction } = event;
      resume(migrate, atMs);
      const run = { file, index, of, transaction, startMs: atMs, statements: [], locks: [] };
      migrate.files.push(run);
      break;
    }
    case 'plugin.migrate.executing': {
      const { statement, statements, line, command } = event;
      const runs = migrate.files.at(-1)?.statements ?? [];
      if (runs.length >= mostStatements) joinLast(runs, atMs);
      runs.push({
        statement,
        command,
        ...(statements !== undefined && { statements }),
        ...(line !== undefined && { line }),
        startMs: atMs,
      });
      break;
    }
    case 'plugin.migrate.executed': {
      const run = migrate.files.at(-1)?.statements.at(-1);
      if (run?.statement === event.statement) run.endMs = atMs;
      break;
    }
    case 'plugin.migrate.progress': {
      const run = migrate.files.at(-1);
      if (run) addLook(run, event);
      break;
    }
    case 'plugin.migrate.applied':
      plugin.applied.push(event.file);
      if (event.replaced !== undefined) {
        plugin.replaced.push({ file: event.file, rows: event.replaced });
      }
      endFile(migrate, atMs, 'applied');
      break;
    case 'plugin.migrate.started': {
      const last = migrate.pauses.at(-1);
      const connected = (migrate.spawnedAtMs ?? atMs) + event.connectMs;
      resume(migrate, last?.kind === 'connection' ? Math.min(connected, atMs) : atMs);
      migrate.slot = event.slot;
      migrate.startedAtMs = atMs;
      migrate.backendPid = event.backendPid;
      migrate.connectMs = event.connectMs;
      break;
    }
    case 'plugin.init.started':
    case 'plugin.ready.started':
    case 'plugin.stop.started': {
      const step = plugin.steps[stepIn(event.type)];
      step.spawnedAtMs = atMs;
      step.startedAtMs = atMs;
      step.slot = event.slot;
      break;
    }
    case 'plugin.init.retrying': {
      const { attempt, nextInMs, error } = event;
      const untilMs = atMs + nextInMs;
      // The next attempt has no event of its own: it begins when it is due.
      plugin.steps.init.pauses.push({
        kind: 'retry',
        startMs: atMs,
        endMs: untilMs,
        untilMs,
        attempt: attempt + 1,
        reason: error.message,
      });
      break;
    }
    case 'plugin.migrate.finished':
    case 'plugin.init.finished':
    case 'plugin.ready.finished':
    case 'plugin.stop.finished': {
      const name = stepIn(event.type);
      const step = plugin.steps[name];
      addEnd(moments[name], plugin, atMs, step.spawnedAtMs !== undefined);
      finishStep(step, event);
      break;
    }
    default:
  }
}

/**
 * Adds what an event says of a tenant. Files and statements of tenants side by side are not kept.
 *
 * @returns Whether that is all: the plugin itself waits for the lock of a tenant.
 */
function addTenantEvent(
  plugin: PluginRecord,
  event: AnyEvent & { readonly tenant?: string },
): boolean {
  const { tenant = '' } = event;
  const isAdded =
    plugin.steps.migrate.outcome !== undefined && event.type === 'plugin.migrate.planned';
  if (plugin.tenants && isAdded && !plugin.tenants.behind.has(tenant)) plugin.tenants.total += 1;
  if (plugin.tenants) addToTenant(plugin.tenants, tenant, event);
  if (event.type === 'plugin.migrate.started') resume(plugin.steps.migrate, event.elapsedMs);
  if (event.type === 'plugin.migrate.applied' && !plugin.applied.includes(event.file)) {
    plugin.applied.push(event.file);
  }
  return event.type !== 'plugin.migrate.waiting' && event.type !== 'boot.waiting';
}

/** The statements of one file that are kept apart. What comes after them is kept as one, so that the memory has a limit. */
const mostStatements = 1_000;

function joinLast(runs: StatementRun[], atMs: number): void {
  const last = runs.pop();
  const before = runs.at(-1);
  if (last && before) before.endMs = last.endMs ?? atMs;
}

/** Ends the wait that goes on, and begins another one. The same kind goes on: then it returns `false`. */
function pause(step: StepRecord, next: Pause): boolean {
  const last = step.pauses.at(-1);
  if (last?.kind === next.kind && last.endMs === undefined) return false;
  resume(step, next.startMs);
  step.pauses.push(next);
  return true;
}

function resume({ pauses }: StepRecord, atMs: number): void {
  const last = pauses.at(-1);
  if (last && last.endMs === undefined) last.endMs = Math.max(last.startMs, atMs);
}

function endFile({ files }: StepRecord, atMs: number, outcome: FileRun['outcome']): void {
  const last = files.at(-1);
  if (!last || last.endMs !== undefined || outcome === undefined) return;
  last.endMs = atMs;
  last.outcome = outcome;
}

function finishStep(step: StepRecord, event: EventOf<`plugin.${Step}.finished`>): void {
  const { elapsedMs: atMs, outcome, durationMs, error, because } = event;
  resume(step, atMs);
  const last = step.pauses.at(-1);
  if (last?.endMs !== undefined && last.endMs > atMs) last.endMs = atMs;
  endFile(step, atMs, 'failed');
  step.finishedAtMs = atMs;
  step.outcome = outcome;
  step.durationMs = durationMs;
  if (error !== undefined) step.error = toPlainError(error);
  if (because !== undefined) step.because = because;
}
