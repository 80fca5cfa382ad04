import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresServer } from 'slipway/testing';
import { startProxy } from '../support/proxy.ts';
import { TestDatabase } from '../support/test-database.ts';
import { faults, type Scene } from './faults.ts';
import { bootClean, compareStock, findLeftovers, heal, takeStock, type Stock } from './oracle.ts';
import { endsWithinMs, settlesWithinMs } from './replica-order.ts';
import { judgeReplica, startReplica, type Replica } from './replica.ts';
import type { FaultPlan, RoundPlan } from './round-plan.ts';

/** What all rounds of a run share. */
export interface World {
  readonly server: PostgresServer;
  /** The program of the replicas. */
  readonly program: string;
  /** Where the releases have been written to. */
  readonly folder: string;
  /** What a database holds that nothing has gone wrong in. */
  readonly expected: Stock;
}

/** What came of a round. */
export interface RoundResult {
  /** How each fault and each replica went, for people. */
  readonly story: readonly string[];
  /** Everything that is not as it should be. */
  readonly deviations: readonly string[];
}

/**
 * Does what the plan says to a database of its own: lets the replicas boot among the faults, waits until they have settled and
 * ended, heals the database with a clean boot, and compares it with the one that it should be.
 */
export async function runRound(world: World, plan: RoundPlan): Promise<RoundResult> {
  const database = new TestDatabase(world.server.url);
  await database.create();
  try {
    if (plan.base !== 'nothing') await bootClean(database.url, world.folder, plan.base);
    const played = await play(world, plan, database.url);
    const found = await examine(world, database);
    return { story: played.story, deviations: [...played.deviations, ...found] };
  } finally {
    await database.drop();
  }
}

/** Runs the replicas and the faults to their ends. Every process has ended afterwards, in good order or not. */
async function play(
  { server, program, folder }: World,
  { delayMs, replicas: replicaPlans, faults: faultPlans }: RoundPlan,
  url: string,
): Promise<RoundResult> {
  const story: string[] = [];
  const deviations: string[] = [];
  await using proxy = await startProxy(url, { delay: 2 * delayMs });
  const replicas: Replica[] = [];
  const events = new EventEmitter().setMaxListeners(0);
  const tellDown = (): void => void events.emit('server.down');
  const scene: Scene = { server, url, proxy, replicas, tellDown };

  const starts = replicaPlans.map(async (plan, index) => {
    await pause(plan.startsAfterMs);
    const order = { plan, folder, url: plan.way === 'proxy' ? proxy.url : url };
    const name = `replica ${index} (${plan.release}, ${plan.pool} pool)`;
    replicas[index] = startReplica(program, name, order, (event) => events.emit(event));
  });
  const firstUp = once(events, 'up');
  const strikes = faultPlans.map(async (plan) => {
    await firstUp;
    await untilDue(plan, events);
    const isHit = await faults[plan.kind](scene, plan);
    story.push(`${plan.kind} ${isHit ? 'struck' : 'missed'}`);
  });
  try {
    await Promise.all(starts);
    for (const strike of await Promise.allSettled(strikes)) {
      if (strike.status === 'rejected') deviations.push(`A fault failed: ${String(strike.reason)}`);
    }
    for (const end of await Promise.all(replicas.map(endReplica))) {
      story.push(end.told);
      deviations.push(...end.deviations);
    }
  } finally {
    for (const replica of replicas) replica.signal('SIGKILL');
    await Promise.all(replicas.map(({ ended }) => ended));
  }
  return { story, deviations };
}

/** Waits until the moment at which a fault is to strike. */
async function untilDue(
  { moment, lagMs, afterMs }: FaultPlan,
  events: EventEmitter,
): Promise<void> {
  const isOver = new AbortController();
  const { signal } = isOver;
  const late = moment === undefined ? 0 : momentWithinMs;
  const due: Promise<unknown>[] = [pause(afterMs + late, undefined, { signal })];
  if (moment !== undefined) due.push(once(events, moment, { signal }));
  await Promise.race(due);
  isOver.abort();
  await Promise.allSettled(due);
  if (lagMs > 0) await pause(lagMs);
}

/** Some moments never come: a boot that has nothing to migrate sends no `plugin.migrate.executing`. */
const momentWithinMs = 3_000;

/** Waits until a replica has settled, has it end, and judges how it did. It is killed when it does not. */
async function endReplica(
  replica: Replica,
): Promise<{ readonly told: string; readonly deviations: readonly string[] }> {
  const deviations: string[] = [];
  if (!(await isWithin(settlesWithinMs, replica.settled))) {
    deviations.push(
      `${replica.name} had not settled ${settlesWithinMs} ms after the last fault: ${replica.lastEvent}`,
    );
  }
  replica.tell({ word: 'end', ms: 0 });
  if (!(await isWithin(endsWithinMs, replica.ended))) {
    deviations.push(
      `${replica.name} had not ended ${endsWithinMs} ms after it was told to: ${replica.lastEvent}`,
    );
    replica.signal('SIGKILL');
  }
  const exit = await replica.ended;
  deviations.push(...judgeReplica(replica, exit));
  const boots = replica.settlements.map(
    ({ outcome, failures }) => `${outcome}${failures[0] ? ` ${failures[0].code}` : ''}`,
  );
  const told = `${replica.name}: ${boots.join(', ') || 'no boot'}, ended with ${exit.signal ?? exit.code}`;
  return { told, deviations };
}

async function isWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const isOver = new AbortController();
  const late = pause(ms, false, { signal: isOver.signal }).catch(() => false);
  const isDone = await Promise.race([work.then(() => true), late]);
  isOver.abort();
  return isDone;
}

/** Heals the database, and tells what is wrong with it all the same. */
async function examine(
  { server, folder, expected }: World,
  database: TestDatabase,
): Promise<readonly string[]> {
  const leftovers = await findLeftovers(server.url, database.url, database.name);
  try {
    await heal(database.url, folder);
  } catch (error) {
    const [cause] = error instanceof Error ? [error.cause] : [];
    return [...leftovers, `A clean boot failed: ${String(error)}; ${String(cause)}`];
  }
  const differences = compareStock(await takeStock(database.url), expected);
  const left = await findLeftovers(server.url, database.url, database.name);
  return [...leftovers, ...differences, ...left];
}
