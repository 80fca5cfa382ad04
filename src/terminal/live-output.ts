import pc from 'picocolors';
import { describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import type { BootEvent, BootEventOf } from '../core/events.ts';
import { shorten } from '../core/printable.ts';
import type { Phase, Step } from '../core/steps.ts';
import { getTenant } from '../core/tenants.ts';
import { BootRecord } from '../insight/boot-record.ts';
import { traceChain } from '../insight/critical-chain.ts';
import { writeHeadline } from '../insight/headline.ts';
import { listChanges, type PluginChange } from '../insight/list-changes.ts';
import { listHeldLocks } from '../insight/held-locks.ts';
import { describeLock } from '../insight/statement-words.ts';
import type { PluginRecord } from '../insight/plugin-record.ts';
import { StepTimes } from '../insight/step-times.ts';
import { drawTable } from './boot-table.ts';
import { listChainParts, writeChain } from './chain-line.ts';
import { cutMiddle, padTo, printableLine } from './display-width.ts';
import { LiveArea, usableWidth, type OutputStream } from './live-area.ts';
import { findPastWait } from './past-waits.ts';
import { describeBlockers, drawRunning } from './running-rows.ts';

/** The options of the live output. */
export interface LiveOutputOptions {
  /**
   * Where to write. Its `columns` are the width.
   *
   * @default process.stdout
   */
  readonly stream?: OutputStream;
  /**
   * Whether the text has colours.
   *
   * @default true on a terminal, unless NO_COLOR is set or TERM is dumb
   */
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
/** The chain takes two lines: this is lost to their indents, and to a word that does not fit into the first one. */
const chainMargin = 16;
const calmMs = 500;
/** Below the table. */
const mostLocks = 5;
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
  const record = new BootRecord('');
  const writeCalmly = createCalmHeadline();
  let longestId = 0;
  let startedAtMs = 0;

  const area = new LiveArea(stream, (width, height) => {
    const launch = findRunningLaunch(record);
    const nowMs = performance.now() - startedAtMs - (launch?.startedAtMs ?? 0);
    const times = new StepTimes(launch?.record ?? record, nowMs);
    return drawRunning(times, writeCalmly(times), { width, height, colors });
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

  const drawSummary = (): string => {
    const width = usableWidth(stream);
    const times = new StepTimes(record, record.elapsedMs);
    const chain = listChainParts(traceChain(times, times.nowMs));
    const table = drawTable(record, chain, colors, width);
    const locks = drawLocks(times);
    return chain.length === 0
      ? table + locks
      : `${table}\n  ${dim(writeChain(chain, 2 * width - chainMargin))}\n${locks}`;
  };

  /** The sessions that the migrations kept waiting. */
  const drawLocks = ({ nowMs }: StepTimes): string =>
    shorten(
      listHeldLocks({ record, nowMs }).map(
        (lock) => `${lock.plugin} kept others waiting: ${describeLock(lock)}`,
      ),
      mostLocks,
    )
      .map((text) => `  ${yellow(`! ${printableLine(text)}`)}\n`)
      .join('');

  /** The beginning or the end of a change, in the words that all of Slipway has for it. */
  const showChange = (change: PluginChange | undefined): void => {
    if (!change) return;
    const { outcome, says, startMs, endMs } = change;
    const words = printableLine(says);
    if (outcome === 'running') {
      write(`\n  ${bold(words)}\n`);
      return;
    }
    const paint = isGood.has(outcome) ? green : outcome === 'failed' ? red : yellow;
    const after =
      endMs === undefined || endMs === startMs ? '' : dim(` (${formatDuration(endMs - startMs)})`);
    line(`${paint(words)}${after}`);
  };

  /** @param of The record of the boot, or of the launch that the event belongs to. */
  const show = (event: BootEvent, of: BootRecord): void => {
    switch (event.type) {
      case 'boot.started':
        return write(
          `\n  ${bold(cyan('slipway'))} ${dim(event.until === 'ready' ? 'boots' : 'migrates')}\n\n`,
        );
      case 'boot.waiting':
        return isLive ? undefined : line(yellow(describeWaiting(event)));
      case 'boot.warning':
      case 'plugin.migrate.warning':
        return line(yellow(`! ${printableLine(event.message)}`));
      case 'boot.progress':
        // Each attempt to end a wait of the whole boot has a line of its own.
        return isLive || (of.pause && of.pause !== of.flush)
          ? undefined
          : line(dim(printableLine(event.headline)));
      case 'plugin.discovered':
        longestId = Math.max(longestId, event.plugin.length);
        return;
      case 'graph.sorted':
        // The line of a launch names its plugins.
        if (event.launch === undefined) {
          line(
            `${bold('sort')}  ${count(event.order.length, 'plugin')}: ${shorten(event.order, namedInOrder).join(dim(' → '))}`,
          );
        }
        for (const { message } of event.warnings) {
          line(`  ${yellow(`! ${printableLine(message)}`)}`);
        }
        return;
      case 'phase.started':
        return phaseTitles[event.phase] ? line(bold(phaseTitles[event.phase])) : undefined;
      case 'phase.finished': {
        const { phase, outcome, durationMs } = event;
        if (outcome !== 'done') return line(red(`${phase} ${outcome}`));
        const { server } = of.survey ?? {};
        const where = phase === 'migrateAll' && server ? ` on PostgreSQL ${server}` : '';
        return phaseTitles[phase]
          ? line(dim(`  ${formatDuration(durationMs)}${where}`))
          : undefined;
      }
      case 'plugin.migrate.waiting': {
        const waited = `${formatDuration(event.waitedMs)} so far`;
        const holder = printableLine(describeHolder(event.holder));
        return isLive
          ? undefined
          : step(yellow('…'), event.plugin, yellow(about(event, `waits for ${holder}; ${waited}`)));
      }
      case 'plugin.migrate.renamed':
        return step(
          dim('·'),
          event.plugin,
          about(event, `${event.from} renamed`),
          event.durationMs,
        );
      case 'plugin.migrate.finished':
        return showFinished(event, describeApplied(of.find(event.plugin)));
      case 'plugin.migrate.retrying':
      case 'plugin.init.retrying': {
        // The row that runs shows it, but for tenants, which share the row of their plugin.
        if (isLive && getTenant(event) === undefined) return;
        const blockers = 'blockers' in event ? describeBlockers(event.blockers) : '';
        const text = about(event, printableLine(event.error.message) + blockers);
        return step(yellow('↻'), event.plugin, yellow(text));
      }
      case 'plugin.init.finished':
        return showFinished(event, 'started');
      case 'plugin.ready.finished':
        // The end of its init was shown, with the reason.
        return of.find(event.plugin)?.steps.init.outcome === 'done' && event.outcome !== 'done'
          ? showFinished(event, 'ready')
          : undefined;
      case 'plugin.stop.finished':
        return showFinished(event, 'stopped');
      case 'boot.finished': {
        const { outcome, durationMs } = event;
        const isUp = outcome === 'ready' || outcome === 'migrated';
        const paint = isUp ? green : outcome === 'degraded' ? yellow : red;
        const after = dim(`after ${formatDuration(durationMs)}`);
        write(`\n${drawSummary()}\n  ${bold(paint(outcome))} ${after}\n`);
        // An outcome that is an error is printed by the host. This one is none, so the reason would be missing.
        return outcome === 'degraded'
          ? line(yellow(printableLine(writeHeadline(new StepTimes(record, event.elapsedMs)))))
          : undefined;
      }
      case 'launch.started':
      case 'launch.finished':
        return showChange(listChanges(record).findLast(({ launch }) => launch === event.launch));
      case 'removal.started':
      case 'removal.finished':
        return showChange(listChanges(record).findLast(({ removal }) => removal === event.removal));
      case 'boot.stopping':
        return write(`\n  ${bold('stop')} ${dim(printableLine(event.reason))}\n`);
      case 'boot.stopped':
        return line(dim(`  stopped after ${formatDuration(event.durationMs)}`));
      default:
    }
  };

  return (event) => {
    startedAtMs = performance.now() - event.elapsedMs;
    record.add(event);
    const of = (event.launch !== undefined && record.findLaunch(event.launch)?.record) || record;
    const past = isLive ? findPastWait(of, event) : undefined;
    if (past?.plugin !== undefined) step(yellow('…'), past.plugin, yellow(past.text));
    else if (past) line(yellow(`… ${past.text}`));
    if (ends.has(event.type)) area.close();
    show(event, of);
    if (isLive && isGoingOn(record)) area.open();
  };
}

/** The events after which nothing runs. */
const ends: ReadonlySet<BootEvent['type']> = new Set([
  'boot.finished',
  'boot.stopped',
  'launch.finished',
]);

const isGood: ReadonlySet<PluginChange['outcome']> = new Set(['ready', 'done']);

/** Finds the launch that goes on in a boot that is up. */
function findRunningLaunch(record: BootRecord): BootRecord['launches'][number] | undefined {
  const last = record.stopping ? undefined : record.launches.at(-1);
  return last && !last.record.finished ? last : undefined;
}

/** Whether a boot starts, or stops, or a launch into it goes on. */
function isGoingOn(record: BootRecord): boolean {
  const { finished, stopping, stoppedAtMs } = record;
  if (findRunningLaunch(record)) return true;
  return stopping === undefined ? finished === undefined : stoppedAtMs === undefined;
}

/** Writes the headline anew with an event, or else twice a second: a number that changes with each frame cannot be read. */
function createCalmHeadline(): (times: StepTimes) => string {
  let known = { version: -1, atMs: 0, text: '' };
  return (times) => {
    const { version } = times.record;
    if (version !== known.version || times.nowMs - known.atMs >= calmMs) {
      known = { version, atMs: times.nowMs, text: writeHeadline(times) };
    }
    return known.text;
  };
}

/** `waiting: PostgreSQL does not answer: connect ECONNREFUSED; next attempt in 1.00s` */
function describeWaiting({ plugin, reason, error, nextInMs }: BootEventOf<'boot.waiting'>): string {
  const why = error && !reason.includes(error.message) ? `: ${printableLine(error.message)}` : '';
  const next = `next attempt in ${formatDuration(nextInMs)}`;
  return `${plugin ? `${plugin} is ` : ''}waiting: ${printableLine(reason)}${why}; ${next}`;
}

/** Begins with the tenant that an event is about, if it is about one alone. */
function about(event: BootEvent, text: string): string {
  const tenant = getTenant(event);
  return tenant === undefined ? text : `${printableLine(tenant)}: ${text}`;
}

/** `2 files`, `40 tenants` */
function describeApplied(plugin: PluginRecord | undefined): string {
  return plugin?.tenants
    ? count(plugin.tenants.behind.size, 'tenant')
    : count(plugin?.applied.length ?? 0, 'file');
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
