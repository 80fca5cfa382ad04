import { pino } from 'pino';
import { formatDuration } from '../core/duration.ts';
import { chooseLevel } from '../core/event-levels.ts';
import type { BootEvent } from '../core/events.ts';
import { readMessage } from '../core/foreign-value.ts';
import type { Logger } from '../core/logger.ts';
import { printable } from '../core/printable.ts';
import type { Listener } from './bus.ts';
import { Losses } from './losses.ts';

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

function sentence(event: BootEvent): string {
  if (event.type === 'boot.progress') return printable(event.headline);
  const who = 'plugin' in event ? `${event.plugin}: ` : '';
  const what = 'phase' in event ? `${event.phase} ` : '';
  const how = 'outcome' in event ? ` ${event.outcome}` : '';
  const time = 'durationMs' in event ? ` in ${formatDuration(event.durationMs)}` : '';
  const error = 'error' in event && event.error ? `: ${readMessage(event.error)}` : '';
  return printable(`${who}${what}${event.type}${how}${time}${error}`);
}
