import { ownNames, type SqlMigration } from '../sources/migration.ts';
import { readKeywords } from '../sql/command-keywords.ts';
import { listCommands, type FileCommand } from '../sql/file-commands.ts';
import { readDirectives } from '../sql/file-marks.ts';
import { dumpEdits } from '../sql/dump-sql.ts';
import { needsNoTransaction } from '../sql/lone-commands.ts';
import { prismaEdits } from '../sql/prisma-sql.ts';
import { publicEdits } from '../sql/public-names.ts';
import { editStatements, type SentStatement, type SqlEdit } from '../sql/sql-edits.ts';
import { schemaEdits } from '../sql/schema-commands.ts';
import { LongSql } from '../sql/long-text.ts';
import type { SqlText, Statement } from '../sql/sql-text.ts';
import { linesAt, positionsAt, textStart } from '../sql/text-position.ts';
import { createPartSender } from './long-script.ts';
import type { FileStatement, PreparedFile, RunnableCommand } from './migrating.ts';
import { extensionEdits, noExtensions, type ExtensionFacts } from '../survey/extension-schemas.ts';

/** A migration file as it is sent. */
interface MigrationScript extends PreparedFile {
  readonly file: SqlMigration;
  readonly statements: readonly SentStatement[];
}

/** What a file is sent with, besides its own text. */
interface ScriptFacts {
  /** The schema for a `CREATE EXTENSION` that names none. */
  readonly extensions?: ExtensionFacts | undefined;
  /** Whether another boot has begun it command by command. */
  readonly isUnfinished?: boolean;
  /** The schemas that Slipway makes, which the file may make as well. */
  readonly furtherSchemas?: readonly string[];
}

/**
 * Makes a file ready to run in `schema`.
 *
 * @throws BootError `MIGRATION_FILES_INVALID` for a snapshot that is needed and cannot be read
 */
export async function toScript(
  file: SqlMigration,
  schema: string,
  isPublicRewritten: boolean,
  { extensions = noExtensions, isUnfinished = false, furtherSchemas = [] }: ScriptFacts = {},
): Promise<MigrationScript> {
  const { sql } = file;
  await sql.readInSlices();
  const names = isPublicRewritten ? await ownNames(file) : new Set<string>();
  const findEdits = (text: SqlText): readonly SqlEdit[] => [
    ...publicEdits(text, schema, names),
    ...extensionEdits(text, extensions),
    ...schemaEdits(text, furtherSchemas),
    ...dumpEdits(text, schema, isPublicRewritten),
    ...prismaEdits(text),
  ];
  const inTransaction = !needsNoTransaction(sql) && !isUnfinished;
  const commands = inTransaction || sql instanceof LongSql ? undefined : listCommands(sql);
  const read = commands ?? sql.statements;
  const statements = editStatements(read, findEdits(sql));
  const mayReachOut = readDirectives(sql).known.has('allow-outside');
  if (sql instanceof LongSql) {
    const count = sql.parts.length;
    const sendEach = createPartSender(sql, findEdits);
    return { file, statements, inTransaction, count, mayReachOut, sendEach };
  }
  const listStatements = (): readonly FileStatement[] => toFileStatements(file, read, statements);
  return {
    file,
    statements,
    inTransaction,
    count: statements.length,
    mayReachOut,
    ...(commands && { commands: toRunnable(commands, listStatements()) }),
    ...(isShort(file) && sql.statements.every(standsAlone) && { batch: listStatements }),
    sendEach: async (send) => {
      for (const statement of listStatements()) await send(statement);
    },
  };
}

/** All of a batch is written at once, and nothing else runs in this process meanwhile. */
function isShort({ sql }: SqlMigration): boolean {
  return sql.text.length <= longestBatch && sql.statements.length <= mostInBatch;
}

const longestBatch = 4 * 1024 * 1024;
const mostInBatch = 1_000;

function standsAlone({ text, commands, isLeftOpen }: Statement): boolean {
  const [command, ...others] = commands;
  if (command === undefined || others.length > 0 || isLeftOpen) return false;
  return !needsAnswer.test(command.code) && !freesPrepared.test(text);
}

/** `COPY … FROM STDIN` wants data, and `$1` a value. What ends the transaction is found out behind each statement. */
const needsAnswer = /^(?:copy|begin|start|commit|end|rollback|abort)\b|\$\d/i;
const freesPrepared = /\b(?:deallocate|discard)\b/i;

function toRunnable(
  commands: readonly FileCommand[],
  statements: readonly FileStatement[],
): readonly RunnableCommand[] {
  return statements.flatMap((statement, at) => {
    const command = commands[at];
    if (!command) return [];
    const { way, hash } = command;
    return [{ way, hash, statement, standsAlone: standsAlone(command) }];
  });
}

function toFileStatements(
  { sql }: SqlMigration,
  read: readonly Statement[],
  statements: readonly SentStatement[],
): readonly FileStatement[] {
  const lines = linesAt(
    sql.text,
    statements.map(({ codeOffset }) => codeOffset),
  );
  return statements.map((statement, index) => ({
    query: { text: statement.text },
    sql: statement.sql,
    isLeftOpen: statement.isLeftOpen,
    number: index + 1,
    count: statements.length,
    line: lines[index]?.line ?? 1,
    // Of the statement as it was read: its edits change no keyword, and what they make is not read again.
    command: readKeywords(read[index]?.commands[0]),
    // Each character is in its place, also where a part of the file is left out.
    origin: (at) => ({
      text: sql.original,
      index: at === undefined ? statement.codeOffset : statement.toOriginal(at),
    }),
  }));
}

/** A statement as it is sent, and where it begins in the file; both count from 1. */
interface PlacedStatement {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** The statements of a script with their places in the file. */
export function placeStatements({ file, statements }: MigrationScript): readonly PlacedStatement[] {
  const offsets = statements.map(({ codeOffset }) => codeOffset);
  const { sql } = file;
  const places =
    sql instanceof LongSql
      ? offsets.map((offset) => sql.positionAt(offset))
      : positionsAt(sql.text, offsets);
  return statements.map(({ text }, at) => ({ text, ...(places[at] ?? textStart) }));
}
