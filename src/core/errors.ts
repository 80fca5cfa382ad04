import type { BootReport } from './report.ts';
import type { Phase } from './steps.ts';

/** Every error code, with what it means and what to do unless the error itself knows better. */
export const errorCodes = {
  OPTIONS_INVALID: ['an option is wrong', 'Correct the option that the message names.'],
  PLUGIN_INVALID: ['something listed as a plugin is none', 'List what definePlugin() returned.'],
  GRAPH_INVALID: [
    'the plugins do not fit together',
    'Solve every problem listed. Nothing has run yet.',
  ],
  PLUGIN_DUPLICATE: ['two plugins have one id', 'Rename one of them, or list it once.'],
  PLUGIN_ID_INVALID: [
    'a plugin id is not kebab-case',
    "Use lower-case letters, digits and '-', starting with a letter.",
  ],
  SCHEMA_NAME_TOO_LONG: [
    'a schema name is longer than PostgreSQL keeps',
    'Shorten the plugin id: PostgreSQL cuts names at 63 bytes, and two plugins would share a schema.',
  ],
  SERVICE_MISSING: [
    'a plugin needs what nobody provides',
    'Add the plugin that provides it, or make the dependency .optional().',
  ],
  SERVICE_DUPLICATE: [
    'one service has two providers',
    'Keep one provider, or make it a collectionRef().',
  ],
  DEPENDENCY_CYCLE: [
    'plugins need each other in a circle',
    'Break one of the edges: a collection or an optional service often turns it round.',
  ],
  DEP_KEY_RESERVED: ['a dependency or export has a key that is taken', 'Choose another key.'],
  PLAN_INVALID: [
    'the migrations do not fit the database',
    'Solve every problem listed. Nothing has been changed yet.',
  ],
  DATABASE_UNREACHABLE: [
    'PostgreSQL does not answer',
    'Check that the server runs and that the address and password are right; connect.wait says how long to keep trying.',
  ],
  DATABASE_PRIVILEGE: [
    'the database role lacks a right',
    'Grant the right that the message names.',
  ],
  DATABASE_READ_ONLY: ['the database takes no writes', 'Connect to the primary server.'],
  DATABASE_NOT_MIGRATED: [
    'a database handle was used before every migration was done',
    'Use the handle in init or later.',
  ],
  POOLER_UNSUPPORTED: [
    'a transaction pooler stands between Slipway and PostgreSQL',
    'Give Slipway a direct connection to PostgreSQL.',
  ],
  MIGRATION_FILES_INVALID: [
    'a migrations folder cannot be read',
    'Generate the folder again with drizzle-kit, and ship it with the plugin.',
  ],
  MIGRATION_WRONG_SCHEMA: [
    'a migration ran outside its pinned connection or schema',
    'Nothing of this file was kept. Look for a proxy, or a pool that hands out more than one connection.',
  ],
  MIGRATION_LOCK_TIMEOUT: [
    'another process holds the migration lock for too long',
    'Look at the holder that the message names; migrations.lockWait says how long to wait.',
  ],
  MIGRATION_CONNECTION_LOST: [
    'the connection broke during a migration',
    'Nothing of the open file was kept. Start again once PostgreSQL is back.',
  ],
  MIGRATION_FAILED: [
    'a migration failed',
    'Nothing of this file was kept. Correct it and start again.',
  ],
  INIT_FAILED: ["a plugin's init threw", 'Look at the cause.'],
  INIT_TIMEOUT: [
    "a plugin's init did not end in time",
    'See what it waits for, or raise timeouts.init for this plugin.',
  ],
  INIT_SERVICE_NOT_PROVIDED: [
    'init did not return what the plugin provides',
    'Return every key of provides from init.',
  ],
  READY_FAILED: ["a plugin's ready hook threw", 'Look at the cause.'],
  STOP_FAILED: [
    "a plugin's stop handler threw",
    'Look at the cause. Everything else was stopped all the same.',
  ],
  STOP_TIMEOUT: [
    'a plugin did not stop in time',
    'See what its stop handler waits for, or raise stop.timeout.',
  ],
  BOOT_CANCELED: ['the boot was stopped before it was ready', 'Nothing to do if this was meant.'],
  BOOT_ALREADY_RUN: ['this boot has ended', 'Make a new one with createBoot().'],
} as const satisfies Record<string, readonly [meaning: string, hint: string]>;

export type ErrorCode = keyof typeof errorCodes;

/** One of several things that are wrong at once. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly plugin?: string;
  readonly file?: string;
}

/** Where in a migration file something went wrong. Lines, columns and statements count from 1. */
export interface MigrationPosition {
  readonly file: string;
  readonly statement?: number;
  readonly statements?: number;
  readonly line?: number;
  readonly column?: number;
  /** A few lines of the file with a caret under the place. */
  readonly excerpt?: string;
}

/** What PostgreSQL said, besides its message. */
export interface DatabaseFault {
  readonly sqlState?: string;
  readonly detail?: string;
  readonly hint?: string;
}

export interface BootErrorFacts {
  readonly plugin?: string | undefined;
  readonly phase?: Phase | undefined;
  readonly hint?: string | undefined;
  readonly problems?: readonly Problem[] | undefined;
  readonly position?: MigrationPosition | undefined;
  readonly database?: DatabaseFault | undefined;
  readonly cause?: unknown;
}

/**
 * The one error class of Slipway: what happened (`code`, `message`), to whom (`plugin`, `phase`, `position`),
 * why (`cause`, `database`, `problems`) and what to do (`hint`).
 *
 * @example
 * try { await boot.start(); } catch (error) {
 *   if (error instanceof BootError) console.error(formatBootError(error));
 * }
 */
export class BootError extends Error {
  override readonly name = 'BootError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly plugin?: string;
  readonly phase?: Phase;
  readonly problems?: readonly Problem[];
  readonly position?: MigrationPosition;
  readonly database?: DatabaseFault;
  /** The report of the boot that this error ended. */
  report?: BootReport;

  constructor(code: ErrorCode, message: string, facts: BootErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.hint = facts.hint ?? errorCodes[code][1];
    if (facts.plugin !== undefined) this.plugin = facts.plugin;
    if (facts.phase !== undefined) this.phase = facts.phase;
    if (facts.problems !== undefined) this.problems = facts.problems;
    if (facts.position !== undefined) this.position = facts.position;
    if (facts.database !== undefined) this.database = facts.database;
  }
}

/** Makes a {@link Problem} with the hint of its code. */
export function problem(
  code: ErrorCode,
  message: string,
  about: { readonly plugin?: string; readonly file?: string; readonly hint?: string } = {},
): Problem {
  return { code, message, ...about, hint: about.hint ?? errorCodes[code][1] };
}

/** The error for a wrong option: `Expected init.concurrency to be an integer from 1 to 64, got 0`. */
export function optionsInvalid(name: string, expected: string, got: unknown): BootError {
  return new BootError('OPTIONS_INVALID', `Expected ${name} to be ${expected}, got ${show(got)}`);
}

/** Writes a value for a message: short, on one line, never throwing. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    return `an object with ${cut(Object.keys(value).join(', ')) || 'no keys'}`;
  }
  return String(value);
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
