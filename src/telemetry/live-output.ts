import pc from 'picocolors';
import { describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import type { BootEvent, BootEventOf, RunningStep } from '../core/events.ts';
import { listNames } from '../core/printable.ts';
import type { Phase, Step } from '../core/steps.ts';
import { BootTable } from './boot-table.ts';
import { cutMiddle, padTo, printableLine } from './display-width.ts';
import { LiveArea, usableWidth, type OutputStream } from './live-area.ts';
import { shorten } from './losses.ts';
import { drawRunning } from './running-rows.ts';
import { describeBlockers, RunningSteps } from './running-steps.ts';

/** The options of the live output. */
export interface LiveOutputOptions {
  /**
   * Where to write. Its `columns` are the width.
   *
   * @default process.stdout
   */
  readonly stream?: OutputStream;
  /** @default true on a terminal, unless NO_COLOR is set or TERM is dumb */
  readonly colors?: boolean;
  /**
   * Whether lines below the output show what runs right now and what it waits for, several times a second.
   *
   * @default true on a terminal, unless CI is set or TERM is dumb
   */
  readonly live?: boolean;
}

/** The phases that show one line for each plugin; the others take only a moment. */
const phaseTitles: Readonly<Partial<Record<Phase, string>>> = {
  migrateAll: 'migrate',
  initAll: 'init',
};

/** How many plugins the line `sort` names. */
const namedInOrder = 12;
const textWidth = 16;
const timeWidth = 9;
/** Before the name of a plugin: four spaces, the mark, and a space. */
const beforeName = 6;

/**
 * Makes a listener that shows a boot while it runs: the phases, each plugin as it finishes, and the table at the end. On a
 * terminal the last lines show what runs right now, for how long, and what it waits for.
 *
 * @example boot.onAny(createLiveOutput({ stream: process.stderr }));
 */
export function createLiveOutput(options: LiveOutputOptions = {}): (event: BootEvent) => void {
  const { stream = process.stdout } = options;
  const isTerminal = stream.isTTY === true && process.env['TERM'] !== 'dumb';
  const isLive = options.live ?? (isTerminal && !process.env['CI']);
  // Without a value, picocolors reads the environment: in CI it then writes colours even into a file.
  const colors = pc.createColors(options.colors ?? (isTerminal && !process.env['NO_COLOR']));
  const { bold, dim, green, red, yellow, cyan } = colors;
  const table = new BootTable();
  const steps = new RunningSteps();
  const files = new Map<string, number>();
  let longestId = 0;
  let server: string | undefined;
  let startedAtMs = 0;

  const area = new LiveArea(stream, (width, height) => {
    const elapsedMs = performance.now() - startedAtMs;
    return drawRunning(steps, { elapsedMs, width, height, colors });
  });
  const write = (text: string): void => area.print(text);
  const line = (text: string): void => write(`  ${text}\n`);
  const step = (mark: string, plugin: string, text: string, ms?: number): void => {
    const width = usableWidth(stream);
    const idWidth = Math.min(longestId, Math.max(8, Math.floor(width / 3)));
    const name = padTo(cutMiddle(plugin, idWidth), idWidth);
    const room = Math.min(textWidth, width - beforeName - idWidth - 2 - timeWidth);
    const time = ms === undefined ? '' : dim(formatDuration(ms).padStart(timeWidth));
    line(`  ${mark} ${name}  ${ms === undefined ? text : padTo(text, room)}${time}`);
  };

  const showFinished = (event: BootEventOf<`plugin.${Step}.finished`>, text: string): void => {
    const { plugin, outcome, durationMs, error, because } = event;
    switch (outcome) {
      case 'done':
        return step(green('✔'), plugin, text, durationMs);
      case 'upToDate':
        return step(dim('·'), plugin, dim('up to date'));
      case 'failed':
      case 'timeout':
        return step(red('✖'), plugin, red(printableLine(error?.message ?? outcome)));
      case 'skipped':
        return event.type === 'plugin.migrate.finished'
          ? step(dim('–'), plugin, dim(printableLine(because ?? outcome)))
          : undefined;
      case 'dependency':
      case 'canceled':
        return step(yellow('–'), plugin, yellow(printableLine(because ?? outcome)));
      case 'notReached':
    }
  };

  const show = (event: BootEvent): void => {
    switch (event.type) {
      case 'boot.started':
        return write(
          `\n  ${bold(cyan('slipway'))} ${dim(event.until === 'ready' ? 'boots' : 'migrates')}\n\n`,
        );
      case 'boot.waiting': {
        const next = formatDuration(event.nextInMs);
        return isLive
          ? undefined
          : line(yellow(`waiting: ${printableLine(event.reason)}; next attempt in ${next}`));
      }
      case 'boot.warning':
      case 'plugin.migrate.warning':
        return line(yellow(`! ${printableLine(event.message)}`));
      case 'boot.progress':
        return isLive || event.running.length === 0
          ? undefined
          : line(dim(describeRunning(event.running)));
      case 'plugin.discovered':
        longestId = Math.max(longestId, event.plugin.length);
        return;
      case 'graph.sorted':
        line(
          `${bold('sort')}  ${count(event.order.length, 'plugin')}: ${shorten(event.order, namedInOrder).join(dim(' → '))}`,
        );
        for (const { message } of event.warnings) {
          line(`  ${yellow(`! ${printableLine(message)}`)}`);
        }
        return;
      case 'phase.started':
        return phaseTitles[event.phase] ? line(bold(phaseTitles[event.phase])) : undefined;
      case 'phase.finished': {
        const { phase, outcome, durationMs } = event;
        if (outcome !== 'done') return line(red(`${phase} ${outcome}`));
        const where = phase === 'migrateAll' && server ? ` on PostgreSQL ${server}` : '';
        return phaseTitles[phase]
          ? line(dim(`  ${formatDuration(durationMs)}${where}`))
          : undefined;
      }
      case 'survey.finished':
        server = event.server;
        return;
      case 'plugin.migrate.waiting': {
        const waited = `${formatDuration(event.waitedMs)} so far`;
        const holder = printableLine(describeHolder(event.holder));
        return isLive
          ? undefined
          : step(yellow('…'), event.plugin, yellow(`waits for ${holder}, ${waited}`));
      }
      case 'plugin.migrate.renamed':
        return step(dim('·'), event.plugin, `${event.from} renamed`, event.durationMs);
      case 'plugin.migrate.applied':
        files.set(event.plugin, (files.get(event.plugin) ?? 0) + 1);
        return;
      case 'plugin.migrate.finished':
        return showFinished(event, count(files.get(event.plugin) ?? 0, 'file'));
      case 'plugin.migrate.retrying':
      case 'plugin.init.retrying':
        return isLive
          ? undefined
          : step(
              yellow('↻'),
              event.plugin,
              yellow(printableLine(event.error.message) + describeBlockers(event)),
            );
      case 'plugin.init.finished':
        return showFinished(event, 'started');
      case 'plugin.ready.finished':
        return event.outcome === 'done' ? undefined : showFinished(event, 'ready');
      case 'plugin.stop.finished':
        return showFinished(event, 'stopped');
      case 'boot.finished': {
        const { outcome, durationMs } = event;
        const isUp = outcome === 'ready' || outcome === 'migrated';
        const paint = isUp ? green : outcome === 'degraded' ? yellow : red;
        return write(
          `\n${table.render(colors, usableWidth(stream))}\n  ${bold(paint(outcome))} ${dim(`after ${formatDuration(durationMs)}`)}\n`,
        );
      }
      case 'boot.stopping':
        return write(`\n  ${bold('stop')} ${dim(printableLine(event.reason))}\n`);
      case 'boot.stopped':
        return line(dim(`  stopped after ${formatDuration(event.durationMs)}`));
      default:
    }
  };

  return (event) => {
    startedAtMs = performance.now() - event.elapsedMs;
    table.add(event);
    const past = steps.add(event);
    if (isLive && past?.plugin !== undefined) step(yellow('…'), past.plugin, yellow(past.text));
    else if (isLive && past) line(yellow(`… ${past.text}`));
    if (event.type === 'boot.finished' || event.type === 'boot.stopped') area.close();
    show(event);
    if (isLive && !steps.isEmpty) area.open();
  };
}

function describeRunning(running: readonly RunningStep[]): string {
  const parts = running.map(
    ({ plugin, step, forMs }) => `${plugin} ${step} ${formatDuration(forMs)}`,
  );
  return `still running: ${listNames(parts)}`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
