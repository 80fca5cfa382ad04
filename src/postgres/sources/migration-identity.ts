import { createHash, type Hash } from 'node:crypto';
import { readWindow, type ByteSource } from '../sql/byte-source.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import { LongSql } from '../sql/long-text.ts';
import type { SqlText } from '../sql/sql-text.ts';
import { nextTurn } from '../sql/time-slices.ts';
import { UpSql } from './formats/up-part.ts';
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

/** Whether a `created_at` is a number made of a name that has no time. */
export function isNumberOfName(createdAt: number): boolean {
  return createdAt < secondsBeforeDrizzle * 1000;
}

/**
 * Returns the `created_at` of a repeatable file, made of its name: a time 3,100 to 6,300 years before 1970. Neither a time of
 * Drizzle nor one that a name begins with is in there, so that such a row is known in tables of both shapes. Drizzle 0.x, which
 * looks at the greatest time, passes over it.
 */
export function repeatableWhen(name: string): number {
  return -firstRepeatable - (digest(name).readUIntBE(0, 6) % firstRepeatable);
}

const firstRepeatable = 1e14;

/** Whether a `created_at` is that of a repeatable file. */
export function isRepeatableWhen(createdAt: number | null): boolean {
  return createdAt !== null && createdAt <= -firstRepeatable && createdAt > -2 * firstRepeatable;
}

/** A hash for the history, made of the name: the code of a function cannot be read, and does not show what it calls. */
export function hashFunction(name: string): string {
  return digest(`function ${name}`).toString('hex');
}

/** The hash of a text, as Drizzle computes it. */
export function hashText(text: string): string {
  return digest(text).toString('hex');
}

/** The hash of a text with LF line ends, whichever it has: another checkout of a repeatable file is no change of it. */
export async function hashWithLf({
  sql,
  hash,
}: Pick<SqlMigration, 'sql' | 'hash'>): Promise<string> {
  if (sql instanceof LongSql) return sql.open(hashSourceWithLf);
  const text = readHashedText(sql);
  return text.includes('\r\n') ? hashText(text.replaceAll('\r\n', '\n')) : hash;
}

/** The text that the hash of a file is of: what runs of a file of another tool, and else the file as it was written. */
export function readHashedText(sql: SqlText): string {
  return (sql instanceof UpSql && sql.runs) || sql.original;
}

async function hashSourceWithLf(source: ByteSource): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < source.size;) {
    const { text, end } = readWindow(source, start, 1024 * 1024);
    hash.update(text.replaceAll('\r\n', '\n'));
    start = end;
    await nextTurn();
  }
  return hash.digest('hex');
}

/** The parts of a migration that are compared with the hash of its row; a function has no text. */
type HashedMigration = Pick<MigrationIdentity, 'historyName' | 'hash'> &
  Partial<Pick<SqlMigration, 'sql'>>;

/**
 * Every hash that the history may have for a migration that was not edited, the likeliest first: of its text as it is, before
 * and after `"public".` was turned into the schema or taken out, each with LF and with CRLF, as a checkout on Windows has it;
 * and that of a function of the same name, whose place it may have taken.
 */
export function* listHashes(
  { historyName, sql, hash }: HashedMigration,
  schema: string,
): Generator<string, void> {
  yield hash;
  yield hashFunction(historyName);
  if (sql === undefined) return;
  if (sql instanceof LongSql) yield* sql.knownHashes.get(schema) ?? [];
  else if (sql instanceof UpSql) {
    for (const text of [sql.runs, sql.original]) {
      for (const form of new Set(allForms(text, schema))) yield hashText(form);
    }
  } else for (const form of listForms(sql.original, schema)) yield hashText(form);
}

/**
 * Computes the hashes of long files that {@link listHashes} needs to compare them with a history, and gives everything else in
 * this process a turn now and then. Nearly every history has the hash of each file itself, and then nothing is computed.
 */
export async function hashLongForms(
  files: readonly (Pick<MigrationIdentity, 'hash'> & Partial<Pick<SqlMigration, 'sql'>>)[],
  rows: readonly { readonly hash: string }[],
  schema: string,
): Promise<void> {
  const hashes = new Set(files.map(({ hash }) => hash));
  if (rows.every(({ hash }) => hashes.has(hash))) return;
  const known = new Set(rows.map(({ hash }) => hash));
  for (const { sql, hash } of files) {
    if (!(sql instanceof LongSql) || known.has(hash) || sql.knownHashes.has(schema)) continue;
    sql.knownHashes.set(schema, await sql.openFile((source) => hashForms(source, schema)));
  }
}

async function hashForms(source: ByteSource, schema: string): Promise<readonly string[]> {
  const digests: Hash[] = [];
  for (let start = 0; start < source.size;) {
    const window = readWindow(source, start, 1024 * 1024);
    // Cuts no name and no line end in two. A file may be one line.
    const end = window.text.lastIndexOf('\n') + 1 || window.text.lastIndexOf(' ') + 1;
    const cut = window.isLast ? 0 : end;
    const text = cut === 0 ? window.text : window.text.slice(0, cut);
    for (const [at, form] of allForms(text, schema).entries()) {
      (digests[at] ??= createHash('sha256')).update(form);
    }
    start += Buffer.byteLength(text);
    await nextTurn();
  }
  return digests.map((each) => each.digest('hex'));
}

/** Whether the row of an applied migration was written for another text. Not known for a function, and taken for no. */
export function isEdited(migration: HashedMigration, hash: string, schema: string): boolean {
  if (migration.sql === undefined) return false;
  for (const known of listHashes(migration, schema)) if (known === hash) return false;
  return true;
}

/** The other forms of a text that may have been applied. */
function listForms(text: string, schema: string): ReadonlySet<string> {
  const forms = new Set(allForms(text, schema));
  forms.delete(text);
  return forms;
}

/**
 * The forms of a text that tools have applied, each with LF and with CRLF: some put the schema in, and Checkstack's loader took
 * `"public".` out of the files.
 */
function allForms(text: string, schema: string): readonly string[] {
  const qualifier = `${quoteIdentifier(schema)}.`;
  const named = [
    text,
    text.replaceAll('"public".', qualifier),
    text.replaceAll('"public".', ''),
    text.replaceAll(qualifier, '"public".'),
  ];
  return named.flatMap((form) => {
    const withLf = form.replaceAll('\r\n', '\n');
    return [form, withLf, withLf.replaceAll('\n', '\r\n')];
  });
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
