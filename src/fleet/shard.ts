import { createHash } from 'node:crypto';
import type { FleetShard } from '../core/fleet-report.ts';

/**
 * Returns the index of the shard that a database belongs to. It depends on the name alone, so a database stays in its shard
 * when others come and go.
 */
export function shardOf(name: string, count: number): number {
  return createHash('sha256').update(name).digest().readUIntBE(0, hashBytes) % count;
}

/** The most that a number of JavaScript holds exactly. */
const hashBytes = 6;

/** Whether a database belongs to the shard. Without a shard all do. */
export function isInShard(name: string, shard: FleetShard | undefined): boolean {
  return shard === undefined || shardOf(name, shard.count) === shard.index;
}
