import { formatDuration } from '../../../core/duration.ts';
import { listNames, shorten } from '../../../core/printable.ts';
import type { FleetSession } from '../../../postgres/doctor/fleet.ts';
import { answer, unknown, type Check } from './check-table.ts';
import type { Gathered } from './gather.ts';
import { mostListed } from './survey-findings.ts';

export function judgeIdleTransactions({ facts, longMs }: Gathered): Check {
  const id = 'idle-transactions';
  if ('because' in facts) return unknown(id, facts.because);
  const { idleSessions, hiddenSessions } = facts.value;
  const sessions = idleSessions.map(
    ({ pid, applicationName, role, transactionMs }) =>
      `${applicationName ?? 'a session'} (pid ${pid}, role ${role ?? 'unknown'}) for ${formatDuration(transactionMs)}`,
  );
  const evidence = { sessions: idleSessions.length, hiddenSessions, list: sessions };
  if (sessions.length > 0) {
    const found = `Idle in a transaction: ${shorten(sessions, 3).join(', ')}`;
    const pids = idleSessions.slice(0, 3).map(({ pid }) => `SELECT pg_terminate_backend(${pid});`);
    const remedy = `Find out what these programs do. ${pids.join(' ')} ends them.`;
    return answer(id, { status: 'warning', found, evidence, remedy });
  }
  if (hiddenSessions > 0) {
    const found = `${hiddenSessions} sessions of other roles are hidden from this role: GRANT pg_read_all_stats shows them`;
    return answer(id, { status: 'unknown', found, evidence });
  }
  const found = `No session is idle in a transaction for longer than ${formatDuration(longMs)}`;
  return answer(id, { status: 'ok', found, evidence });
}

export function judgePreparedTransactions({ facts }: Gathered): Check {
  const id = 'prepared-transactions';
  if ('because' in facts) return unknown(id, facts.because);
  const { preparedTransactions: all } = facts.value;
  const list = all.map(
    ({ name, owner, ageMs }) => `${name} of ${owner} for ${formatDuration(ageMs)}`,
  );
  if (list.length === 0) {
    return answer(id, { status: 'ok', found: 'No prepared transaction is left over' });
  }
  const remedy =
    'Ask the transaction manager that made them; then COMMIT PREPARED or ROLLBACK PREPARED.';
  const found = `Prepared transactions: ${shorten(list, 3).join(', ')}`;
  const evidence = { transactions: all.length, list };
  return answer(id, { status: 'warning', found, evidence, remedy });
}

export function judgeLocks({ fleet, longMs }: Gathered): Check {
  const id = 'migration-locks';
  if ('because' in fleet) return unknown(id, fleet.because);
  const holders = fleet.value.hosts
    .flatMap(({ sessions }) => sessions)
    .filter(({ holds }) => holds.length > 0);
  const list = holders.map(describeHolding);
  const evidence = { holders: holders.length, list: shorten(list, mostListed) };
  const stuck = holders.filter((session) => isStuck(session, longMs));
  if (stuck.length > 0) {
    const found = shorten(stuck.map(describeHolding), 3).join('; ');
    const remedy = `Look at the session: slipway status --fleet. slipway repair holder ${stuck[0]?.plugin ?? '<plugin>'} --terminate ends it.`;
    return answer(id, { status: 'warning', found, evidence, remedy });
  }
  const found =
    list.length === 0 ? 'No session holds a migration lock' : shorten(list, 3).join('; ');
  return answer(id, { status: 'ok', found, evidence });
}

function describeHolding(session: FleetSession): string {
  const { pid, applicationName, holds, state, stateMs, blockedBy } = session;
  const facts = [
    `pid ${pid}`,
    ...(state === undefined ? [] : [state]),
    ...(stateMs === undefined ? [] : [`for ${formatDuration(stateMs)}`]),
  ];
  const blocked = blockedBy.map(({ pid: other, applicationName: by }) =>
    by === undefined ? `pid ${other}` : `${by} (pid ${other})`,
  );
  const waits = blocked.length === 0 ? '' : `, waits for ${listNames(blocked)}`;
  return `${applicationName ?? 'a session'} (${facts.join(', ')}) holds the lock of ${listNames(holds)}${waits}`;
}

/** A session at work needs time; one that does nothing keeps others out, and so does one that waits itself. */
function isStuck({ state, stateMs = 0, blockedBy }: FleetSession, longMs: number): boolean {
  const isIdle = state !== undefined && state !== 'active';
  return stateMs > longMs && (isIdle || blockedBy.length > 0);
}
