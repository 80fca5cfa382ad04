import type { BenchResult } from './bench.ts';
import { milliseconds, range, times, type Table } from './columns.ts';
import { graphShapes } from './init-graphs.ts';
import type { InitGraphResult, InitResult, InitSizeResult } from './init.ts';
import type { Sample } from './measure.ts';

/** The tables of the part `init`. */
export function initTables({ init }: BenchResult): readonly Table[] {
  return init ? [graphTable(init.graphs), sizeTable(init)] : [];
}

function graphTable(graphs: readonly InitGraphResult[]): Table {
  const header = [
    'graph',
    'plugins',
    'migrations',
    'critical path',
    'sum',
    'a slot for each',
    'promises alone',
    '8 slots',
    'one by one',
  ];
  const rows = graphs.map((each) => [
    each.shape,
    String(each.plugins),
    each.migrated ? 'applied' : 'none',
    milliseconds(each.criticalMs),
    milliseconds(each.sumMs),
    ratio(each.wide),
    ratio(each.promises),
    ratio(each.eight),
    times(each.sequential),
  ]);
  return {
    title: 'Random graphs of plugins whose init takes 5 to 50 ms: the time of initAll',
    rows: [header, ...rows],
    notes: [
      ...Object.entries(graphShapes),
      ['a slot for each', 'init.concurrency is the number of plugins; over the critical path'],
      [
        'promises alone',
        'the same inits without Slipway: the limit of this machine at this moment',
      ],
      ['8 slots', 'the default; over the larger one of the critical path and an eighth of the sum'],
      ['one by one', 'each init is awaited before the next; over the critical path'],
    ],
  };
}

function sizeTable({ sizes }: InitResult): Table {
  const header = ['plugins', 'start', 'ms/plugin', 'growth', 'initAll', 'ms/plugin', 'growth'];
  const rows = sizes.map((each, at) => {
    const smaller = sizes[at - 1];
    return [
      String(each.plugins),
      ...sizeColumns('boot', each, smaller),
      ...sizeColumns('initAll', each, smaller),
    ];
  });
  return {
    title: 'Plugins that do nothing, in ten layers: what a plugin costs',
    rows: [header, ...rows],
    notes: [['growth', 'the cost of a plugin, over that in the boot above; 1 is linear']],
  };
}

function sizeColumns(
  part: 'boot' | 'initAll',
  each: InitSizeResult,
  smaller: InitSizeResult | undefined,
): readonly string[] {
  const cost = each[part].medianMs / each.plugins;
  const before = smaller && smaller[part].medianMs / smaller.plugins;
  return [range(each[part]), cost.toFixed(3), before === undefined ? '' : times(cost / before)];
}

/** `1.03 (1.02 … 1.05)` */
function ratio({ medianMs, lowMs, highMs }: Sample): string {
  const [median, low, high] = [medianMs, lowMs, highMs].map((each) => each.toFixed(2));
  return `${median} (${low} … ${high})`;
}
