import { availableParallelism, cpus, loadavg } from 'node:os';
import { withClient } from '../support/leaks.ts';
import { measureClicks, type ClicksExtent, type ClicksResult } from './clicks.ts';
import { measureDiscovery, type DiscoveryResult } from './discovery.ts';
import { withMigratingPlugins } from './generated-plugins.ts';
import { measureGuard, type GuardResult } from './guard.ts';
import { measureHelp, type HelpResult } from './help.ts';
import { measureInit, type InitExtent, type InitResult } from './init.ts';
import { measureInstall, type InstallResult } from './install.ts';
import type { Rounds } from './measure.ts';
import { measureMigrators, type MigratorsResult, type Situation } from './migrators.ts';
import { measureOrchestration, type OrchestrationResult } from './orchestration.ts';
import { measureOrchestrators, type OrchestratorsResult } from './orchestrators.ts';
import { measurePackages, rivals, type PackagesResult } from './packages.ts';
import { measureQueries, type QueriesExtent, type QueriesResult } from './queries.ts';
import { measureReader, type ReaderResult } from './reader.ts';
import { measureRecording, type RecordingResult } from './recording.ts';
import { measureSurvey, type SurveyResult } from './survey.ts';
import { measureTelemetry, type TelemetryResult } from './telemetry.ts';
import { countUpgradeStatements, type UpgradeResult } from './upgrade.ts';
import { measureTenants, type TenantsResult } from './tenants.ts';
import { measureVersus, type VersusResult } from './versus.ts';

export const parts = [
  'migrators',
  'orchestrators',
  'queries',
  'init',
  'orchestration',
  'discovery',
  'noop',
  'fresh',
  'install',
  'survey',
  'upgrade',
  'tenants',
  'guard',
  'reader',
  'recording',
  'help',
  'packages',
  'telemetry',
  'clicks',
] as const;
export type Part = (typeof parts)[number];

export function isPart(name: string): name is Part {
  return parts.some((part) => part === name);
}

/** Where the figures come from. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly node: string;
  readonly postgres: string;
  /** Whether a commit waits for the disk. */
  readonly fsync: string;
  /** Average of the last minute, before the bench: how busy others kept the machine. */
  readonly load: number;
}

/** The figures of a run; what was not asked for is left out. */
export interface BenchResult {
  readonly machine: Machine;
  /** How many plugins the boots with migrations have. */
  readonly plugins: number;
  readonly migrators: readonly MigratorsResult[];
  readonly orchestrators?: OrchestratorsResult;
  readonly queries?: QueriesResult;
  readonly init?: InitResult;
  readonly orchestration?: OrchestrationResult;
  readonly discovery: readonly DiscoveryResult[];
  readonly versus: readonly VersusResult[];
  readonly install?: InstallResult;
  readonly survey: readonly SurveyResult[];
  readonly upgrade?: UpgradeResult;
  readonly tenants?: TenantsResult;
  readonly guard?: GuardResult;
  readonly reader?: ReaderResult;
  readonly recording: readonly RecordingResult[];
  readonly help?: HelpResult;
  readonly packages?: PackagesResult;
  readonly telemetry?: TelemetryResult;
  readonly clicks?: ClicksResult | undefined;
}

export interface BenchOptions {
  /** Connection string of a user who may create databases. */
  readonly adminUrl: string;
  readonly only: readonly Part[];
  /** Runs everything once and small, to see that it works: the figures mean nothing. */
  readonly quick: boolean;
  /** Installs Backstage's package, if it is not there yet, to measure it as well. */
  readonly installBackstage: boolean;
}

/** How much of everything. */
interface Extent {
  /** What the databases have that each contender migrates. */
  readonly situations: readonly Situation[];
  readonly plugins: number;
  readonly sizes: readonly number[];
  /** How many dependencies the host of the discovery has. */
  readonly dependencies: readonly number[];
  /** How many plugins are installed with all the files of some years. */
  readonly installed: number;
  /** How many plugins the boots have that are recorded. */
  readonly recorded: readonly number[];
  /** How many relations the catalog has beside the plugins'. */
  readonly relations: number;
  readonly queries: QueriesExtent;
  readonly init: InitExtent;
  /** The boot whose page is clicked. */
  readonly clicked: ClicksExtent;
  /** How many tenants a plugin has. */
  readonly tenants: number;
  /** The packages that are installed. */
  readonly packages: Parameters<typeof measurePackages>[0];
  /** How long a reader holds a table, in ms. */
  readonly heldMs: number;
  readonly rounds: Readonly<Record<Exclude<Part, 'upgrade' | 'reader' | 'clicks'>, Rounds>>;
}

const full: Extent = {
  situations: [
    { name: 'fresh', plugins: 22, files: 7 },
    { name: 'nothing to do', plugins: 100, files: 3 },
    { name: 'upgrade', plugins: 100, files: 3 },
    { name: 'nothing to do', plugins: 1, files: 300 },
  ],
  plugins: 100,
  sizes: [10, 100, 1_000],
  dependencies: [100, 500],
  installed: 22,
  recorded: [100, 1_000],
  relations: 40_000,
  queries: { direct: 500, slowLink: 100 },
  init: {
    graphs: [
      ['layers', 50],
      ['tree', 20],
      ['dense', 60],
      ['fan', 100],
      ['lines', 100],
    ],
    sizes: [100, 1_000, 5_000],
  },
  clicked: { plugins: 300, statements: 48 },
  tenants: 1_000,
  packages: rivals,
  heldMs: 5_000,
  rounds: {
    migrators: { rounds: 9, warmUps: 1 },
    orchestrators: { rounds: 9, warmUps: 1 },
    queries: { rounds: 11, warmUps: 2 },
    init: { rounds: 3, warmUps: 1 },
    orchestration: { rounds: 5, warmUps: 1 },
    discovery: { rounds: 9, warmUps: 1 },
    noop: { rounds: 7, warmUps: 1 },
    fresh: { rounds: 3, warmUps: 0 },
    install: { rounds: 5, warmUps: 1 },
    survey: { rounds: 5, warmUps: 1 },
    tenants: { rounds: 3, warmUps: 1 },
    guard: { rounds: 3, warmUps: 1 },
    recording: { rounds: 45, warmUps: 5 },
    help: { rounds: 15, warmUps: 2 },
    packages: { rounds: 15, warmUps: 2 },
    telemetry: { rounds: 45, warmUps: 5 },
  },
};

const once: Rounds = { rounds: 1, warmUps: 0 };
const small: Extent = {
  situations: [
    { name: 'fresh', plugins: 2, files: 4 },
    { name: 'upgrade', plugins: 2, files: 3 },
  ],
  plugins: 10,
  sizes: [10, 20],
  dependencies: [10],
  installed: 3,
  recorded: [10],
  relations: 500,
  queries: { direct: 20, slowLink: 20 },
  init: { graphs: [['tree', 5]], sizes: [10, 20] },
  clicked: { plugins: 30, statements: 20 },
  tenants: 10,
  packages: [['slipway', 'pg']],
  heldMs: 400,
  rounds: {
    migrators: once,
    orchestrators: once,
    queries: once,
    init: once,
    orchestration: once,
    discovery: once,
    noop: once,
    fresh: once,
    install: once,
    survey: once,
    tenants: once,
    guard: once,
    recording: once,
    help: once,
    packages: once,
    telemetry: once,
  },
};

/** Runs the parts that are asked for. */
export async function runBench({
  adminUrl,
  only,
  quick,
  installBackstage,
}: BenchOptions): Promise<BenchResult> {
  const extent = quick ? small : full;
  const { plugins: count, sizes, dependencies, recorded, rounds } = extent;
  const ifAsked = async <Name extends Part, Result>(
    part: Name,
    measure: () => Promise<Result>,
  ): Promise<Partial<Record<Name, Result>>> =>
    only.includes(part) ? ({ [part]: await measure() } as Record<Name, Result>) : {};
  const machine = await describeMachine(adminUrl);
  // Before the others, so that its first boot is the first of this process.
  const orchestration = only.includes('orchestration')
    ? await measureOrchestration(sizes, rounds.orchestration)
    : undefined;
  const discovery: DiscoveryResult[] = [];
  for (const number of only.includes('discovery') ? dependencies : []) {
    discovery.push(await measureDiscovery(number, rounds.discovery));
  }
  const versus = await withMigratingPlugins(count, 'layers', async (plugins) => {
    const common = { adminUrl, plugins };
    return [
      ...(only.includes('noop') ? await measureVersus('no-op', common, rounds.noop) : []),
      ...(only.includes('fresh') ? await measureVersus('fresh', common, rounds.fresh) : []),
    ];
  });
  const survey: SurveyResult[] = [];
  for (const size of only.includes('survey') ? sizes : []) {
    survey.push(await measureSurvey(adminUrl, size, rounds.survey));
  }
  const recording: RecordingResult[] = [];
  for (const size of only.includes('recording') ? recorded : []) {
    recording.push(await measureRecording(adminUrl, size, rounds.recording));
  }
  return {
    machine,
    plugins: count,
    migrators: only.includes('migrators')
      ? await measureMigrators(adminUrl, extent.situations, rounds.migrators)
      : [],
    ...(await ifAsked('orchestrators', () =>
      measureOrchestrators({ sizes, rounds: rounds.orchestrators, installBackstage }),
    )),
    ...(await ifAsked('queries', () => measureQueries(adminUrl, extent.queries, rounds.queries))),
    ...(await ifAsked('init', () => measureInit(adminUrl, extent.init, rounds.init))),
    ...(orchestration ? { orchestration } : {}),
    discovery,
    versus,
    ...(await ifAsked('install', () => measureInstall(adminUrl, extent.installed, rounds.install))),
    survey,
    ...(await ifAsked('upgrade', () => countUpgradeStatements(adminUrl, count))),
    ...(await ifAsked('tenants', () => measureTenants(adminUrl, extent.tenants, rounds.tenants))),
    ...(await ifAsked('guard', () => measureGuard(adminUrl, extent.relations, rounds.guard))),
    ...(await ifAsked('reader', () => measureReader(adminUrl, extent.heldMs))),
    recording,
    ...(await ifAsked('help', () => measureHelp(rounds.help))),
    ...(await ifAsked('packages', () => measurePackages(extent.packages, rounds.packages))),
    ...(await ifAsked('telemetry', () => measureTelemetry(count, rounds.telemetry))),
    ...(await ifAsked('clicks', () => measureClicks(adminUrl, extent.clicked))),
  };
}

async function describeMachine(adminUrl: string): Promise<Machine> {
  const { rows } = await withClient(adminUrl, (client) =>
    client.query<{ version: string; fsync: string }>(
      "select current_setting('server_version') as version, current_setting('fsync') as fsync",
    ),
  );
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    node: process.version,
    postgres: rows[0]?.version ?? 'unknown',
    fsync: rows[0]?.fsync ?? 'unknown',
    load: loadavg()[0] ?? 0,
  };
}
