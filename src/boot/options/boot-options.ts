import type { Pool, PoolConfig } from 'pg';
import type { Clock } from '../../core/clock.ts';
import type { AppName } from '../../core/events.ts';
import type { Logger } from '../../core/logger.ts';
import type { MigrationSource } from '../../core/migration-source.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { HostService } from '../../core/service.ts';
import type { SettingsOptions } from '../../core/settings.ts';

/** The options of {@link createBoot}. Durations are ms, or strings such as `'5s'`. */
export interface BootOptions extends SettingsOptions {
  /**
   * A `pg.Pool`, which stays the caller's; or a connection string or a config, from which Slipway makes a pool that it ends
   * itself. A config that names no server takes it from PGHOST and PGDATABASE, as pg does, and is refused where they are not
   * set.
   */
  readonly pool: Pool | string | PoolConfig;
  /**
   * A direct connection for migrations and locks, in the same forms, when `pool` goes through a pooler that keeps no sessions.
   *
   * @default `pool`
   */
  readonly migrationPool?: Pool | string | PoolConfig;
  /**
   * The plugins that are listed by hand, in any order.
   *
   * @default []
   */
  readonly plugins?: readonly Plugin[];
  /**
   * Where to find plugins that are packages: dependencies of the host and of its workspaces.
   *
   * @default no packages are searched
   */
  readonly discover?: DiscoverOptions;
  /**
   * The host's own migrations, which run before those of any plugin.
   *
   * @default none
   */
  readonly host?: HostOptions;
  /**
   * Whether the table `slipway.plugins` is read and kept, in which plugins can be disabled. An object is `true` with options.
   *
   * @default true with `discover`, false without it
   */
  readonly registry?: boolean | RegistryOptions;
  /**
   * The host's own services, made by `provide()`.
   *
   * @default []
   */
  readonly services?: readonly HostService[];
  /**
   * A pino logger, or one like it. A level makes Slipway write JSON lines to standard output.
   *
   * @default a logger that writes nothing
   */
  readonly logger?: Logger | 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /**
   * The name and the version of the host, for people who read the events of a boot.
   *
   * @default none
   */
  readonly hostApp?: AppName;
  /**
   * Where the boot is recorded, so that it can be explained later, also when its process was killed: the path of a file, whose
   * predecessor is kept with the ending `.previous`, or a function that gets the lines.
   *
   * @default none
   */
  readonly record?: string | ((lines: string) => void);
  /**
   * Whether each boot that gets ready is kept in the table `slipway.boots`, with the times of its steps, for `readHistory()`. It
   * is written after the boot is ready, and holds nothing up. The last 100 boots are kept.
   *
   * @default false
   */
  readonly history?: boolean;
  /**
   * The source of time, for tests of the host.
   *
   * @default the clock of the system
   */
  readonly clock?: Clock;
}

/** The options of a boot, or a function that makes them: what a config of the command line exports by default. */
export type BootConfig = BootOptions | (() => BootOptions | Promise<BootOptions>);

/**
 * Writes a config of the command line: `slipway.config.ts`, its default export. A function is called once for each command.
 *
 * @example
 * export default defineConfig({ pool: process.env.DATABASE_URL ?? 'postgres://localhost/shop', plugins: [auth, catalog] });
 */
export function defineConfig(config: BootConfig): BootConfig {
  return config;
}

/** Where to find plugins that are packages. */
interface DiscoverOptions {
  /** The folder of the host's package.json, whose dependencies and workspaces are searched: an absolute path or a `file:` URL. */
  readonly root: string | URL;
  /**
   * The field of package.json that marks a package as a plugin.
   *
   * @default 'slipway'
   */
  readonly field?: string;
  /**
   * The value that the field's `type` has in a plugin.
   *
   * @default 'backend'
   */
  readonly type?: 'backend';
}

/** The host's own migrations, which run before those of any plugin. */
interface HostOptions {
  /** As a plugin's: the folder that drizzle-kit or Prisma writes, `sqlFiles()`, a list of functions, or a list of these. */
  readonly migrations: MigrationSource;
  /**
   * The schema of the host's own tables.
   *
   * @default 'public'
   */
  readonly schema?: string;
  /**
   * The schema of the history table, as in Drizzle's own `migrate()`.
   *
   * @default 'drizzle'
   */
  readonly historySchema?: string;
  /**
   * Further schemas that are the host's alone, as a plugin's.
   *
   * @default none
   */
  readonly schemas?: readonly string[];
}

/** The options of the registry of plugins. */
interface RegistryOptions {
  /**
   * What to do when a plugin that the registry has enabled is not found: `warn` goes on without it, `error` ends the boot
   * before anything is migrated.
   *
   * @default 'warn'
   */
  readonly missing?: 'warn' | 'error';
}
