import type { Pool } from 'pg';
import type { TestDatabase } from '../support/test-database.ts';
import { withDatabase } from './fresh-database.ts';
import { collectInTurn, sampleOf, type Rounds, type Sample } from './measure.ts';
import {
  createTables,
  itemCount,
  openWays,
  wayNames,
  workNames,
  type WayName,
  type Ways,
  type WorkName,
} from './query-ways.ts';
import { findServerCpu, type ServerCpu } from './server-cpu.ts';
import { laySlowLink } from './slow-link.ts';
import { measureRoundTrip } from './versus.ts';

/** The number of queries that are under way at any time, and the size of their pool. */
interface Traffic {
  readonly inFlight: number;
  readonly clients: number;
}

/** The figures of one way under one traffic. */
export interface QuerySample {
  /** The median of a run, from the call to the answer. The wait for a client is in it. */
  readonly latency: Sample;
  readonly perSecond: number;
  /** Its time divided by that of the limit: the median over the rounds, in each of which both ran. */
  readonly ratio: Sample;
  /** The means over all runs, for one query. */
  readonly clientCpuMs: number;
  /** Left out where the processes of the server cannot be seen. */
  readonly serverCpuMs: number | undefined;
}

export interface QueriesCase extends Traffic {
  readonly work: WorkName;
  readonly ways: Readonly<Partial<Record<WayName, QuerySample>>>;
}

/** The figures over one kind of line. */
export interface QueriesLine {
  /** The time of `select 1` over this line. */
  readonly roundTripMs: number;
  readonly cases: readonly QueriesCase[];
}

export interface QueriesResult {
  readonly direct: QueriesLine;
  readonly slowLink: QueriesLine;
}

/** The number of queries in a run, for each line. */
export type QueriesExtent = Readonly<Record<keyof QueriesResult, number>>;

/** The time that the slow link adds to every round trip, in ms. */
const addedMs = 1;

/** A query that is alone takes the same client again and again, however many the pool has. */
const traffics: readonly Traffic[] = [
  { inFlight: 1, clients: 4 },
  { inFlight: 50, clients: 4 },
  { inFlight: 50, clients: 10 },
];

/** Measures each way to query in turn, in this process, on the same connections. */
export async function measureQueries(
  adminUrl: string,
  extent: QueriesExtent,
  rounds: Rounds,
): Promise<QueriesResult> {
  const serverCpu = await findServerCpu(adminUrl);
  const link = await laySlowLink(adminUrl, addedMs);
  const measureLine = (lineUrl: string, queries: number): Promise<QueriesLine> =>
    withDatabase(adminUrl, async (database) => {
      await createTables(poolOf(database, lineUrl, 1));
      const cases: QueriesCase[] = [];
      for (const work of workNames) {
        for (const traffic of traffics) {
          const pool = poolOf(database, lineUrl, traffic.clients);
          const bench: Bench = { ways: openWays(pool), queries, serverCpu };
          cases.push(await measureCase(bench, work, traffic, rounds));
          await database.expectNoLeak();
        }
      }
      return { roundTripMs: await measureRoundTrip(lineUrl), cases };
    });
  try {
    return {
      direct: await measureLine(adminUrl, extent.direct),
      slowLink: await measureLine(link.url, extent.slowLink),
    };
  } finally {
    await link.close();
  }
}

/** Opens a pool that keeps its clients. Its commits do not wait for the disk, which would hide the cost of the ways. */
function poolOf(database: TestDatabase, lineUrl: string, max: number): Pool {
  const url = new URL(lineUrl);
  url.pathname = `/${database.name}`;
  const options = '-c synchronous_commit=off';
  return database.pool({ connectionString: url.href, max, idleTimeoutMillis: 0, options });
}

interface Bench {
  readonly ways: Ways;
  readonly queries: number;
  readonly serverCpu: ServerCpu | undefined;
}

async function measureCase(
  { ways, queries, serverCpu }: Bench,
  work: WorkName,
  traffic: Traffic,
  rounds: Rounds,
): Promise<QueriesCase> {
  const names = wayNames.filter((name) => ways[name][work]);
  const runOnce = async (name: WayName): Promise<QueriesRun> => {
    const send = ways[name][work];
    if (!send) throw new Error(`${name} has no ${work}`);
    return runQueries(send, queries, traffic.inFlight, serverCpu);
  };
  const runs = await collectInTurn(names, runOnce, rounds);
  const samples = names.map((name) => [name, summarize(runs[name], runs.qualified, queries)]);
  return { work, ...traffic, ways: Object.fromEntries(samples) as QueriesCase['ways'] };
}

/** The time that all queries of a run have taken. */
interface QueriesRun {
  readonly ms: number;
  readonly latencyMs: number;
  readonly clientCpuMs: number;
  readonly serverCpuMs: number | undefined;
}

/** Keeps `inFlight` queries under way until all are answered. */
async function runQueries(
  send: (id: number) => Promise<void>,
  queries: number,
  inFlight: number,
  serverCpu: ServerCpu | undefined,
): Promise<QueriesRun> {
  const latencies: number[] = [];
  let sent = 0;
  const sendInTurn = async (): Promise<void> => {
    while (sent < queries) {
      const id = (sent % itemCount) + 1;
      sent += 1;
      const sentAt = performance.now();
      await send(id);
      latencies.push(performance.now() - sentAt);
    }
  };
  const serverBeforeMs = serverCpu?.();
  const clientBefore = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, sendInTurn));
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(clientBefore);
  const serverAfterMs = serverCpu?.();
  return {
    ms,
    latencyMs: sampleOf(latencies).medianMs,
    clientCpuMs: (user + system) / 1_000,
    serverCpuMs:
      serverBeforeMs === undefined || serverAfterMs === undefined
        ? undefined
        : serverAfterMs - serverBeforeMs,
  };
}

function summarize(
  runs: readonly QueriesRun[],
  limit: readonly QueriesRun[],
  queries: number,
): QuerySample {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length / queries;
  const serverCpuMs = runs.flatMap((run) => run.serverCpuMs ?? []);
  return {
    latency: sampleOf(runs.map(({ latencyMs }) => latencyMs)),
    perSecond: (queries * 1_000) / sampleOf(runs.map(({ ms }) => ms)).medianMs,
    ratio: sampleOf(runs.map(({ ms }, round) => ms / (limit[round]?.ms ?? Number.NaN))),
    clientCpuMs: mean(runs.map((run) => run.clientCpuMs)),
    serverCpuMs: serverCpuMs.length > 0 ? mean(serverCpuMs) : undefined,
  };
}
