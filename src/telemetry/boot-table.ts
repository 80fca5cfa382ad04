import type pc from 'picocolors';
import { formatDuration } from '../core/duration.ts';
import type { BootEvent } from '../core/events.ts';

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

/** So that the bars can be told apart without colours, too. */
const glyphs = { migrate: '█', init: '▓', ready: '▒' } as const;

/** How many characters the whole boot takes in the column that shows when each step ran. */
const barWidth = 40;
const cellWidth = 11;

/** Gathers what the boot table shows, from the events of one boot. */
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
        this.#finish('migrate', event);
        break;
      case 'plugin.init.finished':
        this.#finish('init', event);
        break;
      case 'plugin.ready.finished':
        this.#finish('ready', event);
        break;
      default:
    }
  }

  /** Writes the table: what each plugin did, how long it took, and when. */
  render(colors: Colors): string {
    const idWidth = Math.max(6, ...[...this.#rows.keys()].map((id) => id.length));
    const title = (step: ShownStep): string =>
      paintStep(step, `${glyphs[step]} ${step}`.padStart(cellWidth), colors);
    const heading = [
      colors.dim('plugin'.padEnd(idWidth)),
      title('migrate'),
      colors.dim('files'.padStart(6)),
      title('init'),
      title('ready'),
      colors.dim(`  ${this.#axis()}`),
    ].join(' ');
    const lines = [...this.#rows].map(([id, row]) =>
      [
        colors.bold(id.padEnd(idWidth)),
        renderCell(row.steps.migrate, colors),
        (row.files === 0 ? '' : String(row.files)).padStart(6),
        renderCell(row.steps.init, colors),
        renderCell(row.steps.ready, colors),
        `  ${this.#bar(row, colors)}`,
      ]
        .join(' ')
        .trimEnd(),
    );
    return [heading, ...lines].map((line) => `  ${line}\n`).join('');
  }

  #row(id: string): PluginRow {
    return this.#rows.get(id) ?? emptyRow;
  }

  #finish(
    step: ShownStep,
    event: {
      readonly plugin: string;
      readonly outcome: string;
      readonly durationMs: number;
      readonly elapsedMs: number;
    },
  ): void {
    const { outcome, durationMs, elapsedMs } = event;
    const row = this.#row(event.plugin);
    const finished = { outcome, durationMs, startMs: elapsedMs - durationMs };
    this.#rows.set(event.plugin, { ...row, steps: { ...row.steps, [step]: finished } });
  }

  #axis(): string {
    const end = formatDuration(this.#totalMs);
    return `0${end.padStart(barWidth - 1)}`;
  }

  #bar({ steps }: PluginRow, colors: Colors): string {
    const cells: (ShownStep | undefined)[] = Array.from({ length: barWidth });
    for (const step of shownSteps) {
      const ran = steps[step];
      if (ran === undefined || ran.durationMs <= 0) continue;
      const from = this.#column(ran.startMs);
      cells.fill(step, from, Math.max(from + 1, this.#column(ran.startMs + ran.durationMs)));
    }
    return cells.map((step) => (step ? paintStep(step, glyphs[step], colors) : ' ')).join('');
  }

  #column(ms: number): number {
    const column = Math.floor((ms / this.#totalMs) * barWidth);
    return Math.min(barWidth - 1, Math.max(0, column));
  }
}

function paintStep(step: ShownStep, text: string, colors: Colors): string {
  return { migrate: colors.cyan, init: colors.green, ready: colors.magenta }[step](text);
}

function renderCell(step: StepRow | undefined, colors: Colors): string {
  if (step === undefined) return ''.padStart(cellWidth);
  const { outcome, durationMs } = step;
  if (outcome === 'done') {
    const time = formatDuration(durationMs).padStart(cellWidth);
    return durationMs < 0.5 ? colors.dim(time) : time;
  }
  const word = outcomeWords[outcome] ?? outcome;
  const paint = outcome === 'failed' || outcome === 'timeout' ? colors.red : colors.dim;
  return paint(word.padStart(cellWidth));
}

const outcomeWords: Readonly<Record<string, string>> = {
  upToDate: 'up to date',
  notReached: 'not reached',
};
