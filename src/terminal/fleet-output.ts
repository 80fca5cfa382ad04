import pc from 'picocolors';
import { formatDuration } from '../core/duration.ts';
import { FleetFindings, nameKind } from '../core/fleet-findings.ts';
import type { DatabaseReport, FleetEvent } from '../core/fleet-report.ts';
import { cutEnd, cutMiddle, padTo, printableLine } from './display-width.ts';
import { LiveArea } from './live-area.ts';
import type { LiveOutputOptions } from './live-output.ts';

/** How many lines a pipe gets for the progress of a fleet, however many databases it has. */
const mostSteps = 20;
/** How many canaries get a line of their own. */
const mostCanaries = 20;
/** How long a pipe may stay silent, in ms. */
const silentMs = 30_000;
const spinner = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const spinnerMs = 100;
const timeWidth = 7;

interface RunningDatabase {
  readonly startedAt: number;
  /** `shop applies 0004_tax.sql` */
  doing: string;
}

/**
 * Makes a listener that shows a run over a fleet: how many databases are done, each kind of failure once, and on a terminal
 * what runs right now. It prints a bounded number of lines, however many databases there are.
 *
 * @example await migrateFleet({ targets, boot, onEvent: createFleetOutput({ stream: process.stderr }) });
 */
export function createFleetOutput(options: LiveOutputOptions = {}): (event: FleetEvent) => void {
  const { stream = process.stdout } = options;
  const isTerminal = stream.isTTY === true && process.env['TERM'] !== 'dumb';
  const isLive = options.live ?? (isTerminal && !process.env['CI']);
  const colors = pc.createColors(options.colors ?? (isTerminal && !process.env['NO_COLOR']));
  const { bold, cyan, dim, green, red, yellow } = colors;
  const progress = new FleetProgress();
  const failures = new FleetFindings();
  const area = new LiveArea(stream, (width, height) => {
    const rows = progress.list(height - 1).map(([name, { startedAt, doing }]) => {
      const turn = spinner[Math.floor(performance.now() / spinnerMs) % spinner.length] ?? '';
      const nameWidth = Math.min(30, Math.max(8, Math.floor(width / 3)));
      const time = formatDuration(performance.now() - startedAt).padStart(timeWidth);
      const row = `${padTo(cutMiddle(name, nameWidth), nameWidth)} ${time}  ${doing}`;
      return `    ${cyan(turn)} ${cutEnd(row, width - 6)}`;
    });
    return [...rows, `  ${cutMiddle(progress.describe(), width - 2)}`];
  });
  const line = (text: string): void => area.print(`  ${text}\n`);
  let canaries = 0;
  let timer: NodeJS.Timeout | undefined;
  /** A pipe gets a line for its progress, and the time of its silence begins anew. */
  const printProgress = (): void => {
    if (isLive) return;
    line(dim(progress.describe()));
    clearInterval(timer);
    timer = setInterval(() => line(dim(progress.describe(true))), silentMs).unref();
  };
  const showFailure = ({ name, canary, error }: DatabaseReport): void => {
    if (!error) return;
    const kind = failures.addError(name, error);
    // The others of this kind are counted.
    if (kind.databases.length > 1) return;
    const text = kind.code === undefined ? nameKind(kind) : `${nameKind(kind)}: ${error.message}`;
    line(`${red('✖')} ${name}${canary ? ' (canary)' : ''}  ${red(printableLine(text))}`);
  };
  return (event) => {
    progress.add(event);
    switch (event.type) {
      case 'fleet.started': {
        const { databases, listed, shard } = event;
        const what = shard
          ? `migrates ${databases} of ${count(listed)}, shard ${shard.index}/${shard.count}`
          : `migrates ${count(databases)}`;
        area.print(`\n  ${bold(cyan('slipway'))} ${dim(what)}\n\n`);
        if (isLive) area.open();
        else printProgress();
        return;
      }
      case 'database.finished': {
        const { database } = event;
        showFailure(database);
        if (database.canary && !database.error && canaries < mostCanaries) {
          canaries += 1;
          line(`${green('✔')} ${database.name} (canary)  ${describeCanary(database)}`);
        }
        if (progress.isStep) printProgress();
        return;
      }
      case 'fleet.stopping':
        return line(yellow(printableLine(`No further database begins: ${event.because}`)));
      case 'fleet.finished':
        clearInterval(timer);
        area.close();
        return line(dim(`${progress.describe()} after ${formatDuration(event.report.durationMs)}`));
      default:
    }
  };
}

/** What has happened so far, as numbers; and what runs. */
class FleetProgress {
  readonly #running = new Map<string, RunningDatabase>();
  readonly #counts = { done: 0, upToDate: 0, failed: 0, canceled: 0, notReached: 0 };
  #total = 0;
  #finished = 0;

  add(event: FleetEvent): void {
    switch (event.type) {
      case 'fleet.started':
        this.#total = event.databases;
        return;
      case 'database.started': {
        // Until its first file it connects, and looks at what is there.
        const doing = 'waits for PostgreSQL';
        this.#running.set(event.database, { startedAt: performance.now(), doing });
        return;
      }
      case 'database.applying': {
        const running = this.#running.get(event.database);
        if (running) running.doing = printableLine(`${event.plugin} applies ${event.file}`);
        return;
      }
      case 'database.finished':
        this.#running.delete(event.database.name);
        this.#counts[event.database.outcome] += 1;
        this.#finished += 1;
        return;
      default:
    }
  }

  /** Whether the database that finished last is one of those after which a pipe gets a line. */
  get isStep(): boolean {
    const every = Math.max(1, Math.ceil(this.#total / mostSteps));
    return this.#finished % every === 0 && this.#finished < this.#total;
  }

  /** `42 of 200 databases: 40 migrated, 1 up to date, 1 failed` */
  describe(withRunning = false): string {
    const { done, upToDate, failed, canceled } = this.#counts;
    const parts = [
      ...(done > 0 ? [`${done} migrated`] : []),
      ...(upToDate > 0 ? [`${upToDate} up to date`] : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(canceled > 0 ? [`${canceled} canceled`] : []),
    ];
    const [first] = withRunning ? this.#running : [];
    const longest = first === undefined ? '' : `; ${first[0]}: ${first[1].doing}`;
    const so = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
    return `${this.#finished} of ${count(this.#total)}${so}${longest}`;
  }

  /** The databases that have run longest. */
  list(most: number): readonly (readonly [string, RunningDatabase])[] {
    return [...this.#running].slice(0, Math.max(0, most));
  }
}

function describeCanary({ outcome, applied }: DatabaseReport): string {
  if (outcome === 'canceled') return 'canceled';
  if (outcome === 'upToDate') return 'up to date';
  const files = applied.length;
  // Only a schema is made or renamed.
  if (files === 0) return 'migrated';
  return files === 1 ? '1 file' : `${files} files`;
}

function count(databases: number): string {
  return `${databases} ${databases === 1 ? 'database' : 'databases'}`;
}
