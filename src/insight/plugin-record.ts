import { toPlainError, type ErrorRecord } from '../core/error-record.ts';
import type { ReplacingFile } from '../core/report.ts';
import type { LockBlocker, LockHolder, WaitKind } from '../core/waits.ts';
import { stepIn, type Outcome, type Step } from '../core/steps.ts';
import { getTenant } from '../core/tenants.ts';
import type { AnyEvent, EventOf } from './recorded-event.ts';
import { addToFiles, type FileRun, type Span } from './file-runs.ts';
import { addEnd, addRelease, type StepMoments } from './step-moments.ts';
import {
  addTenantFiles,
  addToTenant,
  createTenantsRecord,
  type TenantsRecord,
} from './tenants-record.ts';

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
  const tenant = getTenant(event);
  if (tenant !== undefined && addTenantEvent(plugin, tenant, event)) return;
  addToFiles(migrate.files, event);
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
    case 'plugin.migrate.applying':
      resume(migrate, atMs);
      break;
    case 'plugin.migrate.applied':
      plugin.applied.push(event.file);
      if (event.replaced !== undefined) {
        plugin.replaced.push({ file: event.file, rows: event.replaced });
      }
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

/** Lists the files of a plugin's migrations; with tenants, those that run, and those that kept other sessions waiting. */
export function listFiles({ tenants, steps: { migrate } }: PluginRecord): readonly FileRun[] {
  return tenants ? [...tenants.blocking, ...[...tenants.open.values()].flat()] : migrate.files;
}

/**
 * Adds what an event says of a tenant.
 *
 * @returns Whether that is all: the plugin itself waits for the lock of a tenant.
 */
function addTenantEvent(
  { tenants, applied, steps: { migrate } }: PluginRecord,
  tenant: string,
  event: AnyEvent,
): boolean {
  if (tenants) {
    const hasSignedUp =
      event.type === 'plugin.migrate.planned' &&
      migrate.outcome !== undefined &&
      !tenants.behind.has(tenant);
    if (hasSignedUp) tenants.total += 1;
    addToTenant(tenants, tenant, event);
    addTenantFiles(tenants, tenant, event);
  }
  if (event.type === 'plugin.migrate.started') resume(migrate, event.elapsedMs);
  if (event.type === 'plugin.migrate.applied' && !applied.includes(event.file)) {
    applied.push(event.file);
  }
  return event.type !== 'plugin.migrate.waiting';
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

function finishStep(step: StepRecord, event: EventOf<`plugin.${Step}.finished`>): void {
  const { elapsedMs: atMs, outcome, durationMs, error, because } = event;
  resume(step, atMs);
  const last = step.pauses.at(-1);
  if (last?.endMs !== undefined && last.endMs > atMs) last.endMs = atMs;
  step.finishedAtMs = atMs;
  step.outcome = outcome;
  step.durationMs = durationMs;
  if (error !== undefined) step.error = toPlainError(error);
  if (because !== undefined) step.because = because;
}
