import { ownNames, type SqlMigration } from '../sources/migration.ts';
import { readKeywords } from '../sql/command-keywords.ts';
import { readDirectives } from '../sql/file-marks.ts';
import { needsNoTransaction } from '../sql/lone-commands.ts';
import { publicEdits } from '../sql/public-names.ts';
import { editStatements, type SentStatement, type SqlEdit } from '../sql/sql-edits.ts';
import { LongSql } from '../sql/long-text.ts';
import type { SqlText, Statement } from '../sql/sql-text.ts';
import { linesAt, positionsAt, textStart } from '../sql/text-position.ts';
import { createPartSender } from './long-script.ts';
import type { FileStatement, PreparedFile } from './migrating.ts';
import { extensionEdits, noExtensions, type ExtensionFacts } from '../survey/extension-schemas.ts';

/** A migration file as it is sent. */
interface MigrationScript extends PreparedFile {
  readonly file: SqlMigration;
  readonly statements: readonly SentStatement[];
}

/**
 * Makes a file ready to run in `schema`.
 *
 * @throws BootError `MIGRATION_FILES_INVALID` for a snapshot that is needed and cannot be read
 * @param extensions The schema for a `CREATE EXTENSION` that names none.
 */
export async function toScript(
  file: SqlMigration,
  schema: string,
  isPublicRewritten: boolean,
  extensions: ExtensionFacts = noExtensions,
): Promise<MigrationScript> {
  const { sql } = file;
  await sql.readInSlices();
  const names = isPublicRewritten ? await ownNames(file) : new Set<string>();
  const findEdits = (text: SqlText): readonly SqlEdit[] => [
    ...publicEdits(text, schema, names),
    ...extensionEdits(text, extensions),
  ];
  const statements = editStatements(sql.statements, findEdits(sql));
  const inTransaction = !needsNoTransaction(sql);
  const mayReachOut = readDirectives(sql).known.has('allow-outside');
  if (sql instanceof LongSql) {
    const count = sql.parts.length;
    const sendEach = createPartSender(sql, findEdits);
    return { file, statements, inTransaction, count, mayReachOut, sendEach };
  }
  const listStatements = (): readonly FileStatement[] => toFileStatements(file, statements);
  return {
    file,
    statements,
    inTransaction,
    count: statements.length,
    mayReachOut,
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

function toFileStatements(
  { sql }: SqlMigration,
  statements: readonly SentStatement[],
): readonly FileStatement[] {
  const { text } = sql;
  const lines = linesAt(
    text,
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
    command: readKeywords(sql.statements[index]?.commands[0]),
    origin: (at) => ({
      text,
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
