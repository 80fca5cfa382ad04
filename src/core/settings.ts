import { autoOr, boolean, duration, group, integer, maybe, oneOf, text } from './expect.ts';
import type { Duration } from './duration.ts';
import { anySchemaName, defaultSchemaPrefix } from './schema-name.ts';

/** How migrations run. */
export interface MigrationOptions {
  /**
   * What to do when something is pending: `apply` it, `verify` that nothing is and fail otherwise, or `wait` until another
   * process has applied it, for as long as `lockWait` says. `apply` unless told.
   */
  readonly mode?: 'apply' | 'verify' | 'wait';
  /** Plugins that migrate side by side, 1 to 64, never more than the pool has clients; 4 unless told. */
  readonly concurrency?: number;
  /** How long to wait for another process's migration lock, from the first refusal; 10 minutes unless told. */
  readonly lockWait?: Duration;
  /** PostgreSQL's `lock_timeout` for files that run in a transaction; 1 s unless told, 0 is none. */
  readonly ddlLockTimeout?: Duration;
  /** How long one file is tried again after lock timeouts, deadlocks and catalog races; 5 minutes unless told. */
  readonly ddlRetry?: Duration;
  /** PostgreSQL's `statement_timeout` for migrations; 0, the default, is none. */
  readonly statementTimeout?: Duration;
  /** What to do with a pending file that stands before an applied one: `apply` it with a warning, or fail; `apply` unless told. */
  readonly outOfOrder?: 'apply' | 'error';
  /** What an applied file is that was changed since: a warning, or a problem; `warn` unless told. It is never run again. */
  readonly edited?: 'warn' | 'error';
  /** What migrations are that the database has and the folder lacks: a warning, or a problem; `warn` unless told. */
  readonly ahead?: 'warn' | 'error';
  /**
   * Schemas behind the plugin's own on its `search_path`, for extensions. `auto` finds them: every schema but `public` that
   * holds extensions, and no tables but theirs. `auto` unless told.
   */
  readonly extensionSchemas?: 'auto' | readonly string[];
  /** What stands before the plugin id in its schema's name; `plugin_` unless told. */
  readonly schemaPrefix?: string;
  /** Whether `"public".` in generated SQL is read as the plugin's schema; true unless told. */
  readonly rewritePublic?: boolean;
  /**
   * What to do when a migration makes something outside of its plugin's schema: `error` undoes the file, `warn` tells it,
   * `off` does not look. `error` unless told.
   */
  readonly strayObjects?: 'error' | 'warn' | 'off';
  /** What it is when something of a plugin stands in `public` in place of its schema: a problem, or a warning; `error` unless told. */
  readonly strandedObjects?: 'error' | 'warn';
  /**
   * What to do about a function in a migration that runs with a `search_path` out of its plugin's schema.
   *
   * @default 'warn'
   */
  readonly functionSearchPath?: 'warn' | 'error';
}

/** How plugins are started. */
export interface InitOptions {
  /** Plugins that start side by side, 1 to 1000; 8 unless told. 1 is strict topological order. */
  readonly concurrency?: number;
  /** How long an `init` or a `ready` may take; 60 s by default. */
  readonly timeout?: Duration;
  /** How long an `init` whose signal is aborted may still take; 10 s unless told. */
  readonly grace?: Duration;
}

/** How long the way down may take. */
export interface StopOptions {
  /** How long the stop handlers of one plugin may take; 10 s unless told. */
  readonly timeout?: Duration;
  /** How long the whole way down may take; 30 s unless told. */
  readonly total?: Duration;
}

/** How long to wait for PostgreSQL. */
export interface ConnectOptions {
  /** How long PostgreSQL may stay away, or be full, before the first file of a plugin has begun; 60 s by default. */
  readonly wait?: Duration;
}

/** The options that are plain values. */
export interface SettingsOptions {
  readonly migrations?: MigrationOptions;
  /** `'session'` says that the pooler on the way of the migrations keeps sessions; otherwise it counts as one that does not. */
  readonly pooler?: 'session';
  readonly init?: InitOptions;
  readonly stop?: StopOptions;
  readonly connect?: ConnectOptions;
}

const shape = {
  migrations: [
    group({
      mode: [oneOf('apply', 'verify', 'wait'), 'apply'],
      concurrency: [integer(1, 64), 4],
      lockWait: [duration, '10m'],
      ddlLockTimeout: [duration, '1s'],
      ddlRetry: [duration, '5m'],
      statementTimeout: [duration, 0],
      outOfOrder: [oneOf('apply', 'error'), 'apply'],
      edited: [oneOf('warn', 'error'), 'warn'],
      ahead: [oneOf('warn', 'error'), 'warn'],
      extensionSchemas: [autoOr(anySchemaName), 'auto'],
      schemaPrefix: [
        text(
          /^(?!pg_)[a-z_][a-z0-9_]{0,61}$/,
          'at most 62 lower-case letters, digits and _, not beginning with pg_, which PostgreSQL reserves',
        ),
        defaultSchemaPrefix,
      ],
      rewritePublic: [boolean, true],
      strayObjects: [oneOf('error', 'warn', 'off'), 'error'],
      strandedObjects: [oneOf('error', 'warn'), 'error'],
      functionSearchPath: [oneOf('warn', 'error'), 'warn'],
    }),
    {},
  ],
  pooler: [maybe(oneOf('session')), undefined],
  init: [
    group({
      concurrency: [integer(1, 1000), 8],
      timeout: [duration, '60s'],
      grace: [duration, '10s'],
    }),
    {},
  ],
  stop: [group({ timeout: [duration, '10s'], total: [duration, '30s'] }), {}],
  connect: [group({ wait: [duration, '60s'] }), {}],
} as const;

/** Every plain option, checked and with its default; durations in ms. */
export type Settings = ReturnType<typeof checkSettings>;

/** The checked options of migrations. */
export type MigrationSettings = Settings['migrations'];

export const settingNames = Object.keys(shape) as readonly (keyof SettingsOptions)[];

/**
 * Checks the plain options once, at the door.
 *
 * @throws BootError `OPTIONS_INVALID`
 */
export const checkSettings = ((options: SettingsOptions) => group(shape)(options, '')) satisfies (
  options: SettingsOptions,
) => unknown;
