import { roundMs } from '../../core/duration.ts';
import type { Clock } from '../../core/clock.ts';
import type { Emit } from '../../core/events.ts';
import type { LockBlocker } from '../../core/waits.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import type { ClientQuery } from '../connection/connection.ts';
import type { LongQuery } from '../connection/long-query.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import type { Question } from '../connection/question.ts';
import type { HistoryRow } from '../history/migration-history.ts';
import type { MigrationPlan } from '../history/migration-plan.ts';
import type { DoneCommand } from '../history/unfinished-file.ts';
import type { Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import type { FileCommand } from '../sql/file-commands.ts';
import type { SqlText } from '../sql/sql-text.ts';
import type { TextPosition } from '../sql/text-position.ts';
import type { KnownExtensions } from '../survey/known-extensions.ts';
import type { FileWatch, StatementWatch } from '../watch/statement-watch.ts';

/** The options of a plugin's migration. */
export interface MigrateOptions {
  readonly settings: MigrationSettings;
  readonly clock: Clock;
  /** Whether the connection has a session of its own, which a pooler that hands out transactions does not give. */
  readonly keepsSession: boolean;
  /** Whether no pooler is in between, which could read what is sent. */
  readonly isDirect: boolean;
  readonly emit: Emit;
  /** Called when the lock is held, before the first file. A plugin may take several calls, when another process has the lock in between. */
  readonly onLock: (lock: FirstLock) => void;
  /**
   * Called at the end of a call when something of the plugin is committed, and may not be on the disk yet. The caller flushes it,
   * whatever the outcome. Without this function, the last file waits for the disk.
   */
  readonly onUnflushed?: ((history: UnflushedHistory) => void) | undefined;
  /** Runs an attempt at a file, which has been emitted, and returns what it returns. */
  readonly inFile: <Result>(file: string, run: () => Promise<Result>) => Promise<Result>;
  /** Aborted: the running statement is cancelled, and its file is rolled back. */
  readonly signal: AbortSignal;
  /** Aborted: the current file is finished, and no further one is begun. */
  readonly windDown: AbortSignal;
  /** Aborted: the connection is destroyed, whatever runs. */
  readonly cut?: AbortSignal | undefined;
  /** Watches the files that run; without it none is. */
  readonly watch?: StatementWatch | undefined;
  /** Returns what to ask in the transaction of a file right before its COMMIT; asked for once in each transaction. */
  readonly measure?: ((file: Migration) => readonly Question[]) | undefined;
  /** Called with the schemas of extensions, before the first file and after each file that may change them. */
  readonly onExtensionSchemas?: ((schemas: readonly string[]) => void) | undefined;
}

/** The history of a plugin that has committed something without waiting for the disk. */
export interface UnflushedHistory {
  readonly historySchema: string;
  /** The least number of rows after its last COMMIT, as long as the table has this comment: what replaces rows changes it. */
  readonly rows: number;
  readonly comment: string | null;
}

/** The lock that a call has taken. */
export interface FirstLock {
  /** The session that holds it. */
  readonly backendPid: number;
  /** How long the call has waited for its client. */
  readonly connectMs: number;
}

/** One call of {@link MigrateOptions}, from its first message to its last file: made once, and handed on whole. */
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
  /** How many statements it has; unknown for a function. */
  readonly count?: number;
  /** The rows that it replaces, instead of being run. */
  readonly replaced?: readonly HistoryRow[];
  /** Its commands, when they run one by one outside of a transaction. Then each of them is a statement. */
  readonly commands?: readonly RunnableCommand[];
  /** SQL in place of its history row, for a command that does not end its file. */
  readonly closing?: readonly string[];
  /** Whether it may make something outside of its schema. */
  readonly mayReachOut: boolean;
  /** All its statements, when they can be sent at once: each is one command, which neither asks for more nor swallows what comes behind it. */
  readonly batch?: () => readonly FileStatement[];
  /**
   * Sends its statements one after the other. Once it has settled, nothing of it goes on.
   *
   * @param send Sends one statement with all that guards it, and returns what pg answers.
   */
  sendEach(send: (statement: FileStatement) => Promise<unknown>): Promise<void>;
}

/** A migration that runs command by command. */
export interface CommandFile extends PreparedFile {
  readonly commands: readonly RunnableCommand[];
  /** The rows of its commands that have run already. */
  readonly done: readonly DoneCommand[];
}

/** A command of a file without a transaction, as it is sent. */
export interface RunnableCommand extends Pick<FileCommand, 'way' | 'hash'> {
  readonly statement: FileStatement;
  /** Whether it can be sent together with what opens and closes its transaction. */
  readonly standsAlone: boolean;
}

/** A statement of a migration, as it is sent. */
export interface FileStatement {
  readonly query: ClientQuery;
  /** Sent in place of the query. Only for a long file, which is sent part by part. */
  readonly long?: LongQuery;
  /** The commands of the query. */
  readonly sql: Pick<SqlText, 'commands'>;
  /** Whether the query ends inside a literal, a quoted name or a block comment: it would swallow what is sent behind it. */
  readonly isLeftOpen: boolean;
  /** Counts from 1. */
  readonly number: number;
  /** How many there are; unknown for a function. */
  readonly count?: number;
  /** Its first line in the file; unknown for a function. */
  readonly line?: number;
  /** The keywords that it begins with. */
  readonly command: string;
  /** The author's text, and where in it the character at `index` of the query stands, or else the first SQL of the statement. */
  readonly origin: (index?: number) => {
    readonly text: string;
    readonly index: number;
    /** Where the text begins in its file; its first character when left out. */
    readonly place?: TextPosition;
  };
}

/**
 * The progress of one call. It changes as the migration goes on, so that an error can name the file and the
 * statement, wherever the error is noticed.
 */
interface MigrationProgress {
  /** How many rows the history had before the first file of this call; undefined before it was read. */
  rowsAtFirst: number | undefined;
  /** How many rows the history has by what this call has read and written. */
  rowsKnown: number;
  /** The comment on the history then. */
  comment: string | null;
  /** The files of this call. */
  pending: readonly Migration[];
  /** The plan by the history that was read last, and the lock under which it was read. */
  planned: { readonly held: object; readonly plan: MigrationPlan<Migration> } | undefined;
  /** Names of the files that this call has committed. */
  readonly applied: string[];
  /** The file that is being run. */
  open: PreparedFile | undefined;
  /** The statement of the open file that runs or has failed; undefined during Slipway's own, such as the history row. */
  statement: FileStatement | undefined;
  isCommitting: boolean;
  /** Whether something of the plugin is committed that no COMMIT of this call has taken to the disk. */
  isUnflushed: boolean;
  /** Whether the COMMIT of the open file was sent together with its statements. */
  isSentWhole: boolean;
  /** Watches the open file. */
  watched: FileWatch | undefined;
  /** The sessions that were found in the way at the last look. */
  blockers: readonly LockBlocker[];
  /** The command that the next start goes on at; counts from 1. Only for a file that runs command by command. */
  goesOnAt: number | undefined;
  /** Whether the open file has set a `lock_timeout` for its session. */
  hasOwnLockTimeout: boolean;
  /** Hashes of commands that PostgreSQL has refused to run in a transaction: they run alone. */
  readonly refused: Set<string>;
  /** What PostgreSQL has said of the last of them. */
  refusal: unknown;
  /** Advice from a look into the catalogs after a failure. */
  advice?: string | undefined;
}

/** The progress of a call before its first file. */
export function startProgress(): MigrationProgress {
  return {
    rowsAtFirst: undefined,
    rowsKnown: 0,
    comment: null,
    pending: [],
    planned: undefined,
    applied: [],
    open: undefined,
    statement: undefined,
    isCommitting: false,
    isUnflushed: false,
    isSentWhole: false,
    watched: undefined,
    blockers: [],
    goesOnAt: undefined,
    hasOwnLockTimeout: false,
    refused: new Set(),
    refusal: undefined,
  };
}

/** Notes that an attempt at a file begins: what was known of the one before it no longer holds. */
export function beginFile(progress: MigrationProgress, file: PreparedFile): void {
  progress.open = file;
  progress.statement = undefined;
  progress.isCommitting = false;
  progress.isSentWhole = false;
  progress.goesOnAt = undefined;
  progress.hasOwnLockTimeout = false;
}

/** Runs a statement of the open file: emits that it begins and, once it has run, how long it took. */
export async function runStatement(
  run: Migrating,
  statement: FileStatement,
  send: () => Promise<unknown>,
): Promise<unknown> {
  const end = beginStatement(run, statement);
  const answer = await send().finally(() => run.progress.watched?.end());
  end();
  return answer;
}

/**
 * Emits that a statement of the open file begins.
 *
 * @returns What to call once it has run, which emits how long it took.
 */
export function beginStatement(
  { plugin, progress, clock, emit }: Migrating,
  statement: FileStatement,
): () => void {
  const { number, count, line, command } = statement;
  const which = {
    plugin: plugin.id,
    file: progress.open?.file.name ?? '',
    statement: number,
    ...(count !== undefined && { statements: count }),
  };
  progress.statement = statement;
  progress.watched?.begin(statement);
  const startedAt = clock.elapsed();
  const place = line === undefined ? {} : { line };
  emit({ type: 'plugin.migrate.executing', ...which, ...place, command });
  return () => {
    const durationMs = roundMs(clock.elapsed() - startedAt);
    emit({ type: 'plugin.migrate.executed', ...which, durationMs });
    progress.statement = undefined;
  };
}
