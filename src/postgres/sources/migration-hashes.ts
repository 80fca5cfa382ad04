import { quoteIdentifier } from '../sql/identifier.ts';
import type { MigrationIdentity, SqlMigration } from './migration.ts';
import { hashOf } from './migration-files.ts';
import { hashOfFunction } from './named-migration.ts';
import { rewritePublic } from '../sql/public-rewrite.ts';

/** What of a migration is compared with the hash of its row; a function has no text. */
export type HashedMigration = Pick<MigrationIdentity, 'historyName' | 'hash'> &
  Partial<Pick<SqlMigration, 'text' | 'snapshotNames'>>;

/**
 * Every hash that the history may have for a migration that nobody edited: of its text as it is, before and after
 * `"public".` was turned into the schema, each with LF and with CRLF, as a checkout on Windows has it; and that of a function
 * of the same name, whose place it may have taken.
 */
export function hashesOf(
  { historyName, text, snapshotNames }: HashedMigration,
  schema: string,
): ReadonlySet<string> {
  const texts = text === undefined ? [] : textsOf(text, snapshotNames, schema);
  return new Set([...texts.map(hashOf), hashOfFunction(historyName)]);
}

/** Whether the row of an applied migration was written for another text. Of a function nobody knows. */
export function isEdited(migration: HashedMigration, hash: string, schema: string): boolean {
  return (
    migration.text !== undefined &&
    hash !== migration.hash &&
    !hashesOf(migration, schema).has(hash)
  );
}

function textsOf(
  text: string,
  snapshotNames: ReadonlySet<string> | undefined,
  schema: string,
): readonly string[] {
  const texts = [
    text,
    rewritePublic(text, schema, snapshotNames ?? 'all').text,
    text.replaceAll(`${quoteIdentifier(schema)}.`, '"public".'),
  ];
  const withLf = texts.map((each) => each.replaceAll('\r\n', '\n'));
  const withCrLf = withLf.map((each) => each.replaceAll('\n', '\r\n'));
  return [...new Set([...texts, ...withLf, ...withCrLf])];
}
