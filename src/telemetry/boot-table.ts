import type pc from 'picocolors';
import { stepIn } from '../core/boot-record.ts';
import { formatDuration } from '../core/duration.ts';
import type { BootEvent } from '../core/events.ts';
import { cutMiddle } from './display-width.ts';

type Colors = ReturnType<typeof pc.createColors>;

const shownSteps = ['migrate', 'init', 'ready'] as const;
type ShownStep = (typeof shownSteps)[number];

interface StepRow {
  readonly outcome: string;
  readonly startMs: number;
  readonly durationMs: number;
}

interface PluginRow {
  readonly files: number;
  readonly steps: Readonly<Partial<Record<ShownStep, StepRow>>>;
}

const emptyRow: PluginRow = { files: 0, steps: {} };

/** The bars must differ without colours, too. */
const glyphs = { migrate: '█', init: '▓', ready: '▒' } as const;

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

/** Collects the content of the boot table from the events of one boot. */
export class BootTable {
  readonly #rows = new Map<string, PluginRow>();
  #totalMs = 1;

  add(event: BootEvent): void {
    this.#totalMs = Math.max(1, event.elapsedMs);
    switch (event.type) {
      case 'graph.sorted':
        for (const id of event.order) this.#rows.set(id, this.#row(id));
        break;
      case 'plugin.migrate.applied': {
        const row = this.#row(event.plugin);
        this.#rows.set(event.plugin, { ...row, files: row.files + 1 });
        break;
      }
      case 'plugin.migrate.finished':
      case 'plugin.init.finished':
      case 'plugin.ready.finished': {
        const { plugin, outcome, durationMs, elapsedMs } = event;
        const row = this.#row(plugin);
        const finished = { outcome, durationMs, startMs: elapsedMs - durationMs };
        this.#rows.set(plugin, { ...row, steps: { ...row.steps, [stepIn(event.type)]: finished } });
        break;
      }
      default:
    }
  }

  /** Writes the table: what each plugin did, how long it took, and when. No line is wider than `width`. */
  render(colors: Colors, width = Number.POSITIVE_INFINITY): string {
    const longestId = Math.max(6, ...[...this.#rows.keys()].map((id) => id.length));
    const layout = arrange(longestId, width);
    const title = (step: ShownStep): string =>
      paintStep(step, nameStep(step, layout).padStart(layout.cellWidth), colors);
    const axis = `0${formatDuration(this.#totalMs).padStart(layout.barWidth - 1)}`;
    const heading = [
      colors.dim('plugin'.padEnd(layout.idWidth)),
      title('migrate'),
      ...(layout.hasFiles ? [colors.dim('files'.padStart(filesWidth))] : []),
      title('init'),
      title('ready'),
      ...(layout.barWidth > 0 ? [colors.dim(`  ${axis}`)] : []),
    ].join(' ');
    const cell = (step: StepRow | undefined): string => renderCell(step, layout.cellWidth, colors);
    const lines = [...this.#rows].map(([id, { files, steps }]) =>
      [
        colors.bold(cutMiddle(id, layout.idWidth).padEnd(layout.idWidth)),
        cell(steps.migrate),
        ...(layout.hasFiles ? [(files === 0 ? '' : String(files)).padStart(filesWidth)] : []),
        cell(steps.init),
        cell(steps.ready),
        ...(layout.barWidth > 0 ? [`  ${this.#bar(steps, layout.barWidth, colors)}`] : []),
      ]
        .join(' ')
        .trimEnd(),
    );
    return [heading, ...lines].map((line) => `  ${line}\n`).join('');
  }

  #row(id: string): PluginRow {
    return this.#rows.get(id) ?? emptyRow;
  }

  #bar(steps: PluginRow['steps'], barWidth: number, colors: Colors): string {
    const cells: (ShownStep | undefined)[] = Array.from({ length: barWidth });
    for (const step of shownSteps) {
      const ran = steps[step];
      if (ran === undefined || ran.durationMs <= 0) continue;
      const from = this.#column(ran.startMs, barWidth);
      cells.fill(
        step,
        from,
        Math.max(from + 1, this.#column(ran.startMs + ran.durationMs, barWidth)),
      );
    }
    return cells.map((step) => (step ? paintStep(step, glyphs[step], colors) : ' ')).join('');
  }

  #column(ms: number, barWidth: number): number {
    const column = Math.floor((ms / this.#totalMs) * barWidth);
    return Math.min(barWidth - 1, Math.max(0, column));
  }
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
  const chartGap = 3;
  const withFiles = indent + longestId + 3 * (cellWidth + 1) + filesWidth + 1;
  const barWidth = Math.min(widestBar, width - withFiles - chartGap);
  if (barWidth >= narrowestBar) return { idWidth: longestId, cellWidth, hasFiles: true, barWidth };
  const whole = { idWidth: longestId, cellWidth, barWidth: 0 };
  if (withFiles <= width) return { ...whole, hasFiles: true };
  if (withFiles - filesWidth - 1 <= width) return { ...whole, hasFiles: false };
  const room = width - indent - 3 * (narrowCellWidth + 1);
  const idWidth = Math.min(longestId, Math.max(narrowestId, room));
  return { idWidth, cellWidth: narrowCellWidth, hasFiles: false, barWidth: 0 };
}

function renderCell(step: StepRow | undefined, width: number, colors: Colors): string {
  if (step === undefined) return ''.padStart(width);
  const { outcome, durationMs } = step;
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
