import { describeBlocker } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import { joinNames, printable, shorten } from '../core/printable.ts';
import type { LockReport } from '../core/report.ts';
import type { SessionsBehind, StatementLook, StatementProgress } from '../core/running-steps.ts';

/**
 * Describes what was seen of a statement that runs, with its name where its progress is known: `CREATE INDEX CONCURRENTLY
 * orders_idx: 63 %, about 50 s left (building index: scanning table)`. Empty when there is nothing to say.
 */
export function describeLook(
  command: string | undefined,
  { progress, blockers = [], behind = [] }: StatementLook,
): string {
  const [first, ...others] = blockers;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const who = first && describeBlocker(first) + more;
  const wait = who && `waits for a lock of ${who}`;
  const work = progress
    ? `${nameStatement(command, progress.relation, progress.index)}: ${describeProgress(progress, who) ?? wait}`
    : wait;
  return printable([work, ...behind.slice(0, 1).map(describeBehind)].filter(Boolean).join('; '));
}

/** `CREATE INDEX CONCURRENTLY orders_idx`; `CREATE INDEX on orders` while no other session can see the index. */
function nameStatement(command: string | undefined, relation = '', index = ''): string {
  const what = command || 'SQL';
  if (index !== '' || relation === '') return `${what} ${index}`.trim();
  return `${what}${/INDEX|TRIGGER|SELECT|^DO$/.test(what) ? ' on' : ''} ${relation}`;
}

/** Describes the progress of a statement that waits for no lock, or that waits for sessions as its phase says. */
function describeProgress(
  { phase, percent, done, unit, etaMs }: StatementProgress,
  who: string | undefined,
): string | undefined {
  // PostgreSQL itself says `waiting for old snapshots`.
  if (phase.startsWith('waiting')) return phase.replace('ing', 's') + (who ? ` of ${who}` : '');
  if (who !== undefined) return undefined;
  if (percent === undefined) return done === undefined ? phase : `${phase}, ${done} ${unit ?? ''}`;
  return `${percent} %${etaMs === undefined ? '' : `, ${describeLeft(etaMs)}`} (${phase})`;
}

/** `14 sessions of api@web-1 waited up to 1.90s so far for its ACCESS EXCLUSIVE lock on orders` */
function describeBehind(seen: SessionsBehind): string {
  const { relation, mode = 'row', longestMs } = seen;
  const lock = relation === undefined ? 'transaction' : `${mode} lock on ${relation}`;
  return `${describeWaiting(seen, longestMs)} so far for its ${lock}`;
}

/** Sessions whose names are not known are `14 other sessions`. */
function describeWaiting(
  { sessions, applicationNames }: Pick<LockReport, 'sessions' | 'applicationNames'>,
  longestMs: number,
): string {
  const word = sessions === 1 ? 'session' : 'sessions';
  const who =
    applicationNames.length === 0
      ? `other ${word}`
      : `${word} of ${joinNames(shorten(applicationNames, 2))}`;
  return `${sessions} ${who} waited up to ${formatDuration(longestMs)}`;
}

/** Describes a lock that kept others waiting: `ALTER TABLE orders: ACCESS EXCLUSIVE 2.30s, 14 sessions of api waited up to 1.90s`. */
export function describeLock(lock: LockReport): string {
  const { command, relation = 'its transaction', mode = 'row locks', heldMs, longestWaitMs } = lock;
  const what = command === undefined ? relation : nameStatement(command, relation);
  const held = heldMs === undefined ? `waited for ${mode}` : `${mode} ${formatDuration(heldMs)}`;
  return printable(`${what}: ${held}, ${describeWaiting(lock, longestWaitMs)}`);
}

/** `about 47 s left` */
export function describeLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return `about ${seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} left`;
}
