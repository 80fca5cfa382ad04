import type { Duration } from '../../core/duration.ts';
import { optionsInvalid } from '../../core/errors.ts';
import {
  boolean,
  duration,
  group,
  integer,
  list,
  maybe,
  oneOf,
  text,
  type Check,
} from '../../core/expect.ts';
import { historyTools, type HistoryTool } from '../../core/migration-source.ts';
import { withPinnedClient } from '../../postgres/connection/pinned-client.ts';
import { decideOnAdopted } from '../../postgres/repair/adopt-history.ts';
import { endHolder, findHolder, type HolderReport } from '../../postgres/repair/lock-holder.ts';
import { decideOnForgetting } from '../../postgres/repair/forget-rows.ts';
import { decideOnMoves } from '../../postgres/repair/relocate.ts';
import { toRepairError } from '../../postgres/repair/repair-error.ts';
import {
  decideOnHashes,
  decideOnRows,
  findFilesByName,
  findFilesUpTo,
} from '../../postgres/repair/repair-history.ts';
import type { RepairReport } from '../../postgres/repair/repair-report.ts';
import type { BootOptions } from '../options/boot-options.ts';
import { checkBootOptions, type BootSettings } from '../options/boot-settings.ts';
import { repairOne, withPlugin } from './repair-plugin.ts';

/** The options that all repairs share. */
export interface RepairOptions {
  /**
   * Whether to report what would be done, and change nothing.
   *
   * @default false
   */
  readonly dryRun?: boolean;
  /**
   * How long to wait for the migration lock of the plugin, in ms or as `'5s'`.
   *
   * @default 0
   */
  readonly wait?: Duration;
}

/** The options of `repair.baseline()`. */
export interface BaselineOptions extends RepairOptions {
  /**
   * The last file that counts as applied: `0003_prices.sql` or `0003_prices`.
   *
   * @default the last file of the folder
   */
  readonly upTo?: string;
  /**
   * The tool whose history says which files are applied; other files stay pending. Its table is only read.
   *
   * @default none: every file counts as applied
   */
  readonly from?: HistoryTool;
  /**
   * The table of that history, `schema.table`.
   *
   * @default the tool's own name for it, in the plugin's schema or else in `public`
   */
  readonly table?: string;
}

/** The options of `repair.acceptEdited()`. */
export interface AcceptEditedOptions extends RepairOptions {
  /**
   * The files whose text is right as it is now.
   *
   * @default all edited files
   */
  readonly files?: readonly string[];
}

/** The options of `repair.forget()`. */
export interface ForgetOptions extends RepairOptions {
  /**
   * The rows to forget, as messages name them: `0003_prices`, or `created_at 1700000000000` where a history has no names.
   *
   * @default every row that no file of the folder matches
   */
  readonly rows?: readonly string[];
}

/** The options of `repair.relocate()`. */
export interface RelocateOptions extends RepairOptions {
  /**
   * The names of the objects to move. Needed for objects that several plugins may own.
   *
   * @default every object that is certainly the plugin's
   */
  readonly objects?: readonly string[];
}

/** The options of `repair.holder()`. */
export interface HolderOptions {
  /**
   * Whether to end the session that holds the lock. What it has not committed is rolled back.
   *
   * @default false
   */
  readonly terminate?: boolean;
  /**
   * The session that is meant, as an earlier call has returned it: when another one holds the lock by now, it is not ended.
   *
   * @default the session that holds the lock
   */
  readonly pid?: number;
}

/**
 * Sets right what keeps a plugin from migrating, each call for one plugin, by its id; the host's is `host`, and a tenant is named
 * `shop/acme`. Every call but `holder` decides and works in one transaction, under the migration lock of the plugin: beside a boot
 * it is safe. A second call finds nothing to do, and with `dryRun` it returns the same report and changes nothing.
 *
 * All of them throw BootError `REPAIR_REFUSED`, `REPAIR_FAILED`, `MIGRATION_LOCK_TIMEOUT` (naming the holder),
 * `MIGRATION_CONNECTION_LOST`, `DATABASE_PRIVILEGE`, `OPTIONS_INVALID`, or what `boot.plan()` throws.
 */
export interface Repair {
  /**
   * Takes files as applied without running them, all or up to one, or those that another tool has applied: for a database
   * that has it all already, made by that tool or by hand. Makes schema and history where they are missing.
   *
   * @example await repair.baseline('catalog', { upTo: '0003_prices.sql' });
   * @example await repair.baseline('catalog', { from: 'dbmate' });
   */
  baseline(plugin: string, options?: BaselineOptions): Promise<RepairReport>;
  /**
   * Takes single files as applied without running them.
   *
   * @example await repair.markApplied('catalog', ['0004_index.sql']);
   */
  markApplied(
    plugin: string,
    files: readonly string[],
    options?: RepairOptions,
  ): Promise<RepairReport>;
  /**
   * Takes edited files as right: their hash goes into the history, of a renamed file its name and time too. Nothing of them
   * is run.
   *
   * @example await repair.acceptEdited('catalog', { files: ['0001_prices.sql'] });
   */
  acceptEdited(plugin: string, options?: AcceptEditedOptions): Promise<RepairReport>;
  /**
   * Moves what was stranded in `public` into the plugin's schema, with its data, indexes, grants and foreign keys. Touches
   * nothing that the host, an extension or another plugin may own.
   *
   * @example const { changes, left } = await repair.relocate('catalog', { dryRun: true });
   */
  relocate(plugin: string, options?: RelocateOptions): Promise<RepairReport>;
  /**
   * Deletes rows of the history that no file of the folder matches, for a folder that was squashed by other means. A release
   * that still has these files is stopped instead of running them again.
   *
   * @example const { changes } = await repair.forget('catalog', { dryRun: true });
   */
  forget(plugin: string, options?: ForgetOptions): Promise<RepairReport>;
  /**
   * Returns the holder of a plugin's migration lock, and ends that session when asked to. Takes no lock.
   *
   * @example const { holder } = await repair.holder('catalog');
   */
  holder(plugin: string, options?: HolderOptions): Promise<HolderReport>;
}

const name = text(/^[^\0]+$/u, 'a name');

const atLeastOne: Check<readonly string[]> = (value, place) => {
  const names = list(name)(value, place);
  if (names.length > 0) return names;
  throw optionsInvalid(place, 'at least one name', value);
};

const common = { dryRun: [boolean, false], wait: [duration, 0] } as const;

/** Checks the options of each repair; durations in ms. */
const check = {
  baseline: group({
    ...common,
    upTo: [maybe(name), undefined],
    from: [maybe(oneOf(...historyTools)), undefined],
    table: [
      maybe(text(/^[^\0.]+\.[^\0]+$/u, "a name such as 'public.schema_migrations'")),
      undefined,
    ],
  }),
  markApplied: group(common),
  acceptEdited: group({ ...common, files: [maybe(atLeastOne), undefined] }),
  forget: group({ ...common, rows: [maybe(atLeastOne), undefined] }),
  relocate: group({ ...common, objects: [maybe(atLeastOne), undefined] }),
  holder: group({ terminate: [boolean, false], pid: [maybe(integer(1, 2 ** 31 - 1)), undefined] }),
} as const;

/**
 * Makes the repairs for the plugins of a boot. Takes the same options, checks them, and does nothing else.
 *
 * @throws BootError `OPTIONS_INVALID` or `PLUGIN_INVALID`
 * @example
 * const repair = createRepair({ pool, plugins });
 * const { statements } = await repair.relocate('catalog', { dryRun: true });
 */
export function createRepair(options: BootOptions): Repair {
  const settings = checkBootOptions(options);
  return {
    async baseline(plugin, given) {
      const { upTo, from, table, ...call } = check.baseline(given, 'baseline');
      if (table !== undefined && from === undefined) {
        throw optionsInvalid('baseline.from', `the tool whose history is ${table}`, from);
      }
      return repairOne(settings, 'baseline', plugin, call, (own) => {
        const files = upTo === undefined ? own.files : findFilesUpTo(own, upTo);
        return (client) =>
          from === undefined
            ? decideOnRows(client, own, files, { leavesRepeatable: true })
            : decideOnAdopted(client, own, { from, table }, files);
      });
    },
    async markApplied(plugin, names, given) {
      const call = check.markApplied(given, 'markApplied');
      const wanted = atLeastOne(names, 'files');
      return repairOne(settings, 'markApplied', plugin, call, (own) => {
        const files = findFilesByName(own, wanted);
        return (client) => decideOnRows(client, own, files);
      });
    },
    async acceptEdited(plugin, given) {
      const { files: wanted, ...call } = check.acceptEdited(given, 'acceptEdited');
      return repairOne(settings, 'acceptEdited', plugin, call, (own) => {
        const files = wanted && findFilesByName(own, wanted);
        return (client) => decideOnHashes(client, own, files);
      });
    },
    async forget(plugin, given) {
      const { rows, ...call } = check.forget(given, 'forget');
      return repairOne(settings, 'forget', plugin, call, (own) => {
        return (client) => decideOnForgetting(client, own, rows);
      });
    },
    async relocate(plugin, given) {
      const { objects, ...call } = check.relocate(given, 'relocate');
      return repairOne(settings, 'relocate', plugin, call, ({ id }, plugins) => {
        return (client) =>
          decideOnMoves(client, id, { plugins, objects, settings: settings.migrations });
      });
    },
    async holder(plugin, given) {
      return lookAtHolder(settings, plugin, check.holder(given, 'holder'));
    },
  };
}

async function lookAtHolder(
  settings: BootSettings,
  plugin: unknown,
  { terminate, pid }: ReturnType<typeof check.holder>,
): Promise<HolderReport> {
  return withPlugin(settings, plugin, async ({ id, schemas: { schema }, pool, signal }) => {
    // Once more would end the session of the next holder.
    let isTerminating = false;
    const pin = { signal, clock: settings.clock, mayRepeat: () => !isTerminating };
    try {
      return await withPinnedClient(pool, pin, async (client) => {
        const holder = await findHolder(client, schema);
        if (!holder) return { plugin: id, schema };
        const found = { plugin: id, schema, holder };
        if (!terminate) return found;
        if (pid !== undefined && pid !== holder.pid) {
          return { ...found, terminated: false, because: 'another session holds the lock now' };
        }
        isTerminating = true;
        const because = await endHolder(client, schema, holder.pid);
        return because === undefined
          ? { ...found, terminated: true }
          : { ...found, terminated: false, because };
      });
    } catch (error) {
      throw toRepairError(id, error);
    }
  });
}
