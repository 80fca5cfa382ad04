import type { LockBlocker } from '../../core/events.ts';
import { describeBlocker } from '../../core/describe-session.ts';
import { sqlStateOf } from '../connection/connection-error.ts';
import { passingReason } from './migration-retry.ts';
import { adviceByState, correct } from './state-advice.ts';
import { listNames } from '../../core/printable.ts';

/** Returns advice on an error of PostgreSQL in the file `culprit`, from the error alone. */
export function adviceFor(
  cause: unknown,
  culprit: string,
  blockers: readonly LockBlocker[] = [],
): string {
  const state = sqlStateOf(cause);
  // Not PostgreSQL: a function may throw anything.
  if (state === undefined) return correct(culprit);
  const reason = passingReason(cause);
  if (reason === 'lock') return adviceForBlocked(blockers);
  if (reason === 'race') return adviceForRace;
  const advise = adviceByState[state] ?? adviceByState[state.slice(0, 2)];
  return adviceForPreload(cause) ?? advise?.(culprit, cause) ?? correct(culprit);
}

const adviceForRace =
  'Other sessions kept changing the same objects: start again when they have finished.';

/** Some extensions are part of the server as long as it runs: each says so in an error of its own. */
function adviceForPreload(cause: unknown): string | undefined {
  const { message, hint = '' } = cause as { readonly message?: string; readonly hint?: string };
  return /shared_preload_libraries|must be preloaded/.test(`${message} ${hint}`)
    ? 'The extension has to be loaded when the server starts: add it to shared_preload_libraries, restart the server, and start again. A provider has a setting for that.'
    : undefined;
}

/** Returns advice on a lock that another session holds. */
export function adviceForBlocked(blockers: readonly LockBlocker[]): string {
  const who =
    blockers.length === 0
      ? 'Another session holds a lock on what it changes.'
      : `Look at who holds a lock there: ${listNames(blockers.map(describeBlocker))}.`;
  return `${who} Start again when it has finished; migrations.ddlRetry sets how long to keep trying.`;
}

/** Returns advice on a connection that broke, or could not be made. */
export function adviceForLost(cause: unknown): string {
  const goesOn = 'it continues where this one ended.';
  switch (sqlStateOf(cause)) {
    case '53300':
      return `All connections are taken: give the pools of other programs fewer clients, or raise max_connections or the limit of the role. Start again then: ${goesOn}`;
    case '57P01':
      return `The connection was ended, by pg_terminate_backend or because the server was stopped. Start again once PostgreSQL is back: ${goesOn}`;
    default:
      return `Start again once PostgreSQL is back: ${goesOn}`;
  }
}
