import { autoOr, boolean, duration, group, integer, maybe, oneOf, text } from './expect.ts';
import type { Duration } from './duration.ts';
import { anySchemaName, defaultSchemaPrefix } from './schema-name.ts';

/**
 * The options of migrations. Durations are ms, or strings such as `'5s'`.
 *
 * @example createBoot({ pool, plugins, migrations: { mode: 'wait', lockWait: '30m' } });
 */
export interface MigrationOptions {
  /**
   * What to do when something is pending: `apply` it; `verify`, which fails; or `wait` until another process has applied it,
   * for as long as `lockWait`.
   *
   * @default 'apply'
   */
  readonly mode?: 'apply' | 'verify' | 'wait';
  /**
   * How many plugins migrate side by side, 1 to 64. Never more than the pool has clients.
   *
   * @default 4
   */
  readonly concurrency?: number;
  /**
   * How long to wait for a migration lock that another process holds, counted from the first refusal.
   *
   * @default '10m'
   */
  readonly lockWait?: Duration;
  /**
   * PostgreSQL's `lock_timeout` for files that run in a transaction. 0 is none.
   *
   * @default '1s'
   */
  readonly ddlLockTimeout?: Duration;
  /**
   * How long one file is tried again after lock timeouts, deadlocks and races on the catalog.
   *
   * @default '5m'
   */
  readonly ddlRetry?: Duration;
  /**
   * PostgreSQL's `statement_timeout` for migrations. 0 is none.
   *
   * @default 0
   */
  readonly statementTimeout?: Duration;
  /**
   * What to do with a pending file that stands before an applied one: `apply` it with a warning, or fail.
   *
   * @default 'apply'
   */
  readonly outOfOrder?: 'apply' | 'error';
  /**
   * What to do when an applied file has been edited since. The file is never run again.
   *
   * @default 'warn'
   */
  readonly edited?: 'warn' | 'error';
  /**
   * What to do when the database has migrations that the folder lacks, as after a rollback of the release.
   *
   * @default 'warn'
   */
  readonly ahead?: 'warn' | 'error';
  /**
   * Schemas behind the plugin's own on its `search_path`, for extensions. `auto` takes every schema but `public` that holds
   * extensions, and no tables but theirs.
   *
   * @default 'auto'
   */
  readonly extensionSchemas?: 'auto' | readonly string[];
  /**
   * The text before the plugin's id in the name of its schema.
   *
   * @default 'plugin_'
   */
  readonly schemaPrefix?: string;
  /**
   * Whether `"public".` in generated SQL is read as the plugin's schema. Files on disk stay as they are.
   *
   * @default true
   */
  readonly rewritePublic?: boolean;
  /**
   * What to do when a migration creates something outside of its plugin's schema: `error` rolls the file back, `warn` emits a
   * warning, `off` does not look.
   *
   * @default 'error'
   */
  readonly strayObjects?: 'error' | 'warn' | 'off';
  /**
   * What to do when an object of a plugin is in `public` and not in the plugin's schema.
   *
   * @default 'error'
   */
  readonly strandedObjects?: 'error' | 'warn';
  /**
   * What to do about a function in a migration that runs with a `search_path` out of its plugin's schema.
   *
   * @default 'warn'
   */
  readonly functionSearchPath?: 'warn' | 'error';
}

/** The options of `init` and `ready`. */
interface InitOptions {
  /**
   * How many plugins start side by side, 1 to 1000. 1 is strict topological order.
   *
   * @default 8
   */
  readonly concurrency?: number;
  /**
   * How long one `init` or one `ready` may take.
   *
   * @default '60s'
   */
  readonly timeout?: Duration;
  /**
   * How long an `init` or a `ready` may go on after its signal was aborted.
   *
   * @default '10s'
   */
  readonly grace?: Duration;
}

/** The time limits of the way down. */
interface StopOptions {
  /**
   * How long the stop handlers of one plugin may take.
   *
   * @default '10s'
   */
  readonly timeout?: Duration;
  /**
   * How long the whole way down may take.
   *
   * @default '30s'
   */
  readonly total?: Duration;
}

/** The options of the wait for PostgreSQL. */
interface ConnectOptions {
  /**
   * How long PostgreSQL may be away, or have no free connection, before the first file of a plugin has begun.
   *
   * @default '60s'
   */
  readonly wait?: Duration;
}

/** The options that are plain values. */
export interface SettingsOptions {
  /** The options of migrations. */
  readonly migrations?: MigrationOptions;
  /**
   * `'session'` states that the pooler before PostgreSQL keeps sessions. Without it, a pooler counts as one that keeps none.
   *
   * @default detected
   */
  readonly pooler?: 'session';
  /** The options of `init` and `ready`. */
  readonly init?: InitOptions;
  /** The time limits of the way down. */
  readonly stop?: StopOptions;
  /** The options of the wait for PostgreSQL. */
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
