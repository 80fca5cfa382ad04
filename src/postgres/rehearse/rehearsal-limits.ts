import type { MigrationSettings } from '../../core/settings.ts';

/** The limits of PostgreSQL, in ms: 0 would be none. */
const leastMs = 1_000;
const mostMs = 2_147_483_647;

/**
 * SQL that sets the limits of the open transaction of a rehearsal, on a server that knows them. Each is one for itself: a
 * process that is stopped in the middle, or a host that is gone, holds its locks for little longer than a rehearsal may take.
 * They are a second at least, so that the clock of the rehearsal comes first.
 */
export function limitsSql(
  { ddlLockTimeout, statementTimeout }: MigrationSettings,
  withinMs: number,
): string {
  const most = Math.max(leastMs, withinMs);
  const limits = {
    lock_timeout: ddlLockTimeout,
    // What a boot would cancel does not run to its end here.
    statement_timeout: statementTimeout > 0 ? Math.min(statementTimeout, most) : most,
    idle_in_transaction_session_timeout: most,
    // The others end only one statement, or one pause.
    transaction_timeout: Math.min(2 * most, mostMs),
  };
  const list = Object.entries(limits).map(([name, ms]) => `('${name}', '${ms}')`);
  return `select set_config(s.name, s.value, true) from (values ${list.join(', ')}) as s(name, value) where current_setting(s.name, true) is not null`;
}

/** Whether a text may replace one of the limits: it was written for a boot, which may take longer. */
export function mayReplaceLimits(text: string): boolean {
  return /(?:lock|statement|session|transaction)_timeout/i.test(text);
}
