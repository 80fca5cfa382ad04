import type { BootOptions } from '../boot/options/boot-options.ts';
import { BootError, optionsInvalid } from '../core/errors.ts';
import { boolean, group, integer, knownKeysOnly, maybe, record } from '../core/expect.ts';
import { isInstance } from '../core/foreign-value.ts';
import type { FleetEvent, FleetShard } from '../core/fleet-report.ts';
import { isInShard } from './shard.ts';
import { readTargets, type CheckedTarget, type FleetTarget, type FleetTargets } from './targets.ts';

/** The options of a boot of each database: those of `createBoot()` but for its pools. */
export type FleetBootOptions = Omit<BootOptions, 'pool' | 'migrationPool'>;

/** The options of {@link planFleet}. */
export interface PlanFleetOptions {
  /** The databases: at most 100,000. */
  readonly targets: FleetTargets;
  /** Returns the options of the boot for a database, such as its plugins. It is called when the database has its turn. */
  readonly boot: (target: FleetTarget) => FleetBootOptions | Promise<FleetBootOptions>;
  /**
   * The part of the fleet that this process has. The name of a database decides its shard.
   *
   * @default the whole fleet
   */
  readonly shard?: FleetShard;
  /**
   * How many databases at once, from 1 to 100.
   *
   * @default 4
   */
  readonly concurrency?: number;
  /**
   * The most connections to one database at once, from 1 to 20, for those that are given by a connection string or a config
   * without `max`.
   *
   * @default 1
   */
  readonly connections?: number;
  /**
   * Aborted, no further database begins, and those that run are stopped in good order.
   *
   * @default none
   */
  readonly signal?: AbortSignal;
}

/** The options of {@link migrateFleet}. */
export interface MigrateFleetOptions extends PlanFleetOptions {
  /**
   * How many databases from the beginning of the list are canaries, besides those with `canary: true`. Every shard migrates
   * all canaries of the list before anything else.
   *
   * @default 0
   */
  readonly canary?: number;
  /**
   * Whether to go on after failures that are about one database alone: it cannot be reached, its connection broke, or another
   * process holds its lock. A canary that fails ends the run all the same.
   *
   * @default false
   */
  readonly keepGoing?: boolean;
  /**
   * Gets every event of the run.
   *
   * @default none
   */
  readonly onEvent?: (event: FleetEvent) => void;
}

/** The options, checked and complete. */
export interface FleetSettings {
  readonly boot: MigrateFleetOptions['boot'];
  readonly concurrency: number;
  readonly connections: number;
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  readonly onEvent: (event: FleetEvent) => void;
  readonly shard: FleetShard | undefined;
  /** Of the whole list, in its order. */
  readonly canaries: readonly CheckedTarget[];
  /** The others of this shard, in the order of the list. */
  readonly others: readonly CheckedTarget[];
  /** How many databases the list has. */
  readonly listed: number;
}

const names = [
  'targets',
  'boot',
  'shard',
  'concurrency',
  'connections',
  'signal',
  'canary',
  'keepGoing',
  'onEvent',
];
const mostShards = 10_000;
const checkShard = group({
  index: [integer(0, mostShards - 1), undefined],
  count: [integer(1, mostShards), undefined],
});

/**
 * Checks the options, asks for the databases, and chooses those of this run.
 *
 * @throws BootError `OPTIONS_INVALID`
 */
export async function checkFleetOptions(
  options: MigrateFleetOptions,
  caller: string,
): Promise<FleetSettings> {
  const given = record(options, `the options of ${caller}`);
  knownKeysOnly(given, names, caller);
  const { boot } = given;
  if (typeof boot !== 'function') {
    throw optionsInvalid('boot', 'a function that returns the options of a boot', boot);
  }
  const shard = maybe(checkShard)(given['shard'], 'shard');
  if (shard && shard.index >= shard.count) throw noSuchShard(shard);
  const canary = integer(0, Number.MAX_SAFE_INTEGER)(given['canary'] ?? 0, 'canary');
  const checked = {
    boot: boot as FleetSettings['boot'],
    concurrency: integer(1, 100)(given['concurrency'] ?? 4, 'concurrency'),
    connections: integer(1, 20)(given['connections'] ?? 1, 'connections'),
    keepGoing: boolean(given['keepGoing'] ?? false, 'keepGoing'),
    signal: checkSignal(given['signal']),
    onEvent: checkListener(given['onEvent']),
    shard,
  };
  const targets = await readTargets(given['targets']);
  const canaries = targets.filter(({ isCanary }, at) => isCanary || at < canary);
  const isCanary = new Set(canaries);
  const others = targets.filter((each) => !isCanary.has(each) && isInShard(each.name, shard));
  return { ...checked, canaries, others, listed: targets.length };
}

function noSuchShard({ index, count }: FleetShard): BootError {
  const message = `Expected shard.index to be less than shard.count, got ${index} of ${count}`;
  return new BootError('OPTIONS_INVALID', message, {
    hint: `The shards are counted from 0: the last one is ${count - 1}.`,
  });
}

function checkSignal(value: unknown): AbortSignal {
  if (value === undefined) return new AbortController().signal;
  if (isInstance(value, AbortSignal)) return value;
  throw optionsInvalid('signal', 'an AbortSignal', value);
}

function checkListener(value: unknown): (event: FleetEvent) => void {
  if (value === undefined) return () => undefined;
  if (typeof value === 'function') return value as (event: FleetEvent) => void;
  throw optionsInvalid('onEvent', 'a function', value);
}
