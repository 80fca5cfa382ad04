import { pino } from 'pino';
import { formatDuration } from '../core/duration.ts';
import type { BootEvent, BootEventName, BootEventOf } from '../core/events.ts';
import { readMessage } from '../core/foreign-value.ts';
import type { Logger } from '../core/logger.ts';
import { printable } from '../core/printable.ts';
import type { Listener } from './bus.ts';
import { Losses } from './losses.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** The level of each event: always the same, or by its content. */
type Loudness = {
  readonly [Name in BootEventName]: Level | ((event: BootEventOf<Name>) => Level);
};

const byOutcome = (event: { readonly error?: Error }): Level => (event.error ? 'error' : 'debug');

const loudness = {
  'boot.started': 'info',
  'boot.waiting': 'warn',
  'boot.warning': 'warn',
  'boot.progress': 'info',
  'boot.finished': ({ outcome }) =>
    outcome === 'failed' ? 'error' : outcome === 'degraded' ? 'warn' : 'info',
  'boot.stopping': 'info',
  'boot.stopped': ({ errors }) => (errors.length > 0 ? 'error' : 'info'),
  'phase.started': 'debug',
  'phase.finished': 'info',
  'plugin.discovered': 'debug',
  'graph.sorted': ({ warnings }) => (warnings.length > 0 ? 'warn' : 'debug'),
  'survey.finished': 'debug',
  'plugin.migrate.planned': ({ pending, renameFrom }) =>
    pending.length > 0 || renameFrom !== undefined ? 'info' : 'debug',
  'plugin.migrate.warning': 'warn',
  'plugin.migrate.connecting': 'debug',
  'plugin.migrate.waiting': 'warn',
  'plugin.migrate.renamed': 'info',
  'plugin.migrate.started': 'debug',
  'plugin.migrate.applying': 'debug',
  'plugin.migrate.executing': 'debug',
  'plugin.migrate.executed': 'debug',
  'plugin.migrate.retrying': 'warn',
  'plugin.migrate.applied': 'info',
  'plugin.migrate.finished': byOutcome,
  'plugin.init.started': 'debug',
  'plugin.init.retrying': 'warn',
  'plugin.init.finished': byOutcome,
  'plugin.ready.started': 'debug',
  'plugin.ready.finished': byOutcome,
  'plugin.stop.started': 'debug',
  'plugin.stop.finished': byOutcome,
} as const satisfies Loudness;

/**
 * Writes every event of a boot as one line of a structured log: `event` holds its name, `err` its error, and the other
 * fields those of the event. After the failure of an optional plugin, a second line names the plugins that are `lost` with it.
 *
 * @example boot.onAny(createLogListener(pino()));
 */
export function createLogListener(logger: Logger): Listener<BootEvent> {
  const losses = new Losses();
  return (event) => {
    const {
      type,
      at: _,
      error,
      errors,
      ...fields
    } = event as BootEvent & {
      readonly error?: Error;
      readonly errors?: readonly Error[];
    };
    const line = {
      event: type,
      ...fields,
      ...(error ? { err: error } : {}),
      ...(errors?.length ? { errs: errors.map(readMessage) } : {}),
    };
    logger[chooseLevel(event)](line, sentence(event));
    const loss = losses.add(event);
    if (loss) {
      const { plugin, lost, text } = loss;
      logger.info({ event: type, bootId: event.bootId, seq: event.seq, plugin, lost }, text);
    }
  };
}

/** A pino logger that writes JSON lines to standard output. */
export function createPinoLogger(level: string): Logger {
  return pino({ level });
}

function chooseLevel(event: BootEvent): Level {
  const level: Level | ((event: never) => Level) = loudness[event.type];
  return typeof level === 'function' ? level(event as never) : level;
}

function sentence(event: BootEvent): string {
  if (event.type === 'boot.progress') return printable(event.headline);
  const who = 'plugin' in event ? `${event.plugin}: ` : '';
  const what = 'phase' in event ? `${event.phase} ` : '';
  const how = 'outcome' in event ? ` ${event.outcome}` : '';
  const time = 'durationMs' in event ? ` in ${formatDuration(event.durationMs)}` : '';
  const error = 'error' in event && event.error ? `: ${readMessage(event.error)}` : '';
  return printable(`${who}${what}${event.type}${how}${time}${error}`);
}
