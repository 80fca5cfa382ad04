import { describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import type { BootEvent, BootEventOf } from '../core/events.ts';
import { getTenant } from '../core/tenants.ts';
import type { BootPause, BootRecord } from '../insight/boot-record.ts';
import { printableLine } from './display-width.ts';

/** A wait that has ended, in words that stay on the screen. */
interface PastWait {
  /** Left out when the whole boot waited. */
  readonly plugin?: string;
  readonly text: string;
}

/** Every first install waits for the disk. A shorter wait than this, in ms, is not worth a line. */
const longFlushMs = 1_000;

/** Finds the wait, or the last of several attempts, that an event has ended. The record has the event already. */
export function findPastWait(record: BootRecord, event: BootEvent): PastWait | undefined {
  // A plugin has waited only while no tenant of it was migrated.
  if (getTenant(event) !== undefined) return undefined;
  switch (event.type) {
    case 'survey.finished':
    case 'phase.finished':
      return describeBootWait(record, event);
    case 'migrations.durable':
      return event.durationMs < longFlushMs
        ? undefined
        : { text: `waited ${formatDuration(event.durationMs)} for the disk of PostgreSQL` };
    case 'plugin.migrate.started':
    case 'plugin.migrate.applying':
      return describeLockWait(record, event);
    case 'plugin.migrate.applied':
      return describeRetries(record, event.plugin, 'migrate', event.file);
    case 'plugin.init.finished':
      return event.outcome === 'done' ? describeRetries(record, event.plugin, 'init') : undefined;
    default:
      return undefined;
  }
}

function describeBootWait(
  record: BootRecord,
  event: BootEventOf<'survey.finished' | 'phase.finished'>,
): PastWait | undefined {
  const { pauses } = record;
  const last = pauses.at(-1);
  if (!last || last === record.flush || !hasEnded(record, last, event)) return undefined;
  const first = pauses.findLastIndex(({ kind }) => kind !== last.kind) + 1;
  const waitedMs = (last.endMs ?? event.elapsedMs) - (pauses[first]?.startMs ?? 0);
  return { text: `waited ${formatDuration(waitedMs)}: ${printableLine(last.reason)}` };
}

/** The waits for the migrations of another process are many, one after each survey. All of them end with the phase. */
function hasEnded(
  record: BootRecord,
  { kind, startMs, endMs }: BootPause,
  event: BootEventOf<'survey.finished' | 'phase.finished'>,
): boolean {
  if (kind !== 'gate') return endMs === event.elapsedMs;
  if (event.type !== 'phase.finished') return false;
  const phase = record.findPhase(event.phase);
  return phase !== undefined && phase.startMs <= startMs;
}

function describeLockWait(
  record: BootRecord,
  event: BootEventOf<'plugin.migrate.started' | 'plugin.migrate.applying'>,
): PastWait | undefined {
  const { plugin, elapsedMs } = event;
  const { pauses = [], startedAtMs } = record.find(plugin)?.steps.migrate ?? {};
  // Between the lock and the start there may be a wait for a client, too.
  const isStart = event.type === 'plugin.migrate.started';
  const last = isStart ? pauses.findLast(({ kind }) => kind === 'lock') : pauses.at(-1);
  if (last?.kind !== 'lock') return undefined;
  if (!isStart && (last.endMs !== elapsedMs || startedAtMs === elapsedMs)) return undefined;
  const waitedMs = isStart ? event.waitedMs : elapsedMs - last.startMs;
  const holder = printableLine(describeHolder(last.holder ?? {}));
  return { plugin, text: `waited ${formatDuration(waitedMs)} for ${holder}` };
}

function describeRetries(
  record: BootRecord,
  plugin: string,
  step: 'migrate' | 'init',
  file?: string,
): PastWait | undefined {
  const { files = [], pauses = [] } = record.find(plugin)?.steps[step] ?? {};
  const last = pauses.findLast(({ kind }) => kind === 'retry');
  const attempts =
    file === undefined ? last?.attempt : files.filter((run) => run.file === file).length;
  if (!last || attempts === undefined || attempts < 2) return undefined;
  const what = file === undefined ? 'took' : `${printableLine(file)} took`;
  return { plugin, text: `${what} ${attempts} attempts: ${printableLine(last.reason ?? '')}` };
}
