import pc from 'picocolors';
import { formatDuration } from '../core/duration.ts';
import type { BootEvent } from '../core/events.ts';
import { messageOf } from '../core/foreign-value.ts';
import { listNames, printable } from '../core/printable.ts';
import { BootTable } from './boot-table.ts';

export interface LiveOutputOptions {
  readonly write: (text: string) => void;
  /** No colours unless told. */
  readonly colors?: boolean;
  /** Keeps a last line that says what runs right now; for a terminal only. */
  readonly statusLine?: boolean;
}

type Phase = Extract<BootEvent, { readonly type: 'phase.started' }>['phase'];

/** The phases that show a line a plugin; the others are done in a moment. */
const phaseTitles: Readonly<Partial<Record<Phase, string>>> = {
  migrateAll: 'migrate',
  initAll: 'init',
};

/** How many plugins the line with the order names. */
const namedInOrder = 12;

const eraseLine = '\r\u001B[2K';

/**
 * Makes a listener that shows a boot while it runs: the phases, each plugin as it finishes, and the table at the end.
 *
 * @example boot.onAny(createLiveOutput({ write: (text) => process.stdout.write(text), colors: true, statusLine: true }));
 */
export function createLiveOutput(options: LiveOutputOptions): (event: BootEvent) => void {
  // Left undefined, picocolors asks the environment: in CI the answer is yes, also into a file.
  const { write, statusLine = false, colors: isColored = false } = options;
  const colors = pc.createColors(isColored);
  const { bold, dim, green, red, yellow, cyan } = colors;
  const table = new BootTable();
  const running = new Set<string>();
  const files = new Map<string, number>();
  let idWidth = 0;

  const line = (text: string): void => write(`  ${text}\n`);
  const step = (mark: string, plugin: string, text: string, ms?: number): void => {
    const time = ms === undefined ? '' : dim(formatDuration(ms).padStart(9));
    line(
      `  ${mark} ${printable(plugin).padEnd(idWidth)}  ${ms === undefined ? text : text.padEnd(16)}${time}`,
    );
  };

  const showFinished = (
    event: Extract<BootEvent, { readonly type: `plugin.${string}.finished` }>,
    text: string,
  ): void => {
    const { plugin, outcome, durationMs, error, because } = event;
    running.delete(plugin);
    switch (outcome) {
      case 'done':
        return step(green('✔'), plugin, text, durationMs);
      case 'upToDate':
        return step(dim('·'), plugin, dim('up to date'));
      case 'failed':
      case 'timeout':
        return step(red('✖'), plugin, red(error ? firstLine(messageOf(error)) : outcome));
      case 'skipped':
        return event.type === 'plugin.migrate.finished'
          ? step(dim('–'), plugin, dim(printable(because ?? outcome)))
          : undefined;
      case 'dependency':
      case 'canceled':
        return step(yellow('–'), plugin, yellow(printable(because ?? outcome)));
      case 'notReached':
    }
  };

  const show = (event: BootEvent): void => {
    switch (event.type) {
      case 'boot.started':
        return write(
          `\n  ${bold(cyan('slipway'))} ${dim(event.until === 'ready' ? 'boots' : 'migrates')}\n\n`,
        );
      case 'boot.waiting':
        return line(
          yellow(
            `waiting: ${printable(event.reason)}; next attempt in ${formatDuration(event.nextInMs)}`,
          ),
        );
      case 'boot.warning':
      case 'plugin.migrate.warning':
        return line(yellow(`! ${printable(event.message)}`));
      case 'boot.progress':
        return event.running.length === 0 ? undefined : line(dim(describeRunning(event.running)));
      case 'plugin.discovered':
        idWidth = Math.max(idWidth, event.plugin.length);
        return;
      case 'graph.sorted':
        line(
          `${bold('sort')}  ${count(event.order.length, 'plugin')}: ${shortened(event.order).join(dim(' → '))}`,
        );
        for (const warning of event.warnings) line(`  ${yellow(`! ${printable(warning)}`)}`);
        return;
      case 'phase.started':
        return phaseTitles[event.phase] ? line(bold(phaseTitles[event.phase])) : undefined;
      case 'phase.finished': {
        const { phase, outcome, durationMs, database } = event;
        if (outcome !== 'done') return line(red(`${phase} ${outcome}`));
        const server = database ? ` on PostgreSQL ${database.server}` : '';
        return phaseTitles[phase]
          ? line(dim(`  ${formatDuration(durationMs)}${server}`))
          : undefined;
      }
      case 'plugin.migrate.waiting': {
        const { pid, applicationName } = event.holder;
        const holder = [applicationName, pid && `pid ${pid}`].filter(Boolean).join(', ');
        return step(
          yellow('…'),
          event.plugin,
          yellow(
            `waits for ${printable(holder) || 'another process'}, ${formatDuration(event.waitedMs)} so far`,
          ),
        );
      }
      case 'plugin.migrate.renamed':
        return step(dim('·'), event.plugin, `${event.from} renamed`, event.durationMs);
      case 'plugin.migrate.applied':
        files.set(event.plugin, (files.get(event.plugin) ?? 0) + 1);
        return;
      case 'plugin.migrate.started':
      case 'plugin.init.started':
      case 'plugin.ready.started':
      case 'plugin.stop.started':
        running.add(event.plugin);
        return;
      case 'plugin.migrate.finished':
        return showFinished(event, count(files.get(event.plugin) ?? 0, 'file'));
      case 'plugin.migrate.retrying':
      case 'plugin.init.retrying':
        return step(yellow('↻'), event.plugin, yellow(firstLine(messageOf(event.error))));
      case 'plugin.init.finished':
        return showFinished(event, 'started');
      case 'plugin.ready.finished':
        running.delete(event.plugin);
        return event.outcome === 'done' ? undefined : showFinished(event, 'ready');
      case 'plugin.stop.finished':
        return showFinished(event, 'stopped');
      case 'boot.finished': {
        const { outcome, durationMs } = event;
        const isUp = outcome === 'ready' || outcome === 'migrated';
        const paint = isUp ? green : outcome === 'degraded' ? yellow : red;
        return write(
          `\n${table.render(colors)}\n  ${bold(paint(outcome))} ${dim(`after ${formatDuration(durationMs)}`)}\n`,
        );
      }
      case 'boot.stopping':
        return write(`\n  ${bold('stop')} ${dim(printable(event.reason))}\n`);
      case 'boot.stopped':
        return line(dim(`  stopped after ${formatDuration(event.durationMs)}`));
      case 'plugin.migrate.planned':
      case 'plugin.migrate.statement':
    }
  };

  return (event) => {
    table.add(event);
    if (!statusLine) return show(event);
    write(eraseLine);
    show(event);
    if (running.size > 0) write(dim(`    ${[...running].join(', ')}`.slice(0, 79)));
  };
}

function shortened(order: readonly string[]): readonly string[] {
  const hidden = order.length - namedInOrder;
  return hidden > 1 ? [...order.slice(0, namedInOrder), `${hidden} more`] : order;
}

function describeRunning(
  running: Extract<BootEvent, { readonly type: 'boot.progress' }>['running'],
): string {
  const parts = running.map(
    ({ plugin, step, forMs }) => `${plugin} ${step} ${formatDuration(forMs)}`,
  );
  return `still running: ${listNames(parts)}`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function firstLine(text: string): string {
  return printable(text).split('\n', 1).join('');
}
