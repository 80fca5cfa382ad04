import { AssertionError } from 'node:assert';
import type { Duration } from '../core/duration.ts';
import { BootError } from '../core/errors.ts';
import { duration, group, integer, list, maybe, record, type Check } from '../core/expect.ts';
import type { Plugin } from '../core/plugin.ts';
import type { ReplicaBootOptions } from './replicas/replica.ts';
import type { ServerSource } from './stock/fresh-database.ts';
import { checkNames } from './stock/table-names.ts';

/** The options of {@link assertReplicasSafe}. Give `plugins` or `modules`. */
export interface ReplicasOptions {
  /**
   * The plugins of one backend. Their replicas run in this process, each on connections of its own, and a kill resets all of
   * them in one moment.
   *
   * @default none: give `modules`
   */
  readonly plugins?: readonly Plugin[];
  /**
   * The plugins as modules, by URL, whose default export is a plugin or a list of them. Their replicas are processes, and a
   * kill is a SIGKILL. It takes several times as long.
   *
   * @default none: give `plugins`
   */
  readonly modules?: readonly (URL | string)[];
  /**
   * A PostgreSQL on which databases may be created: a connection string with a host, or a server of `startPostgres()`.
   *
   * @default a server of `startPostgres()`, which is stopped afterwards
   */
  readonly server?: ServerSource;
  /**
   * Other options of each boot, such as `services`. With `modules` it has to be plain data.
   *
   * @default {}
   */
  readonly boot?: ReplicaBootOptions;
  /**
   * How many replicas boot at once, 2 to 16.
   *
   * @default 3
   */
  readonly replicas?: number;
  /**
   * The most rounds in which a replica is killed, 0 to 1000. Each is at another moment: after a statement of a file, between
   * two files, after a statement of `init`.
   *
   * @default 8, and 4 with `modules`
   */
  readonly kills?: number;
  /**
   * The seed of the choice of moments, when there are more than `kills`. The same seed gives the same rounds.
   *
   * @default 1
   */
  readonly randomSeed?: number;
  /**
   * Tables and columns that may hold something else after each boot: `['catalog.instances', 'catalog.items.checked_by']`.
   *
   * @default []
   */
  readonly mayDiffer?: readonly string[];
  /**
   * How long one replica may take to come up. In ms, or a string such as `'30s'`.
   *
   * @default '30s'
   */
  readonly timeout?: Duration;
}

/** The result of {@link assertReplicasSafe}: what it has looked at. */
export interface ReplicasVerdict {
  /** A sentence for each round. */
  readonly rounds: readonly string[];
  /** Columns and tables that were not compared, each with the reason: times, random ids, numbers. */
  readonly leftOut: ReadonlyMap<string, string>;
}

const anything: Check<unknown> = (value) => value;

const checkOptions = group({
  plugins: [maybe(list(anything)), undefined],
  modules: [maybe(list(anything)), undefined],
  server: [anything, undefined],
  boot: [record, {}],
  replicas: [integer(2, 16), 3],
  kills: [maybe(integer(0, 1_000)), undefined],
  randomSeed: [integer(0, 2 ** 32), 1],
  mayDiffer: [checkNames, []],
  timeout: [duration, '30s'],
});

/**
 * Asserts that several replicas of a backend may boot at once on one database, and that any of them may be killed: everything
 * is then there exactly once, as after a single boot. Works in every test runner.
 *
 * A single boot on a fresh database is the truth. Then several replicas boot at once, and in further rounds one of them is
 * killed. The others have to come up, and so has the one that takes its place.
 *
 * @param options A list of plugins is short for `{ plugins }`.
 * @throws AssertionError with the moment, the difference, and what to do; BootError `OPTIONS_INVALID`
 * @example await assertReplicasSafe({ plugins: [catalog], server: postgres });
 */
export async function assertReplicasSafe(
  options: ReplicasOptions | readonly Plugin[],
): Promise<ReplicasVerdict> {
  const given = (Array.isArray(options) ? { plugins: options } : options) as ReplicasOptions;
  const checked = checkOptions(given, 'assertReplicasSafe');
  const { plugins, modules, server } = given;
  if ((plugins === undefined) === (modules === undefined)) {
    const message = 'Expected assertReplicasSafe to get either plugins or modules';
    throw new BootError('OPTIONS_INVALID', message);
  }
  const { runReplicas } = await import('./replicas/run-replicas.ts');
  const { problem, ...verdict } = await runReplicas({
    backend: modules ? { program, modules: modules.map(String) } : { plugins: plugins ?? [] },
    server,
    boot: checked.boot,
    replicas: checked.replicas,
    kills: checked.kills ?? (modules ? 4 : 8),
    randomSeed: checked.randomSeed,
    mayDiffer: checked.mayDiffer,
    timeoutMs: checked.timeout,
  });
  if (problem === undefined) return verdict;
  throw new AssertionError({
    message: `Replicas are not safe: ${problem}`,
    stackStartFn: assertReplicasSafe,
  });
}

/** The program of a process. In the package it stands beside this code; a checkout of Slipway has to be built. */
const program = new URL(
  import.meta.url.endsWith('.ts')
    ? '../../dist/src/testing/replica-program.js'
    : './replica-program.js',
  import.meta.url,
);
