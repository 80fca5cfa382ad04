import type { MigrationFile } from './migration-files.ts';
import { readDirectives, type MigrationDirective } from './migration-directives.ts';
import { readTransactionNeed, type LoneCommand } from './outside-transaction.ts';
import { rewritePublic } from './public-rewrite.ts';
import { positionsAt } from './source-position.ts';
import { splitStatements } from './statement-splitter.ts';
import type { Statement } from './statement-splitter.ts';

/** A migration file as it is sent. */
export interface MigrationScript {
  readonly file: MigrationFile;
  readonly statements: readonly Statement[];
  readonly directives: ReadonlySet<MigrationDirective>;
  /** What the file does outside of a transaction; undefined when it runs in one. */
  readonly lone: LoneCommand | undefined;
  /** Where the character at an offset of the statements was in the file. */
  readonly toOriginal: (index: number) => number;
}

/** Makes a file ready to run in `schema`. */
export function toScript(
  file: MigrationFile,
  schema: string,
  isPublicRewritten: boolean,
): MigrationScript {
  const { text, toOriginal } = isPublicRewritten
    ? rewritePublic(file.text, schema, file.snapshotNames ?? 'all')
    : { text: file.text, toOriginal: (index: number): number => index };
  const directives = readDirectives(file.text).known;
  const { lone } = readTransactionNeed(text, directives);
  return { file, statements: splitStatements(text), directives, lone, toOriginal };
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
