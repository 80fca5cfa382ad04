import { problem } from '../../core/error-codes.ts';
import type { Problem } from '../../core/error-codes.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import { quoteHistory } from '../history/migration-history.ts';
import {
  findUndoMark,
  migrationDirectives,
  readDirectives,
  type UndoMark,
} from '../sql/file-marks.ts';
import { findLoneCommand, needsNoTransaction } from '../sql/lone-commands.ts';
import { findPsqlCommand, psqlAdvice } from '../sql/psql-commands.ts';
import { findLockRelease, findTransactionControl } from '../sql/refused-commands.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { findPooledFileProblem } from './pooled-files.ts';
import { isReadable } from './server-facts.ts';
import type { DatabaseAnswer, SchemaAnswer } from './look-at-database.ts';
import { listNames } from '../../core/printable.ts';

interface SurveyedPlugin {
  readonly id: string;
  /** The present schema of its objects. */
  readonly schema: string;
  /** The present schema of its history. */
  readonly historySchema: string;
  /** Whether `schema` is renamed first. */
  readonly isRenamed: boolean;
  readonly pending: readonly Migration[];
}

/** Finds problems that prevent every migration; none when no plugin has migrations. */
export function findServerProblems(
  { readOnly }: DatabaseAnswer,
  plugins: readonly { readonly files: readonly unknown[] }[],
): readonly Problem[] {
  if (!readOnly || plugins.every(({ files }) => files.length === 0)) return [];
  return [
    problem('DATABASE_READ_ONLY', 'The database takes no writes: a replica, or set read-only'),
  ];
}

type Schemas = ReadonlyMap<string, SchemaAnswer>;

/** Finds problems that prevent reading a plugin's history. */
export function findHistoryProblems(
  plugin: SurveyedPlugin,
  facts: DatabaseAnswer,
  schemas: Schemas,
): readonly Problem[] {
  const { id, historySchema } = plugin;
  const found = schemas.get(historySchema);
  if (!found?.history) return [];
  if (!found.canUse) return [lacks(plugin, facts, 'USAGE', onSchema(historySchema))];
  if (!found.history.canRead) return [lacks(plugin, facts, 'SELECT', quoteHistory(historySchema))];
  return isReadable(found) ? [] : [foreignHistory(id, historySchema, found.history.columns)];
}

/** Finds problems that prevent applying a plugin's pending files. */
export function findWriteProblems(
  plugin: SurveyedPlugin,
  facts: DatabaseAnswer,
  schemas: Schemas,
): readonly Problem[] {
  const { schema, historySchema, pending, isRenamed } = plugin;
  const keeping = schemas.get(historySchema);
  const history = keeping?.history;
  if (keeping && history && !isReadable(keeping)) return [];
  if (pending.length === 0 && !isRenamed) return [];
  const unless = (isGranted: boolean, right: string, on: string): readonly Problem[] =>
    isGranted ? [] : [lacks(plugin, facts, right, on)];
  const isOwned = !isRenamed || schemas.get(schema)?.isOwned === true;
  const hasBoth = schemas.has(schema) && schemas.has(historySchema) && !isRenamed;
  const canMakeThem = hasBoth || facts.canCreateSchema;
  const toFill = [...new Set([schema, ...(history ? [] : [historySchema])])];
  return [
    ...(isOwned ? [] : [ownsNot(plugin, facts)]),
    ...unless(canMakeThem, 'CREATE', `DATABASE ${quoteIdentifier(facts.database)}`),
    ...toFill.flatMap((name) => {
      const { canUse = true, canCreate = true } = schemas.get(name) ?? {};
      return [
        ...unless(canUse, 'USAGE', onSchema(name)),
        ...unless(canCreate, 'CREATE', onSchema(name)),
      ];
    }),
    ...unless(history?.canWrite ?? true, 'INSERT', quoteHistory(historySchema)),
    ...(keeping?.closedSequence == null
      ? []
      : [lacks(plugin, facts, 'USAGE', onSequence(historySchema, keeping.closedSequence))]),
  ];
}

/**
 * Finds forbidden commands of pending files before they run. For a function, these are found only when it sends them.
 *
 * @param keepsSession Whether the connection has a session of its own.
 */
export function findFileProblems(
  { id, pending }: SurveyedPlugin,
  keepsSession: boolean,
): readonly Problem[] {
  return pending.flatMap((file) => {
    const unfit = keepsSession ? [] : (findPooledFileProblem(id, file) ?? []);
    if (!isSql(file)) return unfit;
    const { name, sql } = file;
    const [unknown] = readDirectives(sql).unknown;
    if (unknown !== undefined) return [unknownDirective(id, name, unknown)];
    const { length: count } = sql.commands;
    if (needsNoTransaction(sql) && count !== 1) return [mixedFile(id, name, count)];
    const lone = findLoneCommand(sql);
    if (lone?.kind === 'createIndex' && lone.index === undefined) return [namelessIndex(id, name)];
    const undo = file.snapshots ? undefined : findUndoMark(sql);
    if (undo) return [undoInFile(id, name, undo)];
    const control = findTransactionControl(sql);
    const found = control ?? findLockRelease(sql);
    if (!found) return unfit;
    const message = `${id}: line ${found.line} has ${found.command}, which ${harms[control?.kind ?? 'lock']}`;
    return [problem('MIGRATION_TRANSACTION_CONTROL', message, { plugin: id, file: name })];
  });
}

const harms = {
  transaction: 'interferes with the transaction of the file',
  searchPath: 'leads out of its schema',
  lock: 'releases the migration lock',
} as const;

/** Finds pending files that were written for psql, such as dumps: PostgreSQL would refuse them only in the middle of a boot. */
export function findPsqlProblems({ id, pending }: SurveyedPlugin): readonly Problem[] {
  return pending.filter(isSql).flatMap(({ name: file, sql }) => {
    const found = findPsqlCommand(sql);
    if (!found) return [];
    const message = `${id}: line ${found.line} of ${file} has ${found.command}, which only psql understands`;
    const hint = psqlAdvice(found.command, file);
    return [problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, hint })];
  });
}

/** Warns of pending files without a statement: a file that is still to be filled in would count as applied for ever. */
export function findEmptyFiles({ id, pending }: SurveyedPlugin): readonly Problem[] {
  return pending.filter(isSql).flatMap(({ name: file, sql }) => {
    if (sql.statements.length > 0) return [];
    const message = `${id}: ${file} has no statement, and will count as applied`;
    const hint = 'Fill it in before it is applied; what is written into it later never runs.';
    return [problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, hint })];
  });
}

function undoInFile(id: string, file: string, { tool, mark, line }: UndoMark): Problem {
  const message = `${id}: line ${line} of ${file}, "${mark}", begins the undo part of ${tool}, which would run right after the rest`;
  const hint =
    'Remove it and everything after it from the file: a file runs as a whole, and Slipway does not undo migrations.';
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, hint });
}

function unknownDirective(id: string, file: string, directive: string): Problem {
  const message = `${id}: ${file} says "-- slipway: ${directive}", which Slipway does not know`;
  const hint = `The known words are ${migrationDirectives.join(', ')}.`;
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, hint });
}

function mixedFile(id: string, file: string, commands: number): Problem {
  const message = `${id}: ${file} has to run outside of a transaction, and has ${commands} commands`;
  return problem('MIGRATION_MIXED_TRANSACTION', message, { plugin: id, file });
}

function namelessIndex(id: string, file: string): Problem {
  const message = `${id}: ${file} makes an index CONCURRENTLY that has no name`;
  const hint = 'Give it one: after a crash Slipway looks by its name for what is left of it.';
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, hint });
}

function lacks(
  { id }: SurveyedPlugin,
  { role }: DatabaseAnswer,
  right: string,
  on: string,
): Problem {
  return problem('DATABASE_PRIVILEGE', `${id}: the role ${role} lacks ${right} on ${on}`, {
    plugin: id,
    hint: `GRANT ${right} ON ${on} TO ${quoteIdentifier(role)};`,
  });
}

/** Makes the problem of a role that does not own a schema to rename. */
function ownsNot({ id, schema }: SurveyedPlugin, { role }: DatabaseAnswer): Problem {
  const on = onSchema(schema);
  const message = `${id}: the role ${role} does not own ${on}, which is to be renamed`;
  const hint = `ALTER ${on} OWNER TO ${quoteIdentifier(role)};`;
  return problem('DATABASE_PRIVILEGE', message, { plugin: id, hint });
}

function onSequence(schema: string, name: string): string {
  return `SEQUENCE ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

function onSchema(name: string): string {
  return `SCHEMA ${quoteIdentifier(name)}`;
}

function foreignHistory(id: string, schema: string, columns: readonly string[]): Problem {
  return problem(
    'MIGRATION_HISTORY_UNKNOWN',
    `${id}: ${quoteHistory(schema)} is not Drizzle's: its columns are ${listNames(columns)}`,
    { plugin: id, hint: 'Rename that table: the migration history needs its name.' },
  );
}
