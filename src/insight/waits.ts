import type { WaitKind } from '../core/waits.ts';
import type { Step } from '../core/steps.ts';
import type { PluginRecord } from './plugin-record.ts';
import { listSegments, type Segment } from './segments.ts';
import type { StepTimes } from './step-times.ts';
import type { Story } from './story.ts';

/** The use of a step's time, in ms. The parts add up to `wallMs`. */
export interface StepLedger {
  /** From the moment when the plugin itself could go on, until the step ended, or until now. */
  readonly wallMs: number;
  /** Work that is no statement of a migration: the plugin's own, and Slipway's. */
  readonly ownMs: number;
  /** Statements of migrations. */
  readonly statementMs: number;
  /** For a plugin that comes first. */
  readonly dependencyMs: number;
  /** For the survey, for the last migration, or for the last init. */
  readonly gateMs: number;
  /** For one of the slots that `concurrency` allows. */
  readonly slotMs: number;
  /** For a client of the pool. */
  readonly connectionMs: number;
  /** For the migration lock. */
  readonly lockMs: number;
  /** For the next attempt. */
  readonly retryMs: number;
  /** For a PostgreSQL that does not answer. */
  readonly databaseMs: number;
}

/** The ledgers of one plugin, step by step. */
export interface PluginLedger extends Readonly<Record<Step, StepLedger>> {
  readonly plugin: string;
}

/**
 * Lists for each step of each plugin how its time was used: what it waited for, and how long it worked. A wait that goes on
 * counts until now.
 *
 * @example waits(story).find(({ plugin }) => plugin === 'billing')?.migrate.lockMs // 41_020
 */
export function waits({ times }: Story): readonly PluginLedger[] {
  return times.record.plugins.map((plugin) => readLedgers(times, plugin));
}

/** Reads the ledgers of one plugin. */
export function readLedgers(times: StepTimes, plugin: PluginRecord): PluginLedger {
  return {
    plugin: plugin.id,
    migrate: keepLedger(listSegments(times, plugin, 'migrate')),
    init: keepLedger(listSegments(times, plugin, 'init')),
    ready: keepLedger(listSegments(times, plugin, 'ready')),
    stop: keepLedger(listSegments(times, plugin, 'stop')),
  };
}

function keepLedger(segments: readonly Segment[]): StepLedger {
  const sums = sumByKind(segments);
  const sum = (kind: Segment['kind']): number => sums.get(kind) ?? 0;
  return {
    wallMs: (segments.at(-1)?.endMs ?? 0) - (segments[0]?.startMs ?? 0),
    ownMs: sum('own'),
    statementMs: sum('statement'),
    dependencyMs: sum('dependency'),
    gateMs: sum('gate'),
    slotMs: sum('slot'),
    connectionMs: sum('connection'),
    lockMs: sum('lock'),
    retryMs: sum('retry'),
    databaseMs: sum('database'),
  };
}

function sumByKind(segments: readonly Segment[]): ReadonlyMap<Segment['kind'], number> {
  const sums = new Map<Segment['kind'], number>();
  for (const { kind, startMs, endMs } of segments) {
    sums.set(kind, (sums.get(kind) ?? 0) + endMs - startMs);
  }
  return sums;
}

/** Sums the waits of a step by their reasons. Reasons that took no time are left out. */
export function sumWaits(
  segments: readonly Segment[],
): Readonly<Partial<Record<WaitKind, number>>> {
  const sums: Partial<Record<WaitKind, number>> = {};
  for (const { kind, startMs, endMs } of segments) {
    if (kind === 'own' || kind === 'statement') continue;
    sums[kind] = (sums[kind] ?? 0) + endMs - startMs;
  }
  return sums;
}
