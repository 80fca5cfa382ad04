import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from 'slipway/testing';
import { TestDatabase } from '../support/test-database.ts';
import { compileReplicaProgram } from './compile-program.ts';
import { heal, takeStock, writeReleases, type Stock } from './oracle.ts';
import { runRound, type World } from './round.ts';
import { describePlan, planRound, type Spared } from './round-plan.ts';

/** What a run does. */
export interface ChaosOrder {
  readonly seed: number;
  /** The numbers of its rounds, in their order; it ends with them, or when its time is up. */
  readonly rounds: Iterable<number>;
  readonly minutes?: number;
  readonly spared?: Spared;
  /** Whether replicas also add and remove plugins while they are up. */
  readonly grows?: boolean;
  readonly write?: (line: string) => void;
}

/** What came of it. */
export interface ChaosResult {
  readonly rounds: number;
  readonly replicas: number;
  readonly faults: number;
  /** Each with the seed and the round that lead to it again. */
  readonly deviations: readonly string[];
}

/**
 * Runs rounds of replicas and faults on a PostgreSQL server of its own, and compares what each leaves with what a clean boot
 * makes. Every choice follows from the seed and the number of the round; only the timing is the machine's.
 */
export async function runChaos(order: ChaosOrder): Promise<ChaosResult> {
  const { seed, rounds, minutes = Infinity, spared = {}, grows = false } = order;
  const { write = () => undefined } = order;
  const deadline = performance.now() + minutes * 60_000;
  const compiled = await compileReplicaProgram();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-chaos-'));
  // Few connections, so that the server is full now and then without any fault.
  await using server = await startPostgres({ from: 'local', settings: { max_connections: 60 } });
  const total = { rounds: 0, replicas: 0, faults: 0 };
  const deviations: string[] = [];
  try {
    await writeReleases(folder);
    const expected = await makeExpected(server.url, folder);
    const world: World = { server, program: compiled.program, folder, expected };
    for (const round of rounds) {
      if (performance.now() >= deadline) break;
      const plan = planRound(seed, round, spared, grows);
      write(`round ${round} of seed ${seed}`);
      for (const line of describePlan(plan)) write(`  ${line}`);
      const startedAt = performance.now();
      const result = await runRound(world, plan);
      for (const line of result.story) write(`    ${line}`);
      for (const line of result.deviations) write(`  DEVIATION ${line}`);
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
      write(`  ${result.deviations.length === 0 ? 'clean' : 'deviates'}, ${seconds} s`);
      total.rounds += 1;
      total.replicas += plan.replicas.length;
      total.faults += plan.faults.length;
      deviations.push(...result.deviations.map((line) => `seed ${seed}, round ${round}: ${line}`));
    }
    return { ...total, deviations };
  } finally {
    for (const made of [folder, compiled.folder]) await rm(made, { recursive: true, force: true });
  }
}

async function makeExpected(adminUrl: string, folder: string): Promise<Stock> {
  const database = new TestDatabase(adminUrl);
  await database.create();
  try {
    await heal(database.url, folder);
    return await takeStock(database.url);
  } finally {
    await database.drop();
  }
}
