import type { Duration } from '../../core/duration.ts';
import { optionsInvalid } from '../../core/errors.ts';
import { boolean, duration, group, listOf, maybe, text, type Check } from '../../core/expect.ts';

/** What every repair takes beside what it is about. */
export interface RepairOptions {
  /** Tell what would be done, and change nothing; false unless told. */
  readonly dryRun?: boolean;
  /** How long to wait for the migration lock of the plugin; not at all unless told. */
  readonly wait?: Duration;
}

/** What `repair.baseline()` takes. */
export interface BaselineOptions extends RepairOptions {
  /** The last file that counts as applied, `0003_prices.sql` or `0003_prices`; all files when left out. */
  readonly upTo?: string;
}

/** What `repair.acceptEdited()` takes. */
export interface AcceptEditedOptions extends RepairOptions {
  /** The files whose text is right as it is now; all edited ones when left out. */
  readonly files?: readonly string[];
}

/** What `repair.relocate()` takes. */
export interface RelocateOptions extends RepairOptions {
  /** The names of what is to be moved, for what several plugins may own; all that is certainly the plugin's when left out. */
  readonly objects?: readonly string[];
}

/** What `repair.holder()` takes. */
export interface HolderOptions {
  /** Ends the session that holds the lock: what it has not committed is rolled back. False unless told. */
  readonly terminate?: boolean;
}

const name = text(/^[^\0]+$/u, 'a name');

const atLeastOne: Check<readonly string[]> = (value, place) => {
  const names = listOf(name)(value, place);
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
