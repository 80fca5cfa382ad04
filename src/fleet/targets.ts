import type { Pool, PoolConfig } from 'pg';
import { BootError, optionsInvalid, show } from '../core/errors.ts';
import { boolean, knownKeysOnly, record } from '../core/expect.ts';
import { readMessage } from '../core/foreign-value.ts';
import { printable } from '../core/printable.ts';
import type { DatabaseSource } from '../postgres/connection/connection.ts';
import { nameDatabase } from '../postgres/connection/database-place.ts';
import { checkSource } from '../postgres/connection/source-check.ts';

/**
 * A database of a fleet: its name in reports, and where it is. By its name it belongs to a shard.
 *
 * @example { name: 'acme', url: 'postgres://db-3.internal/acme' }
 */
export interface FleetTarget {
  /** Of at most 200 characters. Each name is there once. */
  readonly name: string;
  /** A connection string; or `pool`. */
  readonly url?: string;
  /** A config of pg, or a pool, which stays the caller's; or `url`. */
  readonly pool?: Pool | PoolConfig;
  /** Whether it is migrated before all that are none. */
  readonly canary?: boolean;
}

/** The databases of a fleet, each a {@link FleetTarget} or a connection string, or a function that returns them. */
export type FleetTargets =
  | readonly (FleetTarget | string)[]
  | (() => readonly (FleetTarget | string)[] | Promise<readonly (FleetTarget | string)[]>);

/** A database of a fleet, checked. */
export interface CheckedTarget {
  readonly name: string;
  readonly source: DatabaseSource;
  readonly isCanary: boolean;
  /** As it was given, for the function `boot`. */
  readonly given: FleetTarget;
}

/** The most databases of a fleet. */
const mostTargets = 100_000;
const longestName = 200;

/**
 * Asks for the databases, and checks all of them: each name and each database is there once.
 *
 * @throws BootError `OPTIONS_INVALID`, which repeats nothing of a connection string
 */
export async function readTargets(targets: unknown): Promise<readonly CheckedTarget[]> {
  const listed: unknown = typeof targets === 'function' ? await ask(targets) : targets;
  if (!Array.isArray(listed)) throw wrong('targets', 'a list of databases', listed);
  if (listed.length === 0) throw nothingListed();
  if (listed.length > mostTargets) {
    throw optionsInvalid('targets', `a list of at most ${mostTargets} databases`, listed);
  }
  const checked = Array.from(listed as readonly unknown[], checkTarget);
  refuseTwice(checked);
  return checked;
}

async function ask(targets: unknown): Promise<unknown> {
  try {
    return await (targets as () => unknown)();
  } catch (cause) {
    const message = `The function targets has failed: ${readMessage(cause)}`;
    const hint = 'Look at the cause. No database has been looked at yet.';
    throw new BootError('OPTIONS_INVALID', message, { cause, hint });
  }
}

function nothingListed(): BootError {
  return new BootError(
    'OPTIONS_INVALID',
    'Expected targets to have a database, got an empty list',
    {
      hint: 'Look where the list comes from. A release that migrates no database at all is mostly a mistake.',
    },
  );
}

const keys = ['name', 'url', 'pool', 'canary'];

function checkTarget(value: unknown, at: number): CheckedTarget {
  const place = `targets[${at}]`;
  if (typeof value === 'string') {
    const url = checkUrl(value, place);
    const name = nameDatabase(url);
    return { name, source: url, isCanary: false, given: { name, url } };
  }
  if (typeof value !== 'object' || value === null) {
    throw optionsInvalid(place, '{ name, url }, { name, pool } or a connection string', value);
  }
  const given = record(value, place);
  knownKeysOnly(given, keys, place);
  const name = checkName(given['name'], `${place}.name`);
  const isCanary = boolean(given['canary'] ?? false, `${place}.canary`);
  return {
    name,
    source: checkPlace(given, `${place} (${name})`),
    isCanary,
    given: value as FleetTarget,
  };
}

function checkName(value: unknown, place: string): string {
  const expected = `a name of 1 to ${longestName} characters, without control characters`;
  // A name is printed, so it must not be an address with a password in it.
  if (typeof value === 'string' && value.includes('://')) {
    throw new BootError('OPTIONS_INVALID', `Expected ${place} to be a name, got a URL`, {
      hint: 'Give the connection string as url, and a name that may be printed as name.',
    });
  }
  const isName =
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= longestName &&
    !/\s{2}|[\n\t]|^\s|\s$/.test(value) &&
    printable(value) === value;
  if (isName) return value;
  throw optionsInvalid(place, expected, value);
}

function checkPlace(given: Readonly<Record<string, unknown>>, place: string): DatabaseSource {
  const { url, pool } = given;
  if ((url === undefined) === (pool === undefined)) {
    const got = url === undefined ? 'neither' : 'both';
    throw new BootError('OPTIONS_INVALID', `Expected ${place} to have url or pool, got ${got}`, {
      hint:
        url === undefined
          ? 'Check that the variable that the connection string comes from is set.'
          : 'Give one of the two.',
    });
  }
  return url === undefined ? checkSource(pool, `${place}.pool`) : checkUrl(url, `${place}.url`);
}

function checkUrl(value: unknown, place: string): string {
  if (typeof value !== 'string') throw wrong(place, 'a connection string', value);
  return checkSource(value, place) as string;
}

/** A text in the wrong place may be a connection string, so it is not repeated. */
function wrong(place: string, expected: string, got: unknown): BootError {
  const looks = typeof got === 'string' ? 'a string' : show(got);
  return new BootError('OPTIONS_INVALID', `Expected ${place} to be ${expected}, got ${looks}`);
}

/** Two names of one database would be migrated side by side, and reported twice. */
function refuseTwice(targets: readonly CheckedTarget[]): void {
  const names = new Map<string, number>();
  const databases = new Map<string, string>();
  for (const [at, { name, source }] of targets.entries()) {
    const first = names.get(name);
    if (first !== undefined) {
      const message = `Expected the names in targets to be different, got ${show(name)} in targets[${first}] and targets[${at}]`;
      throw new BootError('OPTIONS_INVALID', message);
    }
    names.set(name, at);
    const database = nameDatabase(source);
    const other = databases.get(database);
    if (other !== undefined) {
      const message = `Expected each database to be in targets once, got ${database} as ${show(other)} and as ${show(name)}`;
      throw new BootError('OPTIONS_INVALID', message, { hint: 'Keep one of the two names.' });
    }
    databases.set(database, name);
  }
}
