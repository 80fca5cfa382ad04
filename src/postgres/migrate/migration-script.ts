import { ownNames, type SqlMigration } from '../sources/migration.ts';
import { readDirectives } from '../sql/file-marks.ts';
import { needsNoTransaction } from '../sql/lone-commands.ts';
import { publicEdits } from '../sql/public-names.ts';
import { editStatements, type SentStatement } from '../sql/sql-edits.ts';
import { positionsAt } from '../sql/text-position.ts';
import { extensionEdits, noExtensions, type ExtensionFacts } from '../survey/extension-schemas.ts';
import type { MigrationWork, WorkStatement } from './migration-work.ts';

/** A migration file as it is sent. */
export interface MigrationScript extends MigrationWork {
  readonly file: SqlMigration;
  readonly statements: readonly SentStatement[];
}

/**
 * Makes a file ready to run in `schema`.
 *
 * @throws BootError `MIGRATION_FILES_INVALID` for a snapshot that is needed and cannot be read
 * @param extensions Where a `CREATE EXTENSION` without a schema goes; nowhere unless told.
 */
export async function toScript(
  file: SqlMigration,
  schema: string,
  isPublicRewritten: boolean,
  extensions: ExtensionFacts = noExtensions,
): Promise<MigrationScript> {
  const { sql } = file;
  const statements = editStatements(sql.statements, [
    ...(isPublicRewritten ? publicEdits(sql, schema, await ownNames(file)) : []),
    ...extensionEdits(sql, extensions),
  ]);
  return {
    file,
    statements,
    inTransaction: !needsNoTransaction(sql),
    mayReachOut: readDirectives(sql).known.has('allow-outside'),
    run: async (send) => {
      for (const [index, statement] of statements.entries()) {
        await send(toWorkStatement(statement, index + 1, statements.length, file.text));
      }
    },
  };
}

function toWorkStatement(
  { text, codeOffset, isLeftOpen, sql, toOriginal }: SentStatement,
  number: number,
  count: number,
  original: string,
): WorkStatement {
  return {
    query: { text },
    sql,
    isLeftOpen,
    number,
    count,
    origin: (at) => ({
      text: original,
      index: at === undefined ? codeOffset : toOriginal(at),
    }),
  };
}

/** A statement as it is sent, and where it begins in the file; both count from 1. */
export interface PlacedStatement {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** The statements of a script with their places in the file. */
export function placeStatements({ file, statements }: MigrationScript): readonly PlacedStatement[] {
  const places = positionsAt(
    file.text,
    statements.map(({ codeOffset }) => codeOffset),
  );
  return statements.map(({ text }, at) => ({ text, ...(places[at] ?? { line: 1, column: 1 }) }));
}
