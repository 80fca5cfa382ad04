import { formatDuration, roundMs } from '../../../core/duration.ts';
import { BootError } from '../../../core/errors.ts';
import { listNames } from '../../../core/printable.ts';
import { answer, unknown, type Check } from './check-table.ts';
import { isPooled, type Gathered } from './gather.ts';

/** A round trip that takes longer is worth a line, in ms. */
const slowMs = 20;

export function judgeConnection({ link, facts }: Gathered): Check {
  if (link instanceof BootError) {
    const { message: found, hint: remedy, code } = link;
    return answer('connection', { status: 'problem', found, remedy, evidence: { code } });
  }
  const roundTripMs = roundMs(Math.min(...link.roundTrips.map(({ ms }) => ms)));
  const connectMs = roundMs(link.connectMs);
  const said = `PostgreSQL answers: ${formatDuration(connectMs)} to connect, ${formatShort(roundTripMs)} a round trip`;
  if ('because' in facts) {
    return answer('connection', {
      status: 'ok',
      found: said,
      evidence: { connectMs, roundTripMs },
    });
  }
  const { tls, isLocal } = facts.value;
  const evidence = { connectMs, roundTripMs, tls, isLocal };
  const found = `${said}, ${tls ? 'with TLS' : 'without TLS'}${isLocal ? ', on this host' : ''}`;
  if (!tls && !isLocal) {
    const remedy =
      'Set ssl in the config of the pool, or add ?sslmode=verify-full to the connection string.';
    return answer('connection', { status: 'warning', found, evidence, remedy });
  }
  if (roundTripMs > slowMs) {
    const remedy = 'Run the migrations near the database: each file takes several round trips.';
    return answer('connection', { status: 'warning', found, evidence, remedy });
  }
  return answer('connection', { status: 'ok', found, evidence });
}

/** A round trip is often shorter than what `formatDuration` can show. */
function formatShort(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)}ms` : formatDuration(ms);
}

export function judgePooler(gathered: Gathered): Check {
  const { survey, link, poolLink } = gathered;
  if ('because' in survey) return unknown('pooler', survey.because);
  if (link instanceof BootError) return unknown('pooler', link.message);
  const { pooler, keepsSession } = survey.value;
  const hasOwn = poolLink !== undefined;
  const isPoolPooled = poolLink instanceof BootError ? undefined : poolLink && isPooled(poolLink);
  const evidence = {
    pooler,
    keepsSession,
    migrationPool: hasOwn,
    ...(isPoolPooled !== undefined && { poolIsPooled: isPoolPooled }),
  };
  const refused = gathered.problems.filter(({ code }) => code === 'POOLER_UNSUPPORTED');
  const [first] = refused;
  const remedy = 'Give migrationPool a direct connection to PostgreSQL.';
  if (first) {
    const found = listNames(refused.map(({ message }) => message));
    return answer('pooler', { status: 'problem', found, evidence, remedy: first.hint });
  }
  if (link.isShared) {
    const found = `pooler is 'session', and the pooler gives the session of one client to another`;
    return answer('pooler', { status: 'problem', found, evidence, remedy });
  }
  if (!keepsSession) {
    const found = hasOwn
      ? 'migrationPool itself goes through a pooler that keeps no sessions'
      : 'Migrations go through a pooler that keeps no sessions';
    return answer('pooler', { status: 'warning', found, evidence, remedy });
  }
  const way = pooler
    ? "Migrations go through a pooler that keeps sessions, as the option pooler: 'session' says"
    : 'Migrations connect directly';
  const other = isPoolPooled === true ? '; pool goes through a pooler' : '';
  return answer('pooler', { status: 'ok', found: way + other, evidence });
}

export function judgeConnections(gathered: Gathered): Check {
  const { facts, fleet, poolSizes, replicas: said, link, poolLink, settings } = gathered;
  if ('because' in facts) return unknown('connections', facts.because);
  const { isSuperuser, max, reserved, used, roleLimit, roleUsed, databaseLimit, databaseUsed } =
    facts.value.connections;
  const limits = [
    {
      limit: isSuperuser ? max : max - reserved,
      used,
      from: isSuperuser ? 'max_connections' : 'max_connections without the reserved ones',
    },
    ...(roleLimit >= 0 && !isSuperuser
      ? [{ limit: roleLimit, used: roleUsed, from: 'CONNECTION LIMIT of the role' }]
      : []),
    ...(databaseLimit >= 0 && !isSuperuser
      ? [{ limit: databaseLimit, used: databaseUsed, from: 'CONNECTION LIMIT of the database' }]
      : []),
  ];
  const tightest = limits.reduce((a, b) => (b.limit - b.used < a.limit - a.used ? b : a));
  const smallest = limits.reduce((a, b) => (b.limit < a.limit ? b : a));
  const seen = 'value' in fleet ? fleet.value.hosts.filter(({ host }) => host !== '').length : 0;
  const replicas = said ?? Math.max(1, seen);
  const perReplica = countPerReplica(poolSizes, link, poolLink);
  const free = tightest.limit - tightest.used;
  const needed = perReplica * replicas;
  const evidence = {
    limit: smallest.limit,
    limitFrom: smallest.from,
    used: tightest.used,
    free,
    perReplica,
    replicas,
    replicasFrom: said === undefined ? 'seen' : 'given',
    needed,
    migrations: settings.migrations.concurrency,
  };
  const counted = said === undefined ? ' (those that migrate now; give the number)' : '';
  const found = `${replicas === 1 ? '1 replica' : `${replicas} replicas`}${counted} can take ${needed} of ${smallest.limit} connections (${smallest.from}); ${free} are free now`;
  if (needed > smallest.limit) {
    const fits = Math.floor(smallest.limit / replicas);
    const remedy = `Give each replica at most ${fits} connections, raise the limit, or put a pooler in between.`;
    return answer('connections', { status: 'problem', found, evidence, remedy });
  }
  if (free < perReplica) {
    const remedy = `Free ${perReplica - free} connections before the next replica starts: it takes up to ${perReplica}.`;
    return answer('connections', { status: 'warning', found, evidence, remedy });
  }
  return answer('connections', { status: 'ok', found, evidence });
}

/** Behind a pooler, clients share the connections of the server: only direct ones count. */
function countPerReplica(
  { pool, migrationPool }: Gathered['poolSizes'],
  link: Gathered['link'],
  poolLink: Gathered['poolLink'],
): number {
  const direct = (way: Gathered['poolLink'], size: number): number =>
    way === undefined || way instanceof BootError || !isPooled(way) ? size : 0;
  return migrationPool === undefined
    ? direct(link, pool)
    : direct(poolLink, pool) + direct(link, migrationPool);
}

export function judgeConnectionCheck({ link }: Gathered): Check {
  const id = 'connection-check';
  if (link instanceof BootError) return unknown(id, link.message);
  if (link.checksConnections) {
    const found = 'The server notices within a second that the process of a migration is gone';
    return answer(id, { status: 'ok', found });
  }
  const found = 'The server notices only after a statement that the process of a migration is gone';
  const remedy =
    'After a crash, look at the holder of a lock with repair.holder(), which can end its session.';
  return answer(id, { status: 'warning', found, remedy });
}
