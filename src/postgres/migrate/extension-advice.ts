import type { Querying } from '../connection/querying.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import { unavailableAdvice } from '../survey/extension-problems.ts';

/** By the routine that failed, which is in no language, or by the message. */
export function isAboutExtension(error: unknown): boolean {
  const { routine = '', message } = error as {
    readonly routine?: string;
    readonly message: string;
  };
  return /\w_extension_|CreateExtension|\bextension "/.test(`${routine} ${message}`);
}

/** Whether the server has no such extension, as opposed to what it cannot do with one. */
export function isUnavailable(error: unknown): boolean {
  const { routine, message } = error as { readonly routine?: string; readonly message: string };
  return (
    routine === 'parse_extension_control_file' || /^extension .* is not available$/.test(message)
  );
}

/** What to do about an extension that the role may not make. */
export function adviceForUntrusted(name: string, file: string): string {
  const extension = quoteIdentifier(name);
  return `Only a superuser, or the administrator of the provider, can make the extension ${name}. Let one of them run CREATE EXTENSION ${extension}; in this database, with your schema for extensions, and write CREATE EXTENSION IF NOT EXISTS in ${file}.`;
}

/** An extension that came with the failed statement, in a schema that was none for extensions before, is gone again. */
export function makesExtension(statement: string, name: string): boolean {
  return /create\s+extension/i.test(statement) && statement.includes(name);
}

/** What to do about something that seems to come with an extension of the same statement. */
export function adviceForMadeHere(name: string): string {
  return `If ${name} comes with the extension of this statement, put a "--> statement-breakpoint" after its CREATE EXTENSION, so that it is found. Otherwise correct the name.`;
}

/** Most extensions are called like their type; these bring something of another name. */
const broughtBy: Readonly<Record<string, string>> = {
  crypt: 'pgcrypto',
  digest: 'pgcrypto',
  gen_random_bytes: 'pgcrypto',
  gen_salt: 'pgcrypto',
  hmac: 'pgcrypto',
  uuid_generate_v1: 'uuid-ossp',
  uuid_generate_v4: 'uuid-ossp',
  gin_trgm_ops: 'pg_trgm',
  gist_trgm_ops: 'pg_trgm',
  similarity: 'pg_trgm',
  levenshtein: 'fuzzystrmatch',
  soundex: 'fuzzystrmatch',
  crosstab: 'tablefunc',
  earth: 'earthdistance',
  ll_to_earth: 'earthdistance',
  geometry: 'postgis',
  geography: 'postgis',
  halfvec: 'vector',
  sparsevec: 'vector',
  hnsw: 'vector',
  ivfflat: 'vector',
  vector_cosine_ops: 'vector',
  vector_ip_ops: 'vector',
  vector_l2_ops: 'vector',
  create_hypertable: 'timescaledb',
  time_bucket: 'timescaledb',
};

/** Says which extension brings something that is missing, when it is not installed; `undefined` when none is known. */
export async function findAvailable(client: Querying, name: string): Promise<string | undefined> {
  const extension = broughtBy[name] ?? name;
  const { rows } = await client.query<{ installed_version: string | null }>(
    `select installed_version from pg_available_extensions where name = $1`,
    [extension],
  );
  if (rows.length === 0) {
    const isKnown = extension !== name || extension === 'vector';
    return isKnown
      ? `${name} comes with the extension ${extension}. ${unavailableAdvice(extension)}`
      : undefined;
  }
  if (rows[0]?.installed_version !== null) return undefined;
  const quoted = /^\w+$/.test(extension) ? extension : quoteIdentifier(extension);
  const what =
    extension === name
      ? 'is an extension that is not installed'
      : `comes with the extension ${extension}, which is not installed`;
  return `${name} ${what}: CREATE EXTENSION ${quoted} SCHEMA extensions, or in your own schema for extensions, and start again.`;
}
