import type { LockBlocker } from '../../core/events.ts';
import { sqlStateOf } from '../connection/connection-error.ts';
import { describeBlocker } from '../locks/lock-blockers.ts';
import { listNames } from '../../core/printable.ts';
import { messageOf } from '../../core/foreign-value.ts';

/** What to do about an error of PostgreSQL in the file `culprit`, as far as its SQLSTATE tells. */
export function adviceFor(
  cause: unknown,
  culprit: string,
  blockers: readonly LockBlocker[] = [],
): string {
  switch (sqlStateOf(cause)) {
    case '42501':
      return 'Grant the role the right that PostgreSQL names, and start again.';
    case '42P06':
    case '42P07':
    case '42701':
    case '42710':
    case '42723':
      return 'It is there already: made by hand, by another tool, or by a run whose history was lost. Compare it with the file before you change anything; repair.markApplied() takes a file as applied whose work is all there.';
    case '3F000':
      return `No schema has that name: correct ${culprit}, or let this plugin depend on the one whose schema it is.`;
    case '23502':
    case '23503':
    case '23505':
    case '23514':
      return `The data does not fit what ${culprit} asks for: correct the data first, in ${culprit} or in a file before it, and start again.`;
    case '55P04':
      return 'A new value of an enum can be used only after its COMMIT: use it in the next file.';
    case '25001':
      return `${culprit} has a statement that PostgreSQL runs in no transaction: put it into a file of its own, with the line "-- slipway: no-transaction".`;
    case '55P03':
    case '40P01':
      return adviceForBlocked(blockers);
    case '57014':
      // pg gives COPY FROM STDIN up by itself, in words of its own.
      if (/No source stream defined/.test(messageOf(cause))) {
        return `COPY FROM STDIN wants data that no migration can send: turn it into INSERT in ${culprit}.`;
      }
      return 'Raise migrations.statementTimeout if that was the limit, and start again.';
    default:
      return `Correct ${culprit} and start again.`;
  }
}

/** What to do about a lock that somebody else holds. */
export function adviceForBlocked(blockers: readonly LockBlocker[]): string {
  const who =
    blockers.length === 0
      ? 'Somebody holds a lock on what it changes.'
      : `Look at who holds a lock there: ${listNames(blockers.map(describeBlocker))}.`;
  return `${who} Start again when it is through; migrations.ddlRetry says how long to keep trying.`;
}

/** What to do about a connection that broke, or could not be made. */
export function adviceForLost(cause: unknown): string {
  const goesOn = 'it goes on where this one ended.';
  switch (sqlStateOf(cause)) {
    case '53300':
      return `All connections are taken: give the pools of those who connect fewer clients, or raise max_connections or the limit of the role. Start again then: ${goesOn}`;
    case '57P01':
      return `Somebody ended the connection, by pg_terminate_backend or by stopping the server. Start again once PostgreSQL is back: ${goesOn}`;
    default:
      return `Start again once PostgreSQL is back: ${goesOn}`;
  }
}
