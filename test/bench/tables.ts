import type { BenchResult } from './bench.ts';
import { filesPerPlugin } from './generated-plugins.ts';
import type { Sample } from './measure.ts';
import type { OrchestrationCase, OrchestrationResult } from './orchestration.ts';
import type { VersusResult } from './versus.ts';

/** The figures for people: what was measured, on what, and what each row means. */
export function renderTables({ machine, plugins, orchestration, versus }: BenchResult): string {
  const { cores, processor, node, postgres, loadBefore } = machine;
  const facts = `${cores} cores (${processor}) · Node ${node} · PostgreSQL ${postgres} · load before ${loadBefore.toFixed(1)}`;
  return [
    facts,
    'All times are medians, with the lowest and the highest run in brackets.',
    ...(orchestration ? ['', ...orchestrationTable(orchestration)] : []),
    ...(versus.length > 0 ? ['', ...versusTable(versus, plugins)] : []),
  ].join('\n');
}

function versusTable(results: readonly VersusResult[], plugins: number): readonly string[] {
  const [first] = results;
  const rows = results.map(({ boot, line, roundTripMs, slipway, twoPass, ratio }) => [
    `${boot} boot, ${line}`,
    `${roundTripMs.toFixed(2)} ms`,
    range(slipway),
    range(twoPass),
    `${ratio.toFixed(1)} ×`,
    `${slipway.runs}`,
  ]);
  return [
    `Boot of ${plugins} plugins in layers, ${filesPerPlugin} migration files each`,
    ...table([['', 'round trip', 'Slipway', 'two-pass', 'ratio', 'runs'], ...rows]),
    '  no-op      every migration was applied before: any restart',
    '  fresh      an empty database: the first start ever',
    '  direct     the server on this machine; slow link: 0.5 ms longer each way, carried by a process of its own',
    '  Slipway    createBoot({ pool, plugins }).start() with every default, on a pool without connections',
    "  two-pass   plugin after plugin Drizzle's migrate() on a pinned client, then every init; on such a pool, too",
    '  ratio      two-pass : Slipway, how many times as long it takes',
  ].filter(() => first !== undefined);
}

function orchestrationTable({ first, cases }: OrchestrationResult): readonly string[] {
  const byShape = Map.groupBy(cases, ({ shape }) => shape);
  const sizes = [...new Set(cases.map(({ plugins }) => plugins))];
  const header = ['', ...sizes.map(String), 'µs a plugin', 'growth', 'way down'];
  const rows = [...byShape].map(([shape, ofShape]) => [
    shape,
    ...ofShape.map(({ start }) => range(start)),
    ofShape.map(({ start, plugins }) => perPlugin(start, plugins)).join(' / '),
    growth(ofShape, 'start'),
    `${ofShape.map(({ stop, plugins }) => perPlugin(stop, plugins)).join(' / ')}, ${growth(ofShape, 'stop')}`,
  ]);
  return [
    'Slipway by itself: boots of plugins that take no time, without a database',
    ...table([header, ...rows]),
  ];
}
