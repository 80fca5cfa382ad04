import type { BenchResult } from './bench.ts';
import { range, type Table } from './columns.ts';
import type { QueriesCase, QueriesLine, QuerySample } from './queries.ts';
import { wayNames, workNames, type WayName, type WorkName } from './query-ways.ts';

const ways: Readonly<Record<WayName, string>> = {
  qualified: 'schema in each query',
  slipway: 'Slipway',
  transactionEach: 'a transaction each',
};

const works: Readonly<Record<WorkName, string>> = {
  select: 'A select by primary key',
  insert: 'An insert that returns its row',
  transaction: 'A transaction of three statements',
};

/** The tables of a plugin's queries. */
export function queryTables({ queries }: BenchResult): readonly Table[] {
  if (!queries) return [];
  const { direct, slowLink } = queries;
  const tables = workNames.flatMap((work) => [
    lineTable(`${works[work]}, on a direct connection`, work, direct),
    lineTable(`${works[work]}, over a slow link`, work, slowLink),
  ]);
  const [near, far] = [direct, slowLink].map(({ roundTripMs }) => `${roundTripMs.toFixed(2)} ms`);
  // Once, below the last of them.
  return tables.map((table, index) => ({
    ...table,
    notes: index === tables.length - 1 ? notesOf(near, far) : [],
  }));
}

function notesOf(near = '', far = ''): Table['notes'] {
  return [
    [ways.qualified, 'Drizzle on the plain pool, with pgSchema(): the limit'],
    [ways.slipway, 'createScopedDatabase()'],
    [ways.transactionEach, 'BEGIN, SET LOCAL search_path, the query, COMMIT, as Checkstack does'],
    ['latency', 'the median of a run, with the wait for a client in it'],
    ['growth', 'as many times as many a second as with 1 in flight'],
    ['time', 'how many times as long it takes as the limit in the same round'],
    ['CPU', 'for one query, in microseconds: the mean of all runs'],
    ['slow link', `a round trip takes ${far}, and ${near} without it`],
  ];
}

function lineTable(title: string, work: WorkName, { cases }: QueriesLine): Omit<Table, 'notes'> {
  const ofWork = cases.filter((each) => each.work === work);
  const alone = ofWork.find(({ inFlight }) => inFlight === 1);
  const hasServerCpu = alone?.ways.qualified?.serverCpuMs !== undefined;
  const header = [
    'way',
    'in flight',
    'clients',
    'latency',
    'a second',
    'growth',
    'time',
    'client CPU',
    ...(hasServerCpu ? ['server CPU'] : []),
  ];
  const rows = ofWork.flatMap((each) => caseRows(each, alone));
  return { title, rows: [header, ...rows] };
}

function caseRows(
  { ways: samples, inFlight, clients }: QueriesCase,
  alone: QueriesCase | undefined,
): readonly (readonly string[])[] {
  return wayNames.flatMap((name) => {
    const sample = samples[name];
    if (!sample) return [];
    const { latency, perSecond, clientCpuMs, serverCpuMs } = sample;
    const perSecondAlone = alone?.ways[name]?.perSecond ?? Number.NaN;
    return [
      [
        ways[name],
        String(inFlight),
        inFlight === 1 ? '1' : String(clients),
        range(latency),
        perSecond.toFixed(0),
        inFlight === 1 ? '' : `${(perSecond / perSecondAlone).toFixed(1)} ×`,
        name === 'qualified' ? '1 ×' : describeRatio(sample),
        microseconds(clientCpuMs),
        ...(serverCpuMs === undefined ? [] : [microseconds(serverCpuMs)]),
      ],
    ];
  });
}

/** `1.07 × (1.02 … 1.15)` */
function describeRatio({ ratio }: QuerySample): string {
  const [median, low, high] = [ratio.medianMs, ratio.lowMs, ratio.highMs].map((value) =>
    value.toFixed(2),
  );
  return `${median} × (${low} … ${high})`;
}

function microseconds(ms: number): string {
  return `${(ms * 1_000).toFixed(0)} µs`;
}
