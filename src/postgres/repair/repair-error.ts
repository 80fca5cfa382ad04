import { BootError } from '../../core/errors.ts';
import { isInstance, readMessage } from '../../core/foreign-value.ts';
import type { LockBlocker } from '../../core/waits.ts';
import { isConnectionLost, readSqlState } from '../connection/connection-error.ts';
import { describeBlocker } from '../../core/describe-session.ts';
import { readGuardFailure } from '../connection/session-guard.ts';

/** Makes the error of a repair that cannot do what it was called for. */
export function repairRefused(plugin: string, message: string, hint?: string): BootError {
  return new BootError('REPAIR_REFUSED', `${plugin}: ${message}`, { plugin, hint });
}

/** Turns an error of pg in a repair into a BootError; other errors are returned unchanged. */
export function toRepairError(
  plugin: string,
  cause: unknown,
  blockers: readonly LockBlocker[] = [],
): unknown {
  if (isInstance(cause, BootError)) return cause;
  const reason = readMessage(cause);
  const sqlState = readSqlState(cause);
  if (isConnectionLost(cause)) {
    return new BootError(
      'MIGRATION_CONNECTION_LOST',
      `The connection broke while ${plugin} was repaired: ${reason}`,
      {
        plugin,
        cause,
        hint: 'Everything was changed, or nothing. Call it again: a second call is safe.',
      },
    );
  }
  const found = readGuardFailure(cause);
  if (found) {
    const message = `${plugin} was not repaired: backend ${found.pid} answered, in another transaction`;
    return new BootError('MIGRATION_WRONG_SCHEMA', message, {
      plugin,
      cause,
      hint: 'Nothing was changed. Look for a proxy or a wrapper of the pool that uses more than one connection.',
    });
  }
  if (sqlState === undefined) return cause;
  return new BootError(codeFor(sqlState), `${plugin} was not repaired: ${reason}`, {
    plugin,
    cause,
    database: { sqlState },
    hint: hintFor(sqlState, blockers),
  });
}

function codeFor(sqlState: string): 'DATABASE_PRIVILEGE' | 'DATABASE_READ_ONLY' | 'REPAIR_FAILED' {
  if (sqlState === '42501') return 'DATABASE_PRIVILEGE';
  return sqlState === '25006' ? 'DATABASE_READ_ONLY' : 'REPAIR_FAILED';
}

function hintFor(sqlState: string, blockers: readonly LockBlocker[]): string | undefined {
  switch (sqlState) {
    case '42501':
      return 'Nothing was changed. Connect as the role that owns what the message names; it also needs CREATE on the schema.';
    case '55P03':
    case '40P01': {
      const who = blockers.map(describeBlocker).join('; ');
      return `Nothing was changed. ${who === '' ? 'Another session' : who} uses what it changes: call it again, or raise migrations.ddlLockTimeout.`;
    }
    case '42703':
      return "Nothing was changed. A table __drizzle_migrations without these columns is not Drizzle's: find out who made it, and rename it.";
    default:
      return undefined;
  }
}
