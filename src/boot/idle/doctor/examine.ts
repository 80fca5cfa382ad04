import type { Duration } from '../../../core/duration.ts';
import { duration, group, integer, maybe } from '../../../core/expect.ts';
import { whileWatched } from '../../around/exit-watch.ts';
import type { BootOptions } from '../../options/boot-options.ts';
import { checkBootOptions } from '../../options/boot-settings.ts';
import { doctorChecks, type Check, type CheckId, type CheckStatus } from './check-table.ts';
import { gather, type Gathered } from './gather.ts';
import {
  judgeConnection,
  judgeConnectionCheck,
  judgeConnections,
  judgePooler,
} from './judge-connections.ts';
import {
  judgeHistories,
  judgeMigrations,
  judgePlugins,
  judgePrivileges,
  judgeReadOnly,
  judgeRegistry,
} from './judge-plugins.ts';
import { judgeExtensions, judgeIndexes, judgeOrphans, judgeStranded } from './judge-schemas.ts';
import { judgePackages, judgeServerVersion, judgeTimeLimits } from './judge-server.ts';
import { judgeIdleTransactions, judgeLocks, judgePreparedTransactions } from './judge-sessions.ts';

/** The options of {@link examine}. */
export interface ExamineOptions {
  /**
   * How many processes of this host run at once, for the check of the connections.
   *
   * @default as many hosts as migrate now, at least 1
   */
  readonly replicas?: number;
  /**
   * How old a transaction, or an idle session with a migration lock, is when it is reported.
   *
   * @default '1m'
   */
  readonly longAfter?: Duration;
}

/** The answers of all checks. Plain JSON. */
export interface Examination {
  /** The worst status of a check; `unknown` is better than a warning. */
  readonly status: CheckStatus;
  /** One for each of {@link doctorChecks}, in the same order. */
  readonly checks: readonly Check[];
}

const checkHow = group({
  replicas: [maybe(integer(1, 100_000)), undefined],
  longAfter: [duration, '1m'],
});

const judges: Readonly<Record<CheckId, (gathered: Gathered) => Check>> = {
  connection: judgeConnection,
  'server-version': judgeServerVersion,
  packages: judgePackages,
  plugins: judgePlugins,
  registry: judgeRegistry,
  'read-only': judgeReadOnly,
  privileges: judgePrivileges,
  histories: judgeHistories,
  migrations: judgeMigrations,
  extensions: judgeExtensions,
  'stranded-objects': judgeStranded,
  'orphaned-schemas': judgeOrphans,
  'invalid-indexes': judgeIndexes,
  pooler: judgePooler,
  connections: judgeConnections,
  'connection-check': judgeConnectionCheck,
  'time-limits': judgeTimeLimits,
  'idle-transactions': judgeIdleTransactions,
  'prepared-transactions': judgePreparedTransactions,
  'migration-locks': judgeLocks,
};

/**
 * Examines the host, its plugins and its database, without changing anything: the versions, rights and settings that a boot
 * needs, and what earlier boots have left behind. A database that does not answer, or a right that is missing, is an answer of
 * its check and no error.
 *
 * @param options Those of `createBoot()`.
 * @throws BootError `OPTIONS_INVALID` or `PLUGIN_INVALID`
 * @example
 * const { checks } = await examine({ pool, plugins }, { replicas: 3 });
 * for (const { id, status, found } of checks) console.log(status, id, found);
 */
export async function examine(
  options: BootOptions,
  how: ExamineOptions = {},
): Promise<Examination> {
  const settings = checkBootOptions(options);
  const { replicas, longAfter: longMs } = checkHow(how, 'examine');
  const gathered = await whileWatched('examine()', () => gather(settings, { replicas, longMs }));
  const checks = (Object.keys(doctorChecks) as CheckId[]).map((id) => judges[id](gathered));
  const worst = severities.find((status) => checks.some((check) => check.status === status));
  return { status: worst ?? 'ok', checks };
}

const severities = ['problem', 'warning', 'unknown'] as const satisfies readonly CheckStatus[];
