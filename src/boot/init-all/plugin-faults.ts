import { formatDuration } from '../../core/duration.ts';
import { asBootError, BootError } from '../../core/errors.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { listNames } from '../../core/printable.ts';
import type { Unreturned } from '../../postgres/scoped/loans.ts';

/** Makes the error for an `init` that threw, or whose context could not be made. */
export function initFailed(plugin: string, thrown: unknown): BootError {
  const known = asBootError(thrown);
  // The boot adds its report to the error. An error that a plugin has frozen becomes a cause instead.
  if (known?.plugin === plugin && Object.isExtensible(known)) return known;
  return new BootError('INIT_FAILED', `${plugin} failed to start: ${readMessage(thrown)}`, {
    plugin,
    phase: 'initAll',
    cause: thrown,
  });
}

export function initTimedOut(plugin: string, timeoutMs: number): BootError {
  const limit = formatDuration(timeoutMs);
  return new BootError('INIT_TIMEOUT', `init of ${plugin} did not end within ${limit}`, {
    plugin,
    phase: 'initAll',
  });
}

export function notProvided(plugin: string, keys: readonly string[]): BootError {
  const list = listNames(keys);
  return new BootError(
    'INIT_SERVICE_NOT_PROVIDED',
    `init of ${plugin} returned no ${list}, which the plugin provides`,
    { plugin, phase: 'initAll', hint: `Return ${list} from init, or remove it from provides.` },
  );
}

export function readyFailed(plugin: string, thrown: unknown): BootError {
  const message = `The ready hook of ${plugin} failed: ${readMessage(thrown)}`;
  return new BootError('READY_FAILED', message, { plugin, phase: 'initAll', cause: thrown });
}

export function readyTimedOut(plugin: string, timeoutMs: number): BootError {
  const message = `The ready hook of ${plugin} did not end within ${formatDuration(timeoutMs)}`;
  return new BootError('READY_FAILED', message, {
    plugin,
    phase: 'initAll',
    hint: 'See what it waits for, or raise timeouts.ready for this plugin.',
  });
}

export function stopFailed(plugin: string, errors: readonly Error[]): BootError {
  const [first, ...others] = errors.map(readMessage);
  const messages =
    others.length > 3 ? `${first} (and ${others.length} more)` : [first, ...others].join('; ');
  return new BootError('STOP_FAILED', `${plugin} failed to stop: ${messages}`, {
    plugin,
    phase: 'stopAll',
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}

/** @param errors The errors of other handlers of the plugin. */
export function stopTimedOut(
  plugin: string,
  timeoutMs: number,
  errors: readonly Error[],
): BootError {
  const limit = formatDuration(timeoutMs);
  return new BootError('STOP_TIMEOUT', `${plugin} did not stop within ${limit}`, {
    plugin,
    phase: 'stopAll',
    ...(errors.length > 0 ? { cause: new AggregateError(errors, 'other handlers failed') } : {}),
  });
}

/** Words the warning about clients and queries that a plugin left behind; `undefined` when there were none. */
export function unreturned(plugin: string, { clients, queries }: Unreturned): string | undefined {
  const parts = [
    ...(clients === 0
      ? []
      : [
          `${plugin} did not release ${count(clients, 'client')} of its database: destroyed when it stopped; call release() in a finally block`,
        ]),
    ...(queries === 0
      ? []
      : [`${plugin} stopped while ${count(queries, 'query', 'queries')} still ran: cut off`]),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
