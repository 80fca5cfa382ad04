import type { BenchResult } from './bench.ts';
import type { ClicksResult } from './clicks.ts';
import { milliseconds, range, renderMarkdown, renderText, type Table } from './columns.ts';
import { contenderTables } from './contender-tables.ts';
import type { DiscoveryResult } from './discovery.ts';
import { filesPerPlugin } from './generated-plugins.ts';
import { initTables } from './init-tables.ts';
import type { HelpResult } from './help.ts';
import type { Sample } from './measure.ts';
import { migrationTables } from './migration-tables.ts';
import type { OrchestrationResult } from './orchestration.ts';
import type { PackagesResult } from './packages.ts';
import { queryTables } from './query-tables.ts';
import type { TelemetryResult } from './telemetry.ts';
import type { VersusResult } from './versus.ts';

/** The figures for people: what was measured, on what, and what each row and column means. */
export function renderTables(result: BenchResult, format: 'text' | 'markdown'): string {
  const render = format === 'text' ? renderText : renderMarkdown;
  return [
    describeMachine(result),
    ...tablesOf(result).map((table) => render(table).join('\n')),
  ].join('\n\n');
}

/** What the figures come from, and how to read them. */
export function describeMachine({ machine }: BenchResult): string {
  const { cores, processor, node, postgres, fsync, load } = machine;
  return [
    `${cores} cores (${processor}), Node ${node}, PostgreSQL ${postgres} with fsync ${fsync}, load average ${load.toFixed(1)} at the start.`,
    'Each time is the median of its runs (lowest … highest).',
  ].join('\n');
}

function tablesOf(result: BenchResult): readonly Table[] {
  const { plugins, orchestration, discovery, versus, telemetry, help, packages, clicks } = result;
  const { migrators, orchestrators } = contenderTables(result);
  return [
    ...migrators,
    ...orchestrators,
    ...queryTables(result),
    ...initTables(result),
    ...(orchestration ? [orchestrationTable(orchestration)] : []),
    ...(discovery.length > 0 ? [discoveryTable(discovery)] : []),
    ...(versus.length > 0 ? [versusTable(versus, plugins)] : []),
    ...(telemetry ? [telemetryTable(telemetry)] : []),
    ...migrationTables(result),
    ...(help ? [helpTable(help)] : []),
    ...(packages ? [packagesTable(packages)] : []),
    ...(clicks ? [clicksTable(clicks)] : []),
  ];
}

function versusTable(results: readonly VersusResult[], plugins: number): Table {
  const header = ['boot', 'line', 'round trip', 'Slipway', 'two-pass', 'ratio', 'runs'];
  const rows = results.map(({ boot, line, roundTripMs, slipway, twoPass, ratio }) => [
    boot,
    line,
    `${roundTripMs.toFixed(2)} ms`,
    range(slipway),
    range(twoPass),
    `${ratio.toFixed(1)} ×`,
    `${slipway.runs}`,
  ]);
  return {
    title: `From nothing to ready: ${plugins} plugins in layers, ${filesPerPlugin} migration files each`,
    rows: [header, ...rows],
    notes: [
      ['no-op', 'every migration is applied already, as at any restart'],
      ['fresh', 'the database is empty, as at the first start'],
      [
        'direct',
        'the server on this machine; slow link: 0.5 ms longer each way, 1 ms the round trip',
      ],
      ['Slipway', 'createBoot({ pool, plugins }).start(), with every default'],
      [
        'two-pass',
        "plugin after plugin Drizzle's migrate() on a pinned client, then init after init",
      ],
      ['ratio', 'how many times as long the two-pass way takes'],
    ],
  };
}

function helpTable({ help, bare }: HelpResult): Table {
  const header = ['slipway --help', 'node -e 0', 'more'];
  const row = [range(help), range(bare), milliseconds(help.medianMs - bare.medianMs)];
  return { title: 'From the start of a process to its end', rows: [header, row], notes: [] };
}

function packagesTable({ bare, installed }: PackagesResult): Table {
  const header = ['installed', 'packages', 'on the disk', 'import', 'process'];
  const rows = installed.map(({ names, packages, bytes, process }) => [
    names,
    `${packages}`,
    `${(bytes / 1_000_000).toFixed(1)} MB`,
    milliseconds(process.medianMs - bare.medianMs),
    range(process),
  ]);
  return {
    title: 'What a package weighs',
    rows: [header, ...rows],
    notes: [
      ['packages', 'that npm installs, with what they need'],
      ['import', 'how much longer a process takes that imports them than one that imports nothing'],
      ['process', 'from its start to its end'],
    ],
  };
}

function telemetryTable(result: TelemetryResult): Table {
  const { plugins, alone, aloneAgain, channels, traced } = result;
  const header = ['plugins', 'no listener', 'once more', 'channels', 'traceBoot()'];
  const row = [`${plugins}`, ...[alone, aloneAgain, channels, traced].map(range)];
  return {
    title: 'Following a boot of plugins that do nothing',
    rows: [header, row],
    notes: [
      ['once more', 'the same again: what is between the two is noise'],
      ['channels', 'with a subscriber of every channel'],
      ['traceBoot()', 'with the API of OpenTelemetry, and no SDK'],
    ],
  };
}

function clicksTable({ plugins, events, ...answers }: ClicksResult): Table {
  const header = ['click on', 'answered in', 'nine of ten in', 'clicks'];
  const rows = [
    ['a row', answers.rows],
    ['a tab', answers.tabs],
    ['its view', answers.views],
  ] as const;
  return {
    title: `The inspector's page while ${plugins} plugins send ${events} events`,
    rows: [
      header,
      ...rows.map(([name, sample]) => [
        name,
        range(sample),
        milliseconds(sample.p90Ms),
        String(sample.runs),
      ]),
    ],
    notes: [
      [
        'a row, a tab',
        'from the click to the drawing that shows it as chosen, in steps of 8 ms; less than 16 ms is not counted',
      ],
      ['its view', 'from the click on the tab to the drawing that shows what is in it'],
    ],
  };
}

function discoveryTable(results: readonly DiscoveryResult[]): Table {
  const header = ['dependencies', 'discovery', 'in turn', 'at once', 'ratio'];
  const rows = results.map(({ dependencies, discovery, inTurn, atOnce }) => [
    String(dependencies),
    range(discovery),
    range(inTurn),
    range(atOnce),
    `${(discovery.medianMs / inTurn.medianMs).toFixed(1)} ×`,
  ]);
  return {
    title: 'Finding the one plugin among the dependencies of a host',
    rows: [header, ...rows],
    notes: [
      ['discovery', 'plan() of a boot that discovers; the import of the plugin is in it'],
      [
        'in turn',
        'reading and parsing the same package.json files, one after another; at once: all together',
      ],
      ['ratio', 'how many times as long discovery takes as reading in turn'],
    ],
  };
}

function orchestrationTable({ first, cases }: OrchestrationResult): Table {
  const header = [
    'shape',
    'plugins',
    'start',
    'µs/plugin',
    'growth',
    'stop',
    'µs/plugin',
    'growth',
  ];
  const rows = cases.map(({ shape, plugins, start, stop }, index) => {
    const before = cases[index - 1];
    const smaller = before?.shape === shape ? before : undefined;
    const columns = (sample: Sample, previous: Sample | undefined): readonly string[] => [
      range(sample),
      ((sample.medianMs * 1_000) / plugins).toFixed(0),
      previous ? `${(sample.medianMs / previous.medianMs).toFixed(1)} ×` : '',
    ];
    return [
      shape,
      String(plugins),
      ...columns(start, smaller?.start),
      ...columns(stop, smaller?.stop),
    ];
  });
  return {
    title: "Slipway's own time: plugins that do nothing, and no database",
    rows: [header, ...rows],
    notes: [
      [
        'none',
        'no plugin needs another; chain: each needs the one before; layers: each needs three of the layer below',
      ],
      ['start', 'from createBoot() to ready; stop: from there until everything is down'],
      [
        'growth',
        'against the row above: as many times as there are more plugins, if the cost is linear',
      ],
      [
        '',
        `The first boot of a process, whose code is not compiled yet: ${milliseconds(first.startMs)} for ${first.plugins} plugins.`,
      ],
    ],
  };
}
