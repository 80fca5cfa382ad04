import { ownNames, type SqlMigration } from '../sources/migration.ts';
import { readDirectives } from '../sql/migration-directives.ts';
import type { PreparedFile } from './migrating.ts';
import { readTransactionNeed } from '../sql/outside-transaction.ts';
import { extensionEdits, noExtensions, type ExtensionFacts } from '../survey/extension-schemas.ts';
import { publicEdits } from '../sql/public-rewrite.ts';
import { positionsAt } from '../sql/source-position.ts';
import { applyEdits } from '../sql/sql-edits.ts';
import { splitStatements } from '../sql/statement-splitter.ts';
import type { Statement } from '../sql/statement-splitter.ts';

/** A migration file as it is sent. */
interface MigrationScript extends PreparedFile {
  readonly file: SqlMigration;
  readonly statements: readonly Statement[];
  /** Returns the offset in the file of the character at an offset of the statements. */
  readonly toOriginal: (index: number) => number;
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
  const { text, toOriginal } = applyEdits(file.text, [
    ...(isPublicRewritten ? publicEdits(file.text, schema, await ownNames(file)) : []),
    ...extensionEdits(file.text, extensions),
  ]);
  const directives = readDirectives(file.text).known;
  const statements = splitStatements(text);
  return {
    file,
    statements,
    toOriginal,
    inTransaction: !readTransactionNeed(text, directives).lone,
    mayReachOut: directives.has('allow-outside'),
    sendEach: async (send) => {
      for (const [index, statement] of statements.entries()) {
        const { text: sent, offset, codeOffset } = statement;
        await send({
          query: { text: sent },
          number: index + 1,
          count: statements.length,
          origin: (at) => ({
            text: file.text,
            index: toOriginal(at === undefined ? codeOffset : offset + at),
          }),
        });
      }
    },
  };
}

/** A statement as it is sent, and where it begins in the file; both count from 1. */
export interface PlacedStatement {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** The statements of a script with their places in the file. */
export function placeStatements({
  file,
  statements,
  toOriginal,
}: MigrationScript): readonly PlacedStatement[] {
  const indexes = statements.map(({ codeOffset }) => toOriginal(codeOffset));
  const places = positionsAt(file.text, indexes);
  return statements.map(({ text }, at) => ({ text, ...(places[at] ?? { line: 1, column: 1 }) }));
}
