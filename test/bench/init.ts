import { Pool } from 'pg';
import { createBoot, type Plugin } from 'slipway';
import { withDatabase } from './fresh-database.ts';
import {
  generateFiles,
  migrationsOf,
  withMigratingPlugins,
  zeroTimePlugins,
} from './generated-plugins.ts';
import {
  findCriticalMs,
  generateGraph,
  sumDelays,
  toPlugins,
  type GraphShape,
  type InitGraph,
} from './init-graphs.ts';
import { collectInTurn, sampleOf, type Rounds, type Sample } from './measure.ts';

/** How much is measured. */
export interface InitExtent {
  readonly graphs: readonly (readonly [shape: GraphShape, plugins: number])[];
  /** Sizes of boots of plugins that do nothing. */
  readonly sizes: readonly number[];
}

/** The wall time of initAll for one random graph. A sample is a ratio, not ms. */
export interface InitGraphResult {
  readonly shape: GraphShape;
  readonly plugins: number;
  /** Whether the plugins have migrations, all applied. */
  readonly migrated: boolean;
  readonly criticalMs: number;
  readonly sumMs: number;
  /** With a slot for each plugin, over the critical path. */
  readonly wide: Sample;
  /** The same inits with promises alone, over the critical path: what timers and the machine allow at this moment. */
  readonly promises: Sample;
  /** With eight slots, over the larger one of the critical path and an eighth of the sum. */
  readonly eight: Sample;
  /** One init after another, over the critical path, measured once. */
  readonly sequential: number;
}

/** What boots of plugins that do nothing take. */
export interface InitSizeResult {
  readonly plugins: number;
  readonly boot: Sample;
  readonly initAll: Sample;
}

export interface InitResult {
  readonly graphs: readonly InitGraphResult[];
  readonly sizes: readonly InitSizeResult[];
}

/** As `init.concurrency` is by default. */
const slots = 8;

/** Measures how near the time of initAll comes to the critical path, and what a plugin costs in large boots. */
export async function measureInit(
  adminUrl: string,
  { graphs, sizes }: InitExtent,
  rounds: Rounds,
): Promise<InitResult> {
  const results: InitGraphResult[] = [];
  for (const [shape, count] of graphs) {
    const graph = generateGraph(shape, count, `${shape} ${count}`);
    results.push(await measureGraph(adminUrl, graph, rounds));
    results.push(
      await withFolders(count, (folders) => measureGraph(adminUrl, graph, rounds, folders)),
    );
  }
  return { graphs: results, sizes: await measureSizes(adminUrl, sizes, rounds) };
}

/** Writes a folder with one file for each plugin. */
function withFolders<Result>(
  count: number,
  use: (folders: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const one = generateFiles(1);
  return withMigratingPlugins(count, 'none', (plugins) => use(plugins.map(migrationsOf)), one);
}

async function measureGraph(
  adminUrl: string,
  graph: InitGraph,
  rounds: Rounds,
  folders?: readonly string[],
): Promise<InitGraphResult> {
  const plugins = toPlugins(graph, folders);
  const [criticalMs, sumMs] = [findCriticalMs(graph), sumDelays(graph)];
  return withDatabase(adminUrl, async (database) => {
    const pool = database.pool();
    if (folders) await createBoot({ pool, plugins }).migrate();
    const ways = {
      wide: async () => (await bootOnce(pool, plugins, plugins.length)).initAllMs / criticalMs,
      promises: async () => (await initByPromises(graph, plugins)) / criticalMs,
      eight: async () =>
        (await bootOnce(pool, plugins, slots)).initAllMs / Math.max(criticalMs, sumMs / slots),
    };
    const names = Object.keys(ways) as (keyof typeof ways)[];
    const ratios = await collectInTurn(names, (name) => ways[name](), rounds);
    return {
      shape: graph.shape,
      plugins: plugins.length,
      migrated: folders !== undefined,
      criticalMs,
      sumMs,
      wide: sampleOf(ratios.wide),
      promises: sampleOf(ratios.promises),
      eight: sampleOf(ratios.eight),
      sequential: (await initOneByOne(plugins)) / criticalMs,
    };
  });
}

async function measureSizes(
  adminUrl: string,
  sizes: readonly number[],
  rounds: Rounds,
): Promise<readonly InitSizeResult[]> {
  const names = sizes.map(String);
  const pool = new Pool({ connectionString: adminUrl });
  try {
    const times = await collectInTurn(
      names,
      (name) => bootOnce(pool, zeroTimePlugins(Number(name), 'layers'), slots),
      rounds,
    );
    return names.map((name) => ({
      plugins: Number(name),
      boot: sampleOf((times[name] ?? []).map(({ bootMs }) => bootMs)),
      initAll: sampleOf((times[name] ?? []).map(({ initAllMs }) => initAllMs)),
    }));
  } finally {
    await pool.end();
  }
}

interface BootTimes {
  readonly bootMs: number;
  readonly initAllMs: number;
}

async function bootOnce(
  pool: Pool,
  plugins: readonly Plugin[],
  concurrency: number,
): Promise<BootTimes> {
  const startedAt = performance.now();
  const boot = createBoot({ pool, plugins, init: { concurrency } });
  let initAllMs = Number.NaN;
  boot.on('phase.finished', ({ phase, durationMs }) => {
    if (phase === 'initAll') initAllMs = durationMs;
  });
  await boot.start();
  const bootMs = performance.now() - startedAt;
  await boot.stop();
  return { bootMs, initAllMs };
}

/** Each init as soon as those that it needs have ended. */
async function initByPromises({ needs }: InitGraph, plugins: readonly Plugin[]): Promise<number> {
  const startedAt = performance.now();
  const inits: Promise<unknown>[] = [];
  for (const [index, plugin] of plugins.entries()) {
    const needed = (needs[index] ?? []).flatMap((each) => inits[each] ?? []);
    inits.push(initAfter(needed, plugin));
  }
  await Promise.all(inits);
  return performance.now() - startedAt;
}

async function initAfter(needed: readonly Promise<unknown>[], plugin: Plugin): Promise<void> {
  await Promise.all(needed);
  await plugin.init?.({});
}

/** In the order of the graph, as a loop over the plugins does it. */
async function initOneByOne(plugins: readonly Plugin[]): Promise<number> {
  const startedAt = performance.now();
  for (const plugin of plugins) await plugin.init?.({});
  return performance.now() - startedAt;
}
