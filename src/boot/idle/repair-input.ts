import type { Duration } from '../../core/duration.ts';
import { optionsInvalid } from '../../core/errors.ts';
import { boolean, duration, group, list, maybe, text, type Check } from '../../core/expect.ts';

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
}

const name = text(/^[^\0]+$/u, 'a name');

const atLeastOne: Check<readonly string[]> = (value, place) => {
  const names = list(name)(value, place);
  if (names.length > 0) return names;
  throw optionsInvalid(place, 'at least one name', value);
};

const common = { dryRun: [boolean, false], wait: [duration, 0] } as const;

/** What the repairs take, checked at the door; durations in ms. */
export const repairInput = {
  plugin: text(/^[^\0]+$/u, 'the id of a plugin'),
  files: atLeastOne,
  baseline: group({ ...common, upTo: [maybe(name), undefined] }),
  markApplied: group(common),
  acceptEdited: group({ ...common, files: [maybe(atLeastOne), undefined] }),
  relocate: group({ ...common, objects: [maybe(atLeastOne), undefined] }),
  holder: group({ terminate: [boolean, false] }),
} as const;
