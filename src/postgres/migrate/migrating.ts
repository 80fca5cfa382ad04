import type { LockBlocker, Tell } from '../../core/events.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import type { ClientQuery } from '../connection/connection.ts';
import type { PinnedClient, PinOptions } from '../connection/pinned-client.ts';
import type { Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import type { SqlText } from '../sql/sql-text.ts';
import type { KnownExtensions } from '../survey/known-extensions.ts';

/**
 * The options of a plugin's migration. An abort of `signal` cancels the running statement, and its file is rolled
 * back; an abort of `cut` destroys the connection, whatever runs.
 */
export interface MigrateOptions extends Omit<PinOptions, 'mayRepeat'> {
  readonly settings: MigrationSettings;
  /** Whether the connection has a session of its own, which a pooler that hands out transactions does not give. */
  readonly keepsSession: boolean;
  readonly tell: Tell;
  /** Aborted: the current file is finished, and no further one is begun. */
  readonly windDown: AbortSignal;
  /** Called with the schemas of extensions, before the first file and after each file that may change them. */
  readonly onExtensionSchemas?: ((schemas: readonly string[]) => void) | undefined;
}

/** One plugin's migration, from its first message to its last file: made once, and handed on whole. */
export interface Migrating extends MigrateOptions {
  readonly client: PinnedClient;
  readonly plugin: PluginMigrations;
  readonly extensions: KnownExtensions;
  readonly progress: MigrationProgress;
}

/** A migration that is ready to be sent. */
export interface PreparedFile {
  readonly file: Migration;
  /** Whether it runs in a transaction together with its history row. Otherwise the row comes after it. */
  readonly inTransaction: boolean;
  /** Whether it may make something outside of its schema. */
  readonly mayReachOut: boolean;
  /** Sends its statements one after the other. Once it has settled, nothing of it goes on. */
  sendEach(send: SendStatement): Promise<void>;
}

/** Sends one statement with all that guards it, and returns what pg answers. */
export type SendStatement = (statement: FileStatement) => Promise<unknown>;

/** A statement of a migration, as it is sent. */
export interface FileStatement {
  readonly query: ClientQuery;
  /** The commands of the query. */
  readonly sql: Pick<SqlText, 'commands'>;
  /** Whether the query ends inside a literal, a quoted name or a block comment: it would swallow what is sent behind it. */
  readonly isLeftOpen: boolean;
  /** Counts from 1. */
  readonly number: number;
  /** How many there are; unknown for a function. */
  readonly count?: number;
  /** The author's text, and where in it the character at `index` of the query stands, or else the first SQL of the statement. */
  readonly origin: (index?: number) => { readonly text: string; readonly index: number };
}

/**
 * How far a plugin's migration has come. It changes as the migration goes on, so that an error can name the file and the
 * statement, wherever the error is noticed.
 */
export interface MigrationProgress {
  readonly plugin: string;
  /** How many rows the history had before the first file. */
  rowsAtFirst: number;
  /** The files of this run. */
  pending: readonly Migration[];
  /** Names of the files that this run has committed. */
  readonly applied: string[];
  /** The file that is being run. */
  open: PreparedFile | undefined;
  /** The statement of the open file that runs or has failed; undefined during Slipway's own, such as the history row. */
  statement: FileStatement | undefined;
  isCommitting: boolean;
  /** The sessions that were found in the way at the last look. */
  blockers?: readonly LockBlocker[];
  /** Advice from a look into the catalogs after a failure. */
  advice?: string | undefined;
}

/** The progress of a plugin before its first file. */
export function startProgress(plugin: string): MigrationProgress {
  return {
    plugin,
    rowsAtFirst: 0,
    pending: [],
    applied: [],
    open: undefined,
    statement: undefined,
    isCommitting: false,
  };
}

/** Reports that a statement of the open file has been sent. */
export function reportStatement(
  { progress, clock, tell }: Migrating,
  { number, count }: FileStatement,
  startedAt: number,
): void {
  tell({
    type: 'plugin.migrate.statement',
    plugin: progress.plugin,
    file: progress.open?.file.name ?? '',
    statement: number,
    ...(count !== undefined && { statements: count }),
    durationMs: clock.elapsed() - startedAt,
  });
}
