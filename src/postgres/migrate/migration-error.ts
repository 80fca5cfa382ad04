import type { DatabaseFault, MigrationPosition } from '../../core/error-codes.ts';
import { readMessage, readText } from '../../core/foreign-value.ts';
import { listNames } from '../../core/printable.ts';
import { asBootError, BootError } from '../../core/errors.ts';
import { describeStatement } from '../../core/format-error.ts';
import {
  isConnectionLost,
  isWorthWaiting,
  readPosition,
  readSqlState,
} from '../connection/connection-error.ts';
import { adviceFor, adviceForLost } from './migration-advice.ts';
import type { FileStatement, Migrating, PreparedFile } from './migrating.ts';
import { advance, excerptAt, indexOfCharacter, textStart } from '../sql/text-position.ts';

/** A migration that may have no client yet. */
type Failed = Pick<Migrating, 'plugin' | 'progress'>;

/**
 * Makes the error of a migration out of whatever was thrown in it.
 *
 * @param thrown An error of ours is returned as it is.
 */
export function explainFailure(run: Failed, thrown: unknown): BootError {
  // Before the first file the connection may not even have been made.
  const isLost = run.progress.open ? isConnectionLost : isWorthWaiting;
  const explain = isLost(thrown) ? connectionLost : migrationFailed;
  return asBootError(thrown) ?? explain(run, thrown);
}

/**
 * Something that PostgreSQL refused, with its place in the file as the file's author knows it.
 *
 * @param hint What to do, and what is kept. Without it, both are found from the cause.
 */
export function migrationFailed(
  { plugin: { id: plugin }, progress }: Failed,
  cause: unknown,
  hint?: string,
): BootError {
  const { open, statement } = progress;
  const position = open && locate(open, statement, cause);
  const where = position && `${[position.file, ...describeStatement(position)].join(', ')}: `;
  return new BootError(
    'MIGRATION_FAILED',
    `${plugin} could not be migrated: ${where ?? ''}${readMessage(cause)}`,
    {
      plugin,
      phase: 'migrateAll',
      position,
      database: readFault(cause),
      hint: hint ?? [...adviceOn(cause, progress), whatIsKept(progress)].join(' '),
      cause,
    },
  );
}

const ifCrashed =
  'If the server crashed, committed files may be lost too, each with its row: they then run again.';

/** A connection that broke: another kind of failure, because starting again is all it needs. */
function connectionLost({ plugin: { id: plugin }, progress }: Failed, cause: unknown): BootError {
  const { open, isCommitting, isSentWhole, rowsAtFirst, applied } = progress;
  // A server that says why it ends the connection has answered everything before that.
  const mayBeCommitted = isCommitting || (isSentWhole && readSqlState(cause) === undefined);
  const where = open ? ` in ${open.file.name}` : '';
  const kept =
    open && mayBeCommitted
      ? `Whether ${nameOpen(progress, open)} is not known yet: the next start reads it from ${open.commands ? 'the database' : 'the history'}${whatStays(progress)}.`
      : whatIsKept(progress);
  const mayBeGone = rowsAtFirst === 0 && applied.length > 0;
  return new BootError(
    'MIGRATION_CONNECTION_LOST',
    `The connection broke while ${plugin} was migrated${where}: ${readMessage(cause)}`,
    {
      plugin,
      phase: 'migrateAll',
      position: open && { file: open.file.name },
      database: readFault(cause),
      hint: [kept, ...(mayBeGone ? [ifCrashed] : []), adviceForLost(cause)].join(' '),
      cause,
    },
  );
}

function adviceOn(cause: unknown, progress: Migrating['progress']): readonly string[] {
  const { open, statement, advice, blockers } = progress;
  const main = advice ?? adviceFor(cause, open?.file.name ?? 'the cause', blockers);
  const candidates = statement ? countCandidates(statement, cause) : 1;
  if (candidates === 1) return [main];
  return [
    main,
    `PostgreSQL does not say which of the ${candidates} commands of this statement failed: "--> statement-breakpoint" between them would show it.`,
  ];
}

/** How many commands may have failed: all that were sent at once, unless PostgreSQL names a place. */
function countCandidates(statement: FileStatement, cause: unknown): number {
  const isKnown = readPosition(cause) > 0 || statement.long?.ran !== undefined;
  return isKnown ? 1 : Math.max(1, statement.sql.commands.length);
}

function nameOpen({ goesOnAt }: Migrating['progress'], { file, commands }: PreparedFile): string {
  return commands && goesOnAt !== undefined
    ? `command ${goesOnAt} of ${file.name} is done`
    : `${file.name} was committed`;
}

/** Says what the database has of the files of this run. */
export function whatIsKept(progress: Migrating['progress']): string {
  const { open } = progress;
  const kept = !open
    ? 'Nothing was changed'
    : !open.inTransaction
      ? whatIsDone(progress, open)
      : `Nothing of ${open.file.name} was kept`;
  return `${kept}${whatStays(progress)}.`;
}

/** Whether the command of a file without a transaction that runs now has a transaction of its own. */
export function isCommandRolledBack({ open, goesOnAt, refused }: Migrating['progress']): boolean {
  const command = goesOnAt === undefined ? undefined : open?.commands?.[goesOnAt - 1];
  return command?.way === 'transaction' && !refused.has(command.hash);
}

/** Says how far a file without a transaction has come. */
function whatIsDone(
  progress: Migrating['progress'],
  { file: { name }, commands = [] }: PreparedFile,
): string {
  const { goesOnAt = 1 } = progress;
  const before = goesOnAt - 1;
  const isRolledBack = isCommandRolledBack(progress);
  if (commands.length < 2) {
    return isRolledBack
      ? `Nothing of ${name} was kept`
      : `${name} runs outside of a transaction, and the next start handles what is left of it`;
  }
  const done =
    before === 0
      ? `No command of ${name} is done`
      : before === 1
        ? `Command 1 of ${name} is done and stays, so leave its text as it is`
        : `Commands 1 to ${before} of ${name} are done and stay, so leave their text as it is`;
  const left = isRolledBack ? '' : ', and handles what is left of it';
  return `${done}; the next start goes on at command ${goesOnAt} of ${commands.length}${left}`;
}

function whatStays({ applied }: Pick<Migrating['progress'], 'applied'>): string {
  if (applied.length === 0) return '';
  const [are, stay] = applied.length === 1 ? ['is', 'stays'] : ['are', 'stay'];
  return `; ${listNames(applied)} ${are} committed and ${stay}`;
}

function locate(
  { file: { name: file } }: PreparedFile,
  statement: FileStatement | undefined,
  cause: unknown,
): MigrationPosition {
  if (!statement) return { file };
  const position = readPosition(cause);
  const {
    text,
    index,
    place = textStart,
  } = statement.origin(position > 0 ? indexOfCharacter(statement.query.text, position) : undefined);
  return {
    file,
    statement: statement.number,
    ...(statement.count !== undefined && { statements: statement.count }),
    ...advance(place, text.slice(0, index)),
    // A caret under the first of many commands would accuse the wrong one.
    ...(countCandidates(statement, cause) === 1 && { excerpt: excerptAt(text, index, place.line) }),
  };
}

function readFault(cause: unknown): DatabaseFault | undefined {
  const sqlState = readSqlState(cause);
  if (sqlState === undefined) return undefined;
  const [detail, hint] = [readText(cause, 'detail'), readText(cause, 'hint')];
  return { sqlState, ...(detail && { detail }), ...(hint && { hint }) };
}
