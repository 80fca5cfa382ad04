import { createHash } from 'node:crypto';
import { quoteIdentifier } from '../sql/identifier.ts';
import type { MigrationIdentity, SqlMigration } from './migration.ts';

/** The seconds from 1970 to the end of 2000: no Drizzle has ever written a time in there. */
const secondsBeforeDrizzle = 978_307_200;

/**
 * Returns the identity in the history of a migration that has nothing but a name. Its `created_at` is the time that the name
 * begins with, as `drizzle-kit up` would have named it. Without one it is a number made of the name: so a table of 0.x, which
 * keeps no names, has the same number for it after its text was edited.
 */
export function identifyByName(
  name: string,
): Pick<MigrationIdentity, 'historyName' | 'when' | 'format'> {
  const when = readTime(name);
  return {
    historyName: name,
    when: Number.isNaN(when) ? (digest(name).readUInt32BE(0) % secondsBeforeDrizzle) * 1000 : when,
    format: '1.x',
  };
}

/** A hash for the history, made of the name: the code of a function cannot be read, and does not show what it calls. */
export function hashFunction(name: string): string {
  return digest(`function ${name}`).toString('hex');
}

/** The hash of a text, as Drizzle computes it. */
export function hashText(text: string): string {
  return digest(text).toString('hex');
}

/** The parts of a migration that are compared with the hash of its row; a function has no text. */
type HashedMigration = Pick<MigrationIdentity, 'historyName' | 'hash'> &
  Partial<Pick<SqlMigration, 'text'>>;

/**
 * Every hash that the history may have for a migration that was not edited, the likeliest first: of its text as it is, before
 * and after `"public".` was turned into the schema or taken out, each with LF and with CRLF, as a checkout on Windows has it;
 * and that of a function of the same name, whose place it may have taken.
 */
export function* listHashes(
  { historyName, text, hash }: HashedMigration,
  schema: string,
): Generator<string, void> {
  yield hash;
  yield hashFunction(historyName);
  if (text === undefined) return;
  for (const form of listForms(text, schema)) {
    const withLf = form.replaceAll('\r\n', '\n');
    if (form !== text) yield hashText(form);
    if (withLf !== form) yield hashText(withLf);
    if (withLf.includes('\n')) yield hashText(withLf.replaceAll('\n', '\r\n'));
  }
}

/** Whether the row of an applied migration was written for another text. Not known for a function, and taken for no. */
export function isEdited(migration: HashedMigration, hash: string, schema: string): boolean {
  if (migration.text === undefined) return false;
  for (const known of listHashes(migration, schema)) if (known === hash) return false;
  return true;
}

/** The forms of a text that tools have applied: some put the schema in, and Checkstack's loader took `"public".` out of the files. */
function listForms(text: string, schema: string): ReadonlySet<string> {
  const qualifier = `${quoteIdentifier(schema)}.`;
  return new Set([
    text,
    text.replaceAll('"public".', qualifier),
    text.replaceAll('"public".', ''),
    text.replaceAll(qualifier, '"public".'),
  ]);
}

/** As Drizzle 1.x reads it: the first 14 digits, in UTC. `NaN` for a name that does not begin with them. */
export function readTime(tag: string): number {
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(tag)?.slice(1).map(Number);
  const [year = NaN, month = 1, day, hour, minute, second] = digits ?? [];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
