import type { DatabaseFault, MigrationPosition } from '../../core/error-codes.ts';
import { messageOf, readProperty, readText } from '../../core/foreign-value.ts';
import { listNames } from '../../core/printable.ts';
import { BootError } from '../../core/errors.ts';
import { describeStatement } from '../../core/format-error.ts';
import { sqlStateOf } from '../connection/connection-error.ts';
import { adviceFor, adviceForLost } from './migration-advice.ts';
import type { MigrationProgress } from './migration-progress.ts';
import type { MigrationWork, WorkStatement } from './migration-work.ts';
import { isSql } from '../sources/migration.ts';
import { unquotedPublicAdvice } from '../sql/public-names.ts';
import { partsOfName } from '../sql/sql-names.ts';
import { excerptAt, indexOfCharacter, positionAt } from '../sql/text-position.ts';

/**
 * Something that PostgreSQL refused, with its place in the file as the file's author knows it.
 *
 * @param hint What to do, and what is kept; told from the cause unless given.
 */
export function migrationFailed(
  progress: MigrationProgress,
  cause: unknown,
  hint?: string,
): BootError {
  const { plugin, work, statement } = progress;
  const position = work && locate(work, statement, cause);
  const where = position && `${[position.file, ...describeStatement(position)].join(', ')}: `;
  return new BootError(
    'MIGRATION_FAILED',
    `${plugin} could not be migrated: ${where ?? ''}${messageOf(cause)}`,
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
  'If it was the server that crashed, what is committed may be gone too, each file with its row: then it runs again.';

/** A connection that broke: another kind of failure, because starting again is all it needs. */
export function connectionLost(progress: MigrationProgress, cause: unknown): BootError {
  const { plugin, work, isCommitting, isInstall, applied } = progress;
  const where = work ? ` in ${work.file.name}` : '';
  const open =
    work && isCommitting
      ? `Whether ${work.file.name} was committed is not known yet: the next start reads it from the history.`
      : whatIsKept(progress);
  const mayBeGone = isInstall && applied.length > 0;
  return new BootError(
    'MIGRATION_CONNECTION_LOST',
    `The connection broke while ${plugin} was migrated${where}: ${messageOf(cause)}`,
    {
      plugin,
      phase: 'migrateAll',
      position: work && { file: work.file.name },
      database: readFault(cause),
      hint: [open, ...(mayBeGone ? [ifCrashed] : []), adviceForLost(cause)].join(' '),
      cause,
    },
  );
}

/** What Slipway found when it asked the server where it is. */
export function wrongSchema(
  { plugin, work }: MigrationProgress,
  found: string,
  hint?: string,
): BootError {
  const where = work ? `${work.file.name}: ` : '';
  return new BootError(
    'MIGRATION_WRONG_SCHEMA',
    `${plugin} could not be migrated: ${where}${found}`,
    { plugin, phase: 'migrateAll', position: work && { file: work.file.name }, hint },
  );
}

/** A file that ran without the lock at its end: another replica may have run it too. */
export function lockFreed(progress: MigrationProgress): BootError {
  const advice =
    'Take out of it what frees the lock: pg_advisory_unlock_all(), DISCARD ALL, or a function that calls them. If it has none of these, look for a pooler that resets sessions.';
  const kept = progress.work?.inTransaction
    ? whatIsKept(progress)
    : 'It runs in no transaction: what it did stays, it counts as not applied, and another replica may have run it at the same time. Look at the data before you start again.';
  return migrationFailed(
    progress,
    new Error('the migration lock was given up while it ran'),
    `${advice} ${kept}`,
  );
}

/** What a file made where only others may make something. */
export function strayObjects(progress: MigrationProgress, names: readonly string[]): BootError {
  const { plugin, work } = progress;
  const file = work?.file.name ?? '';
  // One in the plugin's own schema; any other is found by nobody but its members.
  const isExtension = names.every((name) => name.startsWith('extension '));
  const harm = isExtension ? ', where no other plugin finds it' : " outside of the plugin's schema";
  return new BootError(
    'MIGRATION_STRAY_OBJECTS',
    `${plugin} could not be migrated: ${file} makes ${listNames(names)}${harm}`,
    {
      plugin,
      phase: 'migrateAll',
      position: { file },
      hint: `${inPublicAdvice(progress, names) ?? strayAdvice(names)} If it is meant, put the line "-- slipway: allow-outside" into the file. ${whatIsKept(progress)}`,
    },
  );
}

/** The commonest reason: `public.` without quotes. */
function inPublicAdvice({ work }: MigrationProgress, names: readonly string[]): string | undefined {
  const found = names.flatMap((name) => / public\.(.+?)(?:\(.*)?$/.exec(name)?.[1] ?? []);
  const plain = found.flatMap((name) => partsOfName(name).at(0) ?? []);
  return work && isSql(work.file) ? unquotedPublicAdvice(work.file, plain) : undefined;
}

function strayAdvice(names: readonly string[]): string {
  const areAll = (kind: string): boolean => names.every((name) => name.startsWith(`${kind} `));
  if (areAll('schema')) {
    return 'Take CREATE SCHEMA out of the file, as Slipway makes the schema that it runs in.';
  }
  return areAll('extension')
    ? 'Write CREATE EXTENSION … SCHEMA with the schema that you have for extensions.'
    : "Take the schema's name out of the file.";
}

function adviceOn(cause: unknown, progress: MigrationProgress): readonly string[] {
  const { work, statement, advice, blockers } = progress;
  const main = advice ?? adviceFor(cause, work?.file.name ?? 'the cause', blockers);
  const candidates = statement ? countCandidates(statement, cause) : 1;
  if (candidates === 1) return [main];
  return [
    main,
    `PostgreSQL does not say which of the ${candidates} commands of this statement failed: "--> statement-breakpoint" between them would tell.`,
  ];
}

/** How many commands may have failed: all that were sent at once, unless PostgreSQL names a place. */
function countCandidates(statement: WorkStatement, cause: unknown): number {
  return placeOf(cause) > 0 ? 1 : Math.max(1, statement.sql.commands.length);
}

function placeOf(cause: unknown): number {
  const position = readProperty(cause, 'position');
  return typeof position === 'string' || typeof position === 'number' ? Number(position) : 0;
}

function whatIsKept({ applied, work }: MigrationProgress): string {
  const nothing = !work
    ? 'Nothing was changed'
    : !work.inTransaction
      ? `${work.file.name} runs in no transaction, and what is left of it is taken up by the next start`
      : `Nothing of ${work.file.name} was kept`;
  if (applied.length === 0) return `${nothing}.`;
  const [are, stay] = applied.length === 1 ? ['is', 'stays'] : ['are', 'stay'];
  return `${nothing}; ${listNames(applied)} ${are} committed and ${stay}.`;
}

function locate(
  { file: { name: file } }: MigrationWork,
  statement: WorkStatement | undefined,
  cause: unknown,
): MigrationPosition {
  if (!statement) return { file };
  const position = placeOf(cause);
  const { text, index } = statement.origin(
    position > 0 ? indexOfCharacter(statement.query.text, position) : undefined,
  );
  return {
    file,
    statement: statement.number,
    ...(statement.count !== undefined && { statements: statement.count }),
    ...positionAt(text, index),
    // A caret under the first of many commands would accuse the wrong one.
    ...(countCandidates(statement, cause) === 1 && { excerpt: excerptAt(text, index) }),
  };
}

function readFault(cause: unknown): DatabaseFault | undefined {
  const sqlState = sqlStateOf(cause);
  if (sqlState === undefined) return undefined;
  const [detail, hint] = [readText(cause, 'detail'), readText(cause, 'hint')];
  return { sqlState, ...(detail && { detail }), ...(hint && { hint }) };
}
