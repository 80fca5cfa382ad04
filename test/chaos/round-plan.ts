import type { BootEventName } from 'slipway';
import { seededRandom, type Random } from './random.ts';
import { cleanReleases, releaseNames, type ReleaseName } from './releases.ts';

/** Everything that a round does, as plain data: it follows from the seed and the number of the round alone. */
export interface RoundPlan {
  /** What had been deployed before; nothing in a fresh database. */
  readonly base: ReleaseName | 'nothing';
  /** How long a byte is under way through the proxy, in each direction. */
  readonly delayMs: number;
  readonly replicas: readonly ReplicaPlan[];
  readonly faults: readonly FaultPlan[];
}

/** One process. */
export interface ReplicaPlan {
  readonly release: ReleaseName;
  /** Whose pool it is: Slipway's by a connection string or a config, or the host's own. */
  readonly pool: 'url' | 'config' | 'host';
  /** Clients of the pool. */
  readonly clients: number;
  /** Callers that keep the host's pool busy, half of them through the scoped pools of plugins. */
  readonly callers: number;
  /** `again` boots again and again on the same pool; `grow` adds and removes plugins while it is up. */
  readonly run: 'start' | 'migrate' | 'again' | 'grow';
  readonly way: 'direct' | 'proxy';
  readonly startsAfterMs: number;
}

export const faultKinds = [
  'SIGKILL',
  'SIGTERM',
  'SIGTERM-all',
  'terminate-backends',
  'cancel-backends',
  'reset',
  'black-hole',
  'exhausted-pool',
  'table-lock',
  'migration-lock',
  'server-full',
  'restart-fast',
  'restart-immediate',
  'postmaster-killed',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** An event of a boot of any replica, or a server that begins to shut down. */
export type Moment = BootEventName | 'server.down';

/** One thing that goes wrong. */
export interface FaultPlan {
  readonly kind: FaultKind;
  /** Undefined: it strikes at its time. */
  readonly moment: Moment | undefined;
  /** From the moment to the strike. */
  readonly lagMs: number;
  /** Counts from when the first replica is up. A moment that does not come is waited for some seconds longer. */
  readonly afterMs: number;
  /** Of what lasts. */
  readonly lastsMs: number;
  /** The replica that is meant, by its place. */
  readonly target: number;
}

/** What a run leaves out. */
export interface Spared {
  readonly faults?: readonly FaultKind[];
  readonly pools?: readonly ReplicaPlan['pool'][];
  readonly releases?: readonly ReleaseName[];
}

const moments: readonly Moment[] = [
  'server.down',
  'server.down',
  'plugin.migrate.planned',
  'plugin.migrate.started',
  'plugin.migrate.connecting',
  'plugin.migrate.applying',
  'plugin.migrate.executing',
  'plugin.migrate.executed',
  'plugin.migrate.applied',
  'plugin.migrate.waiting',
  'plugin.init.started',
  'boot.finished',
  'boot.stopping',
];

function isDown(kind: FaultKind): boolean {
  return ['restart-fast', 'restart-immediate', 'postmaster-killed'].includes(kind);
}

/**
 * Makes the choices of a round.
 *
 * @param grows Whether replicas that start also add plugins while they are up, and remove them.
 */
export function planRound(
  seed: number,
  round: number,
  spared: Spared = {},
  grows = false,
): RoundPlan {
  const random = seededRandom(`${seed}:${round}`);
  const kinds = faultKinds.filter((kind) => spared.faults?.includes(kind) !== true);
  const replicas = Array.from({ length: random.integer(1, 6) }, () => planReplica(random, spared));
  const someFault = (): FaultPlan => ({
    kind: random.pick(kinds),
    moment: random.chance(0.6) ? random.pick(moments) : undefined,
    lagMs: random.chance(0.5) ? 0 : random.integer(1, 60),
    afterMs: random.integer(0, 5_000),
    lastsMs: random.integer(100, 2_000),
    target: random.integer(0, replicas.length - 1),
  });
  const faults = Array.from({ length: random.integer(1, 5) }, someFault);
  // A server that goes away under what is up, or on its way down, is what chance alone brings too seldom.
  const downs = kinds.filter(isDown);
  if (downs.length > 0 && random.chance(0.5)) {
    faults.push({ ...someFault(), kind: random.pick(downs), moment: undefined });
    faults.push({ ...someFault(), kind: 'SIGTERM-all', moment: 'server.down' });
  }
  return {
    base: random.chance(0.4) ? 'nothing' : random.pick(cleanReleases),
    delayMs: random.chance(0.3) ? random.integer(1, 15) : 0,
    replicas: grows ? replicas.map(letGrow) : replicas,
    faults,
  };
}

function letGrow(replica: ReplicaPlan): ReplicaPlan {
  return replica.run === 'start' ? { ...replica, run: 'grow' } : replica;
}

function planReplica(random: Random, spared: Spared): ReplicaPlan {
  const releases = releaseNames.filter((name) => spared.releases?.includes(name) !== true);
  const pools = (['url', 'config', 'host'] as const).filter(
    (pool) => spared.pools?.includes(pool) !== true,
  );
  const pool = random.pick(pools);
  const isHost = pool === 'host';
  return {
    release: random.chance(0.5) ? 'functions' : random.pick(releases),
    pool,
    clients: pool === 'url' ? 10 : random.integer(2, 4),
    callers: isHost ? random.integer(20, 28) : 0,
    run: isHost && random.chance(0.6) ? 'again' : random.chance(0.15) ? 'migrate' : 'start',
    way: random.chance(0.4) ? 'proxy' : 'direct',
    startsAfterMs: random.chance(0.6) ? 0 : random.integer(0, 1_000),
  };
}

/** The plan as lines for people. */
export function describePlan({ base, delayMs, replicas, faults }: RoundPlan): readonly string[] {
  return [
    `on ${base}, proxy delay ${delayMs} ms`,
    ...replicas.map((replica, index) => `replica ${index}: ${describeReplica(replica)}`),
    ...faults.map(({ kind, moment, lagMs, afterMs, lastsMs, target }) => {
      const when = moment === undefined ? `after ${afterMs} ms` : `${lagMs} ms after ${moment}`;
      return `${kind} ${when}, of replica ${target}, for ${lastsMs} ms`;
    }),
  ];
}

function describeReplica(replica: ReplicaPlan): string {
  const { release, pool, clients, callers, run, way, startsAfterMs } = replica;
  const busy = callers === 0 ? '' : ` with ${callers} callers`;
  return `${release}, ${run}, ${pool} pool of ${clients}${busy}, ${way}, after ${startsAfterMs} ms`;
}
