import type { ChainLink } from '../index.ts';
import { formatDuration } from '../insight.ts';

/** `catalog.migrate`, or the name of a part of the boot that is no plugin's. */
export function nameStep({
  plugin,
  step,
}: {
  readonly plugin?: string;
  readonly step: string;
}): string {
  return plugin === undefined ? step : `${plugin}.${step}`;
}

/** `works`, or what it waits for. */
export function nameKind(kind: ChainLink['kind']): string {
  return {
    work: 'work',
    dependency: 'waits for a plugin',
    gate: 'waits for the gate',
    slot: 'waits for a slot',
    connection: 'waits for a client',
    lock: 'waits for its lock',
    retry: 'waits for another attempt',
    database: 'waits for PostgreSQL',
    migrations: 'waits for the migrations of another process',
  }[kind];
}

/** `lock 1.37s, slot 20ms`: the longest first, without what is too short to see. */
export function listWaits(waits: Readonly<Partial<Record<string, number>>>): string {
  return Object.entries(waits)
    .filter((entry): entry is [string, number] => (entry[1] ?? 0) >= 0.5)
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, ms]) => `${kind} ${formatDuration(ms)}`)
    .join(', ');
}

/** `+1.37s`, `−240ms`. */
export function signDuration(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`;
}
