import type { MigrationFile } from './migration-files.ts';
import { readDirectives, type MigrationDirective } from './migration-directives.ts';
import { readTransactionNeed, type LoneCommand } from './outside-transaction.ts';
import { rewritePublic } from './public-rewrite.ts';
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
