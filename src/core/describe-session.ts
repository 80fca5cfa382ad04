import { formatDuration } from './duration.ts';
import type { LockBlocker, LockHolder } from './events.ts';

/** Names a lock holder for people: `slipway/catalog@web-2 (pid 4711 at 10.0.0.7, connected for 2.31s)`. */
export function describeHolder({ applicationName, pid, host, ageMs }: LockHolder): string {
  if (pid === undefined) return 'an unknown session';
  const where = host === undefined ? '' : ` at ${host}`;
  const age = ageMs === undefined ? '' : `, connected for ${formatDuration(ageMs)}`;
  return `${applicationName || 'a session'} (pid ${pid}${where}${age})`;
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
  return `${applicationName ?? 'a session'} (${facts.join(', ')})`;
}
