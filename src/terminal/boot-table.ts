import type pc from 'picocolors';
import { formatDuration } from '../core/duration.ts';
import type { BootRecord } from '../insight/boot-record.ts';
import type { PluginRecord, StepRecord } from '../insight/plugin-record.ts';
import { chainMark, type ChainPart } from './chain-line.ts';
import { cutMiddle } from './display-width.ts';

type Colors = ReturnType<typeof pc.createColors>;

const shownSteps = ['migrate', 'init', 'ready'] as const;
type ShownStep = (typeof shownSteps)[number];

/** The bars must differ without colours, too. */
const glyphs = { migrate: '█', init: '▓', ready: '▒' } as const;

/** For a step that has a slot, and waits for a client or for its lock. */
const waitGlyph = '·';

/** How many characters the whole boot takes in the column that shows when each step ran. */
const widestBar = 40;
/** A narrower chart shows nothing useful. */
const narrowestBar = 12;
const narrowestId = 8;
const cellWidth = 11;
const narrowCellWidth = 8;
const filesWidth = 6;

/** The columns that fit. */
interface Layout {
  readonly idWidth: number;
  readonly cellWidth: number;
  readonly hasFiles: boolean;
  /** 0 when there is no room for the chart. */
  readonly barWidth: number;
}

/**
 * Writes the table of a boot: what each plugin did, how long it took, and when. The steps of the chain that decided the time
 * have a mark. No line is wider than `width`.
 */
export function drawTable(
  record: BootRecord,
  chain: readonly ChainPart[],
  colors: Colors,
  width = Number.POSITIVE_INFINITY,
): string {
  const totalMs = Math.max(1, record.elapsedMs);
  const plugins = record.plugins.filter(({ enabled }) => enabled);
  const isMarked = (id: string, shown: ShownStep): boolean =>
    chain.some(({ plugin, step }) => plugin === id && step === shown);
  const layout = arrange(Math.max(6, ...plugins.map(({ id }) => id.length)), width);
  const title = (step: ShownStep): string =>
    paintStep(step, nameStep(step, layout).padStart(layout.cellWidth), colors);
  const axis = `0${formatDuration(totalMs).padStart(layout.barWidth - 1)}`;
  const heading = [
    colors.dim('plugin'.padEnd(layout.idWidth)),
    ` ${title('migrate')} `,
    ...(layout.hasFiles ? [colors.dim('files'.padStart(filesWidth)), ' '] : []),
    `${title('init')} `,
    title('ready'),
    ...(layout.barWidth > 0 ? [colors.dim(`   ${axis}`)] : []),
  ].join('');
  const lines = plugins.map((plugin) => {
    const { id, applied, steps } = plugin;
    const cell = (step: ShownStep): string =>
      renderCell(steps[step], layout.cellWidth, colors) +
      (isMarked(id, step) ? colors.bold(chainMark) : ' ');
    const files = applied.length === 0 ? '' : String(applied.length);
    return [
      colors.bold(cutMiddle(id, layout.idWidth).padEnd(layout.idWidth)),
      ` ${cell('migrate')}`,
      ...(layout.hasFiles ? [files.padStart(filesWidth), ' '] : []),
      cell('init'),
      cell('ready'),
      ...(layout.barWidth > 0 ? [`  ${drawBar(plugin, totalMs, layout.barWidth, colors)}`] : []),
    ]
      .join('')
      .trimEnd();
  });
  return [heading, ...lines].map((line) => `  ${line}\n`).join('');
}

function drawBar({ steps }: PluginRecord, totalMs: number, width: number, colors: Colors): string {
  const cells: string[] = Array.from({ length: width }, () => ' ');
  const column = (ms: number): number =>
    Math.min(width - 1, Math.max(0, Math.floor((ms / totalMs) * width)));
  for (const step of shownSteps) {
    const { spawnedAtMs, finishedAtMs = 0, durationMs = 0 } = steps[step];
    const startMs = finishedAtMs - durationMs;
    if (spawnedAtMs !== undefined) cells.fill(waitGlyph, column(spawnedAtMs), column(startMs));
    if (durationMs <= 0) continue;
    const from = column(startMs);
    const bar = paintStep(step, glyphs[step], colors);
    cells.fill(bar, from, Math.max(from + 1, column(finishedAtMs)));
  }
  return cells.join('');
}

/** With a chart, the name gets the glyph of its bars. */
function nameStep(step: ShownStep, { barWidth }: Layout): string {
  return barWidth > 0 ? `${glyphs[step]} ${step}` : step;
}

function paintStep(step: ShownStep, text: string, colors: Colors): string {
  return { migrate: colors.cyan, init: colors.green, ready: colors.magenta }[step](text);
}

/** For a narrow screen it reduces first the chart, then the files, then the space around the numbers, then long names. */
function arrange(longestId: number, width: number): Layout {
  const indent = 2;
  const chartGap = 2;
  const cells = 1 + 3 * (cellWidth + 1);
  const withFiles = indent + longestId + cells + filesWidth + 1;
  const barWidth = Math.min(widestBar, width - withFiles - chartGap);
  if (barWidth >= narrowestBar) return { idWidth: longestId, cellWidth, hasFiles: true, barWidth };
  const whole = { idWidth: longestId, cellWidth, barWidth: 0 };
  if (withFiles <= width) return { ...whole, hasFiles: true };
  if (withFiles - filesWidth - 1 <= width) return { ...whole, hasFiles: false };
  const room = width - indent - 1 - 3 * (narrowCellWidth + 1);
  const idWidth = Math.min(longestId, Math.max(narrowestId, room));
  return { idWidth, cellWidth: narrowCellWidth, hasFiles: false, barWidth: 0 };
}

function renderCell(
  { outcome, durationMs = 0 }: StepRecord,
  width: number,
  colors: Colors,
): string {
  if (outcome === undefined) return ''.padStart(width);
  if (outcome === 'done') {
    const time = formatDuration(durationMs).padStart(width);
    return durationMs < 0.5 ? colors.dim(time) : time;
  }
  const word = (width < cellWidth ? shortWords : outcomeWords)[outcome] ?? outcome;
  const paint = outcome === 'failed' || outcome === 'timeout' ? colors.red : colors.dim;
  return paint(word.padStart(width));
}

const outcomeWords: Readonly<Record<string, string>> = {
  upToDate: 'up to date',
  notReached: 'not reached',
};
const shortWords: Readonly<Record<string, string>> = {
  upToDate: 'current',
  notReached: '–',
  dependency: 'lost',
};
