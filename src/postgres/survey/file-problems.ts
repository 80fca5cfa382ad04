import { problem, type Problem } from '../../core/error-codes.ts';
import {
  isSql,
  type CodeMigration,
  type Migration,
  type SqlMigration,
} from '../sources/migration.ts';
import { sqlFormats } from '../../core/migration-source.ts';
import { formatCall } from '../sources/formats/up-part.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import {
  findUndoMark,
  migrationDirectives,
  readDirectives,
  type FoundDirectives,
  type UndoMark,
} from '../sql/file-marks.ts';
import { findFunctionPaths } from '../sql/function-paths.ts';
import { readReplacesLines, type ReplacesLine } from '../sql/replaces-directive.ts';
import { needsNoTransaction } from '../sql/lone-commands.ts';
import {
  findLasting,
  findLockRelease,
  findPsqlCommand,
  findTransactionControl,
  psqlAdvice,
} from '../sql/refused-commands.ts';
import type { SqlText } from '../sql/sql-text.ts';
import { findOutsideProblem } from './outside-problems.ts';

interface PendingPlugin {
  readonly id: string;
  readonly pending: readonly Migration[];
  /** The files that other boots have begun, command by command. */
  readonly unfinished?: ReadonlyMap<Migration, unknown>;
}

/**
 * Finds forbidden commands of pending files before they run. For a function, these are found only when it sends them.
 *
 * @param keepsSession Whether the connection has a session of its own.
 */
export function findFileProblems(
  { id, pending, unfinished }: PendingPlugin,
  keepsSession: boolean,
): readonly Problem[] {
  return pending.flatMap((file) => {
    const isUnfinished = unfinished?.has(file) === true;
    const unfit = keepsSession ? [] : (findPooledFileProblem(id, file, isUnfinished) ?? []);
    if (!isSql(file)) return unfit;
    const { name, sql } = file;
    const refused = findRefusedFile(id, file);
    if (refused) return [refused];
    const [unknown] = readDirectives(sql).unknown;
    if (unknown !== undefined) return [unknownDirective(id, name, unknown)];
    const lines = readReplacesLines(sql);
    // Those that were read come first; others stand so far down that the reader of the folder did not look there.
    const late =
      lines.find(({ isAtBeginning }) => !isAtBeginning) ?? lines[file.replaces?.length ?? 0];
    if (late) return [lateReplaces(id, name, late)];
    const outside = findOutsideProblem(id, file);
    if (outside) return [outside];
    const undo = file.snapshots ? undefined : findUndoMark(sql);
    if (undo) return [undoInFile(id, name, undo)];
    const control = findTransactionControl(sql);
    const found = control ?? findLockRelease(sql);
    if (!found) return unfit;
    const { line, column } = found;
    const message = `${id}: line ${line} has ${found.command}, which ${harms[control?.kind ?? 'lock']}`;
    const about = { plugin: id, file: name, line, column };
    return [problem('MIGRATION_TRANSACTION_CONTROL', message, about)];
  });
}

const harms = {
  transaction: 'interferes with the transaction of the file',
  searchPath: 'leads out of its schema',
  lock: 'releases the migration lock',
} as const;

/** Finds pending files that were written for psql, such as dumps: PostgreSQL would refuse them only in the middle of a boot. */
export function findPsqlProblems({ id, pending }: PendingPlugin): readonly Problem[] {
  return pending.filter(isSql).flatMap(({ name: file, sql }) => {
    const found = findPsqlCommand(sql);
    if (!found) return [];
    const { command, line, column } = found;
    const message = `${id}: line ${line} of ${file} has ${command}, which only psql understands`;
    const hint = psqlAdvice(command, file);
    const about = { plugin: id, file, line, column, hint };
    return [problem('MIGRATION_FILES_INVALID', message, about)];
  });
}

/** Warns of pending files without a statement: a file that is still to be filled in would count as applied for ever. */
export function findEmptyFiles({ id, pending }: PendingPlugin): readonly Problem[] {
  return pending.filter(isSql).flatMap(({ name: file, sql, repeatable, refusal }) => {
    if (refusal || repeatable || sql.statements.length > 0) return [];
    const message = `${id}: ${file} has no statement, and will count as applied`;
    const hint = 'Fill it in before it is applied; what is written into it later never runs.';
    return [problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, hint })];
  });
}

/** Finds out whether a file of another tool cannot run here, or was read with the wrong format. */
export function findRefusedFile(plugin: string, file: Migration): Problem | undefined {
  if (!isSql(file) || !file.refusal) return undefined;
  const { because, hint, line, column = 1 } = file.refusal;
  const where = line === undefined ? '' : `line ${line} of `;
  const place = line === undefined ? {} : { line, column };
  const message = `${plugin}: ${where}${file.name} ${because}`;
  return problem('MIGRATION_FILES_INVALID', message, { plugin, file: file.name, ...place, hint });
}

const why = 'a file runs as a whole, and Slipway does not undo migrations.';

function undoInFile(id: string, file: string, { tool, mark, line, column }: UndoMark): Problem {
  const message = `${id}: line ${line} of ${file}, "${mark}", begins the undo part of ${tool}, which would run right after the rest`;
  const isRead = sqlFormats.some((format) => format === tool);
  const hint = isRead
    ? `Read the folder with ${formatCall(tool)}, which runs only the way up. Or remove it and everything after it from the file: ${why}`
    : `Remove it and everything after it from the file: ${why}`;
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, line, column, hint });
}

function unknownDirective(
  id: string,
  file: string,
  { name, line, column }: FoundDirectives['unknown'][number],
): Problem {
  const message = `${id}: ${file} says "-- slipway: ${name}", which Slipway does not know`;
  const hint = `The known words are ${migrationDirectives.join(', ')}, and replaces with the names of files.`;
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, line, column, hint });
}

function lateReplaces(
  id: string,
  file: string,
  { line, column, isAtBeginning }: ReplacesLine,
): Problem {
  const message = `${id}: line ${line} of ${file} has "-- slipway: replaces" behind ${isAtBeginning ? 'more than 64 KB of comments' : 'SQL'}`;
  const hint = 'Move it to the beginning of the file, before the first statement.';
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, line, column, hint });
}

/**
 * Finds what a file leaves on its session, or runs outside of a transaction. Behind a pooler in transaction mode, the next
 * client would get the session as the file has left it.
 *
 * @param isUnfinished Whether it goes on where another boot has stopped, command by command.
 * @example findPooledFileProblem('shop', file)?.code // 'POOLER_UNSUPPORTED'
 */
export function findPooledFileProblem(
  plugin: string,
  file: Pick<SqlMigration, 'name' | 'sql'> | Pick<CodeMigration, 'name' | 'transaction'>,
  isUnfinished = false,
): Problem | undefined {
  const { name } = file;
  const about = { plugin, file: name };
  const through = 'and the pooler in between keeps no session';
  const inTransaction = 'sql' in file ? !needsNoTransaction(file.sql) : file.transaction;
  if (!inTransaction || isUnfinished) {
    const message = `${plugin}: ${name} runs outside of a transaction, ${through}`;
    return problem('POOLER_UNSUPPORTED', message, about);
  }
  const found = 'sql' in file ? findLasting(file.sql) : undefined;
  if (!found) return undefined;
  const { command, line, column } = found;
  const message = `${plugin}: line ${line} has ${command}, which outlives its transaction, ${through}`;
  const hint =
    'Make it end with the transaction (SET LOCAL, ON COMMIT DROP, pg_advisory_xact_lock), or give migrationPool a direct connection to PostgreSQL.';
  return problem('POOLER_UNSUPPORTED', message, { ...about, line, column, hint });
}

/** Finds the functions of pending files whose own `search_path` leads out of the plugin's schema. */
export function findFilePaths(
  plugin: PluginMigrations,
  others: readonly string[],
  pending: readonly Migration[],
): readonly Problem[] {
  return pending.filter(isSql).flatMap(({ name, sql }) => findTextPaths(plugin, others, name, sql));
}

/**
 * Does the same for one text: a file, or a statement of a function.
 *
 * @param others The schemas after the plugin's own on its path.
 */
export function findTextPaths(
  { id, schema, furtherSchemas }: PluginMigrations,
  others: readonly string[],
  file: string,
  sql: SqlText,
): readonly Problem[] {
  const known = new Set(['', schema, ...furtherSchemas, ...others, 'information_schema']);
  return findFunctionPaths(sql).flatMap(({ name, clause, schemas, line, column }) => {
    const isElsewhere = schemas.some((each) => !known.has(each) && !each.startsWith('pg_'));
    if (!isElsewhere) return [];
    const message = `${id}: line ${line} of ${file} has ${clause} in function ${name}, which leads out of its schema`;
    return [problem('MIGRATION_FUNCTION_PATH', message, { plugin: id, file, line, column })];
  });
}
