import type { BenchResult } from './bench.ts';
import type { ColdSample } from './cold-process.ts';
import { digits, milliseconds, range, times, type Table } from './columns.ts';
import type { MigratorName } from './contenders/migrators.ts';
import type { OrchestratorName } from './contenders/orchestrators.ts';
import type { MigratorsResult, Situation } from './migrators.ts';
import type { OrchestratorsResult } from './orchestrators.ts';

const migratorTitles: Readonly<Record<MigratorName, string>> = {
  slipway: 'Slipway',
  drizzle: 'Drizzle, one after another',
  drizzleAtOnce: 'Drizzle, at once',
  kysely: 'Kysely',
  nodePgMigrate: 'node-pg-migrate',
  sqlOn1: 'SQL alone, 1 connection',
  sqlOn4: 'SQL alone, 4 connections',
};

const orchestratorTitles: Readonly<Record<OrchestratorName, string>> = {
  slipway: 'Slipway',
  backstage: 'Backstage',
  avvio: 'avvio',
  loop: 'a loop',
};

/** The tables that compare Slipway with what people use otherwise. */
export function contenderTables({ migrators, orchestrators }: BenchResult): {
  readonly migrators: readonly Table[];
  readonly orchestrators: readonly Table[];
} {
  return {
    migrators: migrators.map((result, index) => ({
      ...migratorsTable(result),
      // Once, below the last of them.
      notes: index === migrators.length - 1 ? migratorsNotes(result) : [],
    })),
    orchestrators: orchestrators ? [orchestratorsTable(orchestrators)] : [],
  };
}

function migratorsTable(result: MigratorsResult): Omit<Table, 'notes'> {
  const { direct, slowLink } = result;
  const names = Object.keys(direct.contenders) as MigratorName[];
  const hasServerCpu = direct.contenders.slipway?.serverCpuMs !== undefined;
  const header = [
    'contender',
    'start to ready',
    'faster',
    'over a slow link',
    'faster',
    'imports',
    'the rest',
    'faster',
    'client CPU',
    ...(hasServerCpu ? ['server CPU'] : []),
  ];
  const rows = names.flatMap((name) => {
    const [near, far] = [direct.contenders[name], slowLink.contenders[name]];
    if (!near || !far) return [];
    return [
      [
        migratorTitles[name],
        range(near.ready),
        faster('ready', near, direct.contenders.drizzle),
        range(far.ready),
        faster('ready', far, slowLink.contenders.drizzle),
        milliseconds(near.imports.medianMs),
        milliseconds(near.boot.medianMs),
        faster('boot', near, direct.contenders.drizzle),
        milliseconds(near.clientCpuMs),
        ...(near.serverCpuMs === undefined ? [] : [milliseconds(near.serverCpuMs)]),
      ],
    ];
  });
  return { title: describe(result), rows: [header, ...rows] };
}

function migratorsNotes({ direct, slowLink }: MigratorsResult): Table['notes'] {
  const [near, far] = [direct, slowLink].map(({ roundTripMs }) => `${roundTripMs.toFixed(2)} ms`);
  return [
    ['start to ready', 'from the start of a new process until everything is migrated and ready'],
    ['faster', 'how many times as long Drizzle takes, one after another'],
    ['slow link', `a round trip takes ${far}, and ${near} without it`],
    [
      'imports',
      'the part for the packages of the contender; the rest: all after that; both direct',
    ],
    ['CPU', 'of the process until it is ready, and of the server for it: the mean of the runs'],
  ];
}

function describe({ name, plugins, files }: Situation): string {
  const amount =
    plugins === 1
      ? `one plugin with ${files} files`
      : `${plugins} plugins with ${files} files each`;
  const titles: Readonly<Record<Situation['name'], string>> = {
    fresh: `Fresh install: ${amount}`,
    'nothing to do': `Nothing to do: ${amount}, all applied`,
    upgrade: `Upgrade: ${amount}, and one file more for one of them`,
  };
  return titles[name];
}

function faster(part: 'ready' | 'boot', sample: ColdSample, drizzle?: ColdSample): string {
  return drizzle ? times(drizzle[part].medianMs / sample[part].medianMs) : '';
}

function orchestratorsTable({ cases, missing }: OrchestratorsResult): Table {
  const header = [
    'contender',
    'plugins',
    'start to ready',
    'imports',
    'the rest',
    'µs/plugin',
    'client CPU',
  ];
  const names = Object.keys(cases[0]?.contenders ?? {}) as OrchestratorName[];
  const rows = names.flatMap((name) =>
    cases.flatMap(({ plugins, contenders: { [name]: sample } }) => {
      if (!sample) return [];
      const { ready, imports, boot, clientCpuMs } = sample;
      return [
        [
          orchestratorTitles[name],
          String(plugins),
          range(ready),
          milliseconds(imports.medianMs),
          range(boot),
          digits((boot.medianMs * 1_000) / plugins),
          milliseconds(clientCpuMs),
        ],
      ];
    }),
  );
  return {
    title: 'Plugins that do nothing, and no database',
    rows: [header, ...rows],
    notes: [
      ['start to ready', 'from the start of a new process until every plugin is ready'],
      ['imports', 'the part of it for the packages of the contender; the rest: all after that'],
      ['µs/plugin', 'the rest, for each plugin; code that Node has never run before'],
      ...(missing === undefined ? [] : [['', `Backstage is left out: ${missing}`] as const]),
    ],
  };
}
