import { formatDuration } from './duration.ts';
import type { LockBlocker, LockHolder } from './waits.ts';

/**
 * Names a lock holder for people, and the session that it waits for itself: `slipway/catalog@web-2 (pid 4711 at 10.0.0.7, idle
 * in transaction for 2.31s, connected for 40s); it waits for psql (pid 4712, idle in transaction, since 1m)`.
 */
export function describeHolder(holder: LockHolder): string {
  const { applicationName, pid, host, state, transactionMs, ageMs, waitsFor } = holder;
  if (pid === undefined) return 'an unknown session';
  const since = transactionMs === undefined ? '' : ` for ${formatDuration(transactionMs)}`;
  const facts = [
    host === undefined ? `pid ${pid}` : `pid ${pid} at ${host}`,
    ...(state === undefined ? [] : [`${state}${since}`]),
    ...(ageMs === undefined ? [] : [`connected for ${formatDuration(ageMs)}`]),
  ];
  const next = waitsFor ? `; it waits for ${describeBlocker(waitsFor)}` : '';
  return `${applicationName || 'a session'} (${facts.join(', ')})${next}`;
}

/** Names a session that may block a migration, for people: `psql (pid 4711, idle in transaction, since 2.31s, on items)`. */
export function describeBlocker(blocker: LockBlocker): string {
  const { pid, applicationName, state, transactionMs, relation } = blocker;
  const facts = [
    `pid ${pid}`,
    ...(state === undefined ? [] : [state]),
    ...(transactionMs === undefined ? [] : [`since ${formatDuration(transactionMs)}`]),
    ...(relation === undefined ? [] : [`on ${relation}`]),
  ];
  return `${applicationName ?? 'another session'} (${facts.join(', ')})`;
}
