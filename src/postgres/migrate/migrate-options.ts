import { hostname as systemHostname } from 'node:os';
import type { Clock } from '../../core/clock.ts';
import type { Tell } from '../../core/events.ts';
import type { ExtensionSetting } from '../survey/extension-schemas.ts';
import type { FunctionPathPolicy } from '../survey/function-path-problems.ts';
import type { StrayPolicy } from '../survey/stray-objects.ts';

export interface MigrateOptions {
  /** Aborted: the running statement is cancelled and its file rolled back. */
  readonly signal: AbortSignal;
  /** Aborted: the current file is finished, and no further one is begun. */
  readonly windDown: AbortSignal;
  /** Aborted: the connection is destroyed, whatever runs. */
  readonly cut?: AbortSignal | undefined;
  readonly tell: Tell;
  /** Whether the session is ours alone; behind a pooler that hands out transactions it is not. True unless told. */
  readonly keepsSession?: boolean | undefined;
  /** Schemas behind the plugin's own in the search_path. */
  readonly extensionSchemas: ExtensionSetting;
  /** Called with those that were found, before the first file and after those that may change them. */
  readonly onExtensionSchemas?: ((schemas: readonly string[]) => void) | undefined;
  /** Whether `"public".` means the plugin's own schema. */
  readonly rewritePublic: boolean;
  /** What to do about objects that a file makes outside of the plugin's schema; `error` unless told. */
  readonly strayObjects?: StrayPolicy | undefined;
  /**
   * What to do about functions that run with a `search_path` out of the plugin's schema.
   *
   * @default 'warn'
   */
  readonly functionSearchPath?: FunctionPathPolicy | undefined;
  /** The `lock_timeout` of files in a transaction, in ms; 1 s unless told, 0 is none. */
  readonly ddlLockTimeoutMs?: number | undefined;
  /** How long one file is tried again after failures that pass, in ms; 5 minutes unless told. */
  readonly ddlRetryMs?: number | undefined;
  /** In ms; none unless told. */
  readonly statementTimeoutMs?: number | undefined;
  /** Part of the application_name; this machine's unless told. */
  readonly hostname?: string;
  /** Called for each message of SQL sent. */
  readonly onStatement?: (() => void) | undefined;
  readonly clock: Clock;
}

/** The options of a migration with nothing left out that has a default. */
export interface MigrateSettings extends MigrateOptions {
  readonly keepsSession: boolean;
  readonly strayObjects: StrayPolicy;
  readonly functionSearchPath: FunctionPathPolicy;
  readonly ddlLockTimeoutMs: number;
  readonly ddlRetryMs: number;
  /** 0 is none. */
  readonly statementTimeoutMs: number;
}

export function completeOptions(options: MigrateOptions): MigrateSettings {
  return {
    ...options,
    keepsSession: options.keepsSession ?? true,
    strayObjects: options.strayObjects ?? 'error',
    functionSearchPath: options.functionSearchPath ?? 'warn',
    ddlLockTimeoutMs: options.ddlLockTimeoutMs ?? 1_000,
    ddlRetryMs: options.ddlRetryMs ?? 300_000,
    statementTimeoutMs: options.statementTimeoutMs ?? 0,
  };
}

/** As others see the connection, in `pg_stat_activity` and as the holder of a lock. */
export function applicationNameOf(
  plugin: string,
  { hostname = systemHostname() }: Pick<MigrateOptions, 'hostname'>,
): string {
  return `slipway/${plugin}@${hostname}`;
}
