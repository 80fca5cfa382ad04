import { quoteIdentifier } from '../sql/identifier.ts';
import type { MigrationIdentity, SqlMigration } from './migration.ts';
import { hashOf } from './migration-files.ts';
import { hashOfFunction } from './named-migration.ts';

/** The parts of a migration that are compared with the hash of its row; a function has no text. */
export type HashedMigration = Pick<MigrationIdentity, 'historyName' | 'hash'> &
  Partial<Pick<SqlMigration, 'text'>>;

/**
 * Every hash that the history may have for a migration that was not edited, the likeliest first: of its text as it is, before
 * and after `"public".` was turned into the schema or taken out, each with LF and with CRLF, as a checkout on Windows has it;
 * and that of a function of the same name, whose place it may have taken.
 */
export function* hashesOf(
  { historyName, text, hash }: HashedMigration,
  schema: string,
): Generator<string, void> {
  yield hash;
  yield hashOfFunction(historyName);
  if (text === undefined) return;
  for (const form of formsOf(text, schema)) {
    const withLf = form.replaceAll('\r\n', '\n');
    if (form !== text) yield hashOf(form);
    if (withLf !== form) yield hashOf(withLf);
    if (withLf.includes('\n')) yield hashOf(withLf.replaceAll('\n', '\r\n'));
  }
}

/** Whether the row of an applied migration was written for another text. Not known for a function, and taken for no. */
export function isEdited(migration: HashedMigration, hash: string, schema: string): boolean {
  if (migration.text === undefined) return false;
  for (const known of hashesOf(migration, schema)) if (known === hash) return false;
  return true;
}

/** The forms of a text that tools have applied: some put the schema in, and Checkstack's loader took `"public".` out of the files. */
function formsOf(text: string, schema: string): ReadonlySet<string> {
  const qualifier = `${quoteIdentifier(schema)}.`;
  return new Set([
    text,
    text.replaceAll('"public".', qualifier),
    text.replaceAll('"public".', ''),
    text.replaceAll(qualifier, '"public".'),
  ]);
}
