import { AssertionError } from 'node:assert';
import type { Boot } from '../boot/boot.ts';
import type { Duration } from '../core/duration.ts';
import {
  boolean,
  duration,
  group,
  integer,
  list,
  maybe,
  record,
  type Check,
} from '../core/expect.ts';
import type { Plugin } from '../core/plugin.ts';
import type { ReplicaBootOptions } from './replicas/replica.ts';
import type { ServerSource } from './stock/fresh-database.ts';
import { checkNames } from './stock/table-names.ts';

/** The options of {@link assertUpgradeSafe}. */
export interface UpgradeOptions {
  /** The plugins of the old release. */
  readonly from: readonly Plugin[];
  /** The plugins of the new release. */
  readonly to: readonly Plugin[];
  /**
   * A PostgreSQL on which databases may be created: a connection string, or a server of `startPostgres()`.
   *
   * @default a server of `startPostgres()`, which is stopped afterwards
   */
  readonly server?: ServerSource;
  /**
   * Other options of each boot, such as `services`.
   *
   * @default {}
   */
  readonly boot?: ReplicaBootOptions;
  /**
   * Puts data into the tables of the old release.
   *
   * @default none: rows are generated
   */
  readonly seed?: (old: Boot) => unknown;
  /**
   * How many rows are generated in each table, 0 to 100,000.
   *
   * @default 3, and 0 with `seed`
   */
  readonly rows?: number;
  /**
   * The work of the old release on its tables: called in a loop while the new one boots, and again afterwards. It must not fail.
   *
   * @default none
   */
  readonly work?: (old: Boot) => unknown;
  /**
   * Checks that the new release does with the data what it should. It fails by throwing.
   *
   * @default none
   */
  readonly check?: (next: Boot) => unknown;
  /**
   * Tables and columns that this upgrade is meant to change or to drop: `['catalog.items.price', 'catalog.drafts']`.
   *
   * @default []
   */
  readonly mayChange?: readonly string[];
  /**
   * Whether the old release is up while the new one boots, as in a rolling deploy. `false` stops it first, for a deploy that
   * replaces all replicas, such as one that renames a plugin.
   *
   * @default true
   */
  readonly beside?: boolean;
  /**
   * How long a statement of the old release may wait for a lock of the new one. In ms, or a string such as `'2s'`.
   *
   * @default '2s'
   */
  readonly lockWait?: Duration;
}

/** The result of {@link assertUpgradeSafe}: what it found that is no fault. */
export interface UpgradeVerdict {
  /** Tables for which no row could be made, each with the reason: give `seed` for those. */
  readonly notMade: ReadonlyMap<string, string>;
  /** Tables that the upgrade has rewritten: nothing can read them meanwhile, however many rows they have. */
  readonly rewritten: readonly string[];
}

const anything: Check<unknown> = (value) => value;

const checkOptions = group({
  from: [list(anything), undefined],
  to: [list(anything), undefined],
  server: [anything, undefined],
  boot: [record, {}],
  seed: [anything, undefined],
  rows: [maybe(integer(0, 100_000)), undefined],
  work: [anything, undefined],
  check: [anything, undefined],
  mayChange: [checkNames, []],
  beside: [boolean, true],
  lockWait: [duration, '2s'],
});

/**
 * Asserts that a new release of plugins may be rolled out over an old one that is up and has data. Works in every test runner.
 *
 * The old release boots on a fresh database, gets data, and goes on working while the new one boots beside it. Then no row may
 * be lost, no value changed, and no table or column gone; the old release still works, and another replica of it boots, as in
 * a rollback; and the upgraded database has the structure of a fresh install.
 *
 * @param options Two lists of plugins are short for `{ from, to }`.
 * @throws AssertionError with all that is wrong, and what to do; BootError `OPTIONS_INVALID`
 * @example await assertUpgradeSafe({ from: [catalogV1], to: [catalogV2], server: postgres });
 */
export async function assertUpgradeSafe(
  options: UpgradeOptions | readonly Plugin[],
  to?: readonly Plugin[],
): Promise<UpgradeVerdict> {
  const given = (Array.isArray(options) ? { from: options, to } : options) as UpgradeOptions;
  const checked = checkOptions(given, 'assertUpgradeSafe');
  const { runUpgrade } = await import('./upgrade/run-upgrade.ts');
  const { problems, ...verdict } = await runUpgrade({
    ...given,
    server: given.server,
    boot: checked.boot,
    rows: checked.rows ?? (given.seed ? 0 : 3),
    mayChange: new Set(checked.mayChange),
    beside: checked.beside,
    lockWaitMs: checked.lockWait,
  });
  if (problems.length === 0) return verdict;
  throw new AssertionError({
    message: `The upgrade is not safe:\n\n  ${problems.join('\n\n  ')}`,
    stackStartFn: assertUpgradeSafe,
  });
}
