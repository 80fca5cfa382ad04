import { problem, type Problem } from '../../core/error-codes.ts';
import {
  isSql,
  type CodeMigration,
  type Migration,
  type SqlMigration,
} from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import {
  findUndoMark,
  migrationDirectives,
  readDirectives,
  type FoundDirectives,
  type UndoMark,
} from '../sql/file-marks.ts';
import { findFunctionPaths } from '../sql/function-paths.ts';
import { findLoneCommand, needsNoTransaction, readLoneCommand } from '../sql/lone-commands.ts';
import {
  findLasting,
  findLockRelease,
  findPsqlCommand,
  findTransactionControl,
  psqlAdvice,
} from '../sql/refused-commands.ts';
import type { SqlText } from '../sql/sql-text.ts';
import type { TextPosition } from '../sql/text-position.ts';

interface PendingPlugin {
  readonly id: string;
  readonly pending: readonly Migration[];
}

/**
 * Finds forbidden commands of pending files before they run. For a function, these are found only when it sends them.
 *
 * @param keepsSession Whether the connection has a session of its own.
 */
export function findFileProblems(
  { id, pending }: PendingPlugin,
  keepsSession: boolean,
): readonly Problem[] {
  return pending.flatMap((file) => {
    const unfit = keepsSession ? [] : (findPooledFileProblem(id, file) ?? []);
    if (!isSql(file)) return unfit;
    const { name, sql } = file;
    const [unknown] = readDirectives(sql).unknown;
    if (unknown !== undefined) return [unknownDirective(id, name, unknown)];
    const { commandCount: count } = sql;
    if (needsNoTransaction(sql) && count !== 1) return [mixedFile(id, file, count)];
    const lone = findLoneCommand(sql);
    if (lone?.kind === 'createIndex' && lone.index === undefined) return [namelessIndex(id, file)];
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
  return pending.filter(isSql).flatMap(({ name: file, sql }) => {
    if (sql.statements.length > 0) return [];
    const message = `${id}: ${file} has no statement, and will count as applied`;
    const hint = 'Fill it in before it is applied; what is written into it later never runs.';
    return [problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, hint })];
  });
}

function undoInFile(id: string, file: string, { tool, mark, line, column }: UndoMark): Problem {
  const message = `${id}: line ${line} of ${file}, "${mark}", begins the undo part of ${tool}, which would run right after the rest`;
  const hint =
    'Remove it and everything after it from the file: a file runs as a whole, and Slipway does not undo migrations.';
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, line, column, hint });
}

function unknownDirective(
  id: string,
  file: string,
  { name, line, column }: FoundDirectives['unknown'][number],
): Problem {
  const message = `${id}: ${file} says "-- slipway: ${name}", which Slipway does not know`;
  const hint = `The known words are ${migrationDirectives.join(', ')}.`;
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, line, column, hint });
}

function mixedFile(id: string, { name: file, sql }: SqlMigration, commands: number): Problem {
  const message = `${id}: ${file} has to run outside of a transaction, and has ${commands} commands`;
  return problem('MIGRATION_MIXED_TRANSACTION', message, {
    plugin: id,
    file,
    ...placeLoneCommand(sql),
  });
}

function namelessIndex(id: string, { name: file, sql }: SqlMigration): Problem {
  const message = `${id}: ${file} makes an index CONCURRENTLY that has no name`;
  const hint = 'Give it one: after a crash Slipway looks by its name for what is left of it.';
  const about = { plugin: id, file, ...placeLoneCommand(sql), hint };
  return problem('MIGRATION_FILES_INVALID', message, about);
}

/** Finds the place of the command that runs in no transaction; a file that only asks for it has none. */
function placeLoneCommand(sql: SqlText): Partial<TextPosition> {
  const lone = sql.commands.find((command) => readLoneCommand(command) !== undefined);
  return lone ? sql.positionAt(lone.start) : {};
}

/**
 * Finds what a file leaves on its session, or runs outside of a transaction. Behind a pooler in transaction mode, the next
 * client would get the session as the file has left it.
 *
 * @example findPooledFileProblem('shop', file)?.code // 'POOLER_UNSUPPORTED'
 */
export function findPooledFileProblem(
  plugin: string,
  file: Pick<SqlMigration, 'name' | 'sql'> | Pick<CodeMigration, 'name' | 'transaction'>,
): Problem | undefined {
  const { name } = file;
  const about = { plugin, file: name };
  const through = 'and the pooler in between keeps no session';
  const inTransaction = 'sql' in file ? !needsNoTransaction(file.sql) : file.transaction;
  if (!inTransaction) {
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
  { id, schema }: PluginMigrations,
  others: readonly string[],
  file: string,
  sql: SqlText,
): readonly Problem[] {
  const known = new Set(['', schema, ...others, 'information_schema']);
  return findFunctionPaths(sql).flatMap(({ name, clause, schemas, line, column }) => {
    const isElsewhere = schemas.some((each) => !known.has(each) && !each.startsWith('pg_'));
    if (!isElsewhere) return [];
    const message = `${id}: line ${line} of ${file} has ${clause} in function ${name}, which leads out of its schema`;
    return [problem('MIGRATION_FUNCTION_PATH', message, { plugin: id, file, line, column })];
  });
}
