import type { Duration } from '../../core/duration.ts';
import { BootError, optionsInvalid } from '../../core/errors.ts';
import { boolean, duration, group, maybe } from '../../core/expect.ts';
import { isInstance } from '../../core/foreign-value.ts';
import type { DatabaseSource } from '../../postgres/connection/connection.ts';
import { checkSource } from '../../postgres/connection/source-check.ts';

/** The options of {@link Boot.plan}. */
export interface PlanOptions {
  /**
   * Runs the pending files for a trial: on the database itself, where they are rolled back, or on another one.
   *
   * @default false
   */
  readonly rehearse?: boolean | RehearseOptions;
}

/** The options of a rehearsal. */
export interface RehearseOptions {
  /**
   * How long the locks of one transaction may be held on the database itself. Then everything is rolled back, and the file is
   * reported as late.
   *
   * @default '5s'
   */
  readonly within?: Duration;
  /**
   * PostgreSQL's `lock_timeout` for the rehearsal: queries of others wait behind a lock that it waits for.
   *
   * @default '200ms'
   */
  readonly lockTimeout?: Duration;
  /**
   * Whether functions run, too. A rollback takes back nothing that they do outside of the database.
   *
   * @default false
   */
  readonly functions?: boolean;
  /**
   * Whether to run everything on a copy of the database, which is dropped afterwards. No other session may be connected to the
   * database while it is copied.
   *
   * @default false
   */
  readonly copy?: boolean;
  /**
   * Another database, in which everything is applied and kept: a copy of your own.
   *
   * @default none
   */
  readonly against?: DatabaseSource;
  /**
   * Aborted: the rehearsal ends, and everything is rolled back; a copy is dropped.
   *
   * @default none
   */
  readonly signal?: AbortSignal;
}

/** The checked options of a rehearsal. */
export type RehearseSettings = ReturnType<typeof checkGroup>;

const checkGroup = group({
  within: [maybe(duration), undefined],
  lockTimeout: [maybe(duration), undefined],
  functions: [maybe(boolean), undefined],
  copy: [boolean, false],
  against: [maybe(checkSource), undefined],
  signal: [maybe(checkSignal), undefined],
});

const planGroup = group({ rehearse: [checkRehearse, false] });

/**
 * Checks the options of a plan.
 *
 * @throws BootError `OPTIONS_INVALID`
 */
export function checkPlanOptions(options: PlanOptions): {
  readonly rehearse: RehearseSettings | undefined;
} {
  return planGroup(options, 'plan()');
}

function checkRehearse(value: unknown, name: string): RehearseSettings | undefined {
  if (value === false) return undefined;
  if (value === true) return checkGroup({}, name);
  const checked = checkGroup(value, name);
  if (checked.copy && checked.against !== undefined) {
    throw conflict(name, 'copy', 'against', 'Slipway makes the copy, or you name one');
  }
  const where = checked.copy ? 'copy' : checked.against === undefined ? undefined : 'against';
  if (where === undefined) return checked;
  const limit = (['within', 'lockTimeout', 'functions'] as const).find(
    (key) => checked[key] !== undefined,
  );
  if (limit === undefined) return checked;
  throw conflict(name, limit, where, 'nothing is limited where no other session works');
}

function conflict(name: string, one: string, other: string, why: string): BootError {
  const message = `${name} has both ${one} and ${other}: ${why}`;
  return new BootError('OPTIONS_INVALID', message, { hint: 'Remove one of the two.' });
}

function checkSignal(value: unknown, name: string): AbortSignal {
  if (isInstance(value, AbortSignal)) return value;
  throw optionsInvalid(name, 'an AbortSignal', value);
}
