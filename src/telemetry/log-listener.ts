import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import { formatDuration } from '../core/duration.ts';
import { chooseLevel, type Level } from '../core/event-levels.ts';
import type { BootEvent, BootEventOf } from '../core/events.ts';
import { readMessage } from '../core/foreign-value.ts';
import type { Logger } from '../core/logger.ts';
import { listNames, printable } from '../core/printable.ts';
import type { Listener } from './bus.ts';
import { Losses, type Loss } from './losses.ts';

/**
 * Writes every event of a boot as one line of a structured log: `event` holds its name, `err` its error, and the other
 * fields those of the event. The failure of an optional plugin also has the plugins that are `lost` with it.
 *
 * @example boot.onAny(createLogListener(pino()));
 */
export function createLogListener(logger: Logger): Listener<BootEvent> {
  const losses = new Losses();
  return (event) => {
    const loss = losses.add(event);
    const level = chooseLevel(event);
    // Not every logger has `trace`.
    const written = level === 'trace' && !logger.trace ? 'debug' : level;
    if (logger.isLevelEnabled?.(written) === false) return;
    logger[written]?.(toFields(event, loss), sentence(event, loss));
  };
}

/** Every logger has a field of its own for the time. pino has `pid` as well, and a line with two of them is refused by some stores. */
function toFields(event: BootEvent, loss: Loss | undefined): object {
  const {
    type,
    at: _at,
    pid: _pid,
    error,
    errors,
    ...fields
  } = event as BootEvent & {
    readonly pid?: number;
    readonly error?: Error;
    readonly errors?: readonly Error[];
  };
  return {
    event: type,
    ...fields,
    ...(error && { err: error }),
    ...(errors?.length && { errs: errors.map(readMessage) }),
    ...(loss && { lost: loss.lost }),
  };
}

/** A pino logger that writes JSON lines to standard output. pino is loaded now, because most programs bring a logger or need none. */
export function createPinoLogger(level: Level): Logger {
  const { pino } = createRequire(import.meta.url)('pino') as typeof Pino;
  return pino({ level });
}

function sentence(event: BootEvent, loss: Loss | undefined): string {
  if (event.type === 'boot.progress') return printable(event.headline);
  const launch = event.launch === undefined ? '' : `launch ${event.launch}: `;
  const who = 'plugin' in event ? `${event.plugin}: ` : '';
  const what = 'phase' in event ? `${event.phase} ` : '';
  const how = 'outcome' in event ? ` ${event.outcome}` : '';
  const time = 'durationMs' in event ? ` in ${formatDuration(event.durationMs)}` : '';
  const names = listOthers(event);
  const others = loss ? `; ${loss.text}` : '';
  const error = 'error' in event && event.error ? `: ${readMessage(event.error)}` : '';
  const why = event.type === 'removal.finished' && event.because ? `: ${event.because}` : '';
  return printable(
    `${launch}${who}${what}${event.type}${names}${how}${time}${others}${error}${why}`,
  );
}

/** The place in a file at which it goes on. */
function goesOn({ file, goesOnAt, statements }: BootEventOf<'plugin.migrate.applying'>): string {
  return goesOnAt === undefined ? '' : ` ${file} goes on at command ${goesOnAt} of ${statements}`;
}

/** What a line is about, besides the plugin that it begins with. */
function listOthers(event: BootEvent): string {
  if (event.type === 'plugin.migrate.applying') return goesOn(event);
  if (event.type === 'launch.started') return ` ${listNames(event.plugins)}`;
  if (event.type !== 'removal.started') return '';
  const others = event.plugins.filter((id) => id !== event.plugin);
  return others.length === 0 ? '' : ` with ${listNames(others)}`;
}
