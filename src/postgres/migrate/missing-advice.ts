import { readText } from '../../core/foreign-value.ts';
import type { Querying } from '../connection/connection.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import { unavailableAdvice } from '../survey/extension-problems.ts';

/** Roles that a provider makes in each of its databases, and no other server has. */
const rolesOfProviders: Readonly<Record<string, string>> = {
  anon: 'Supabase',
  authenticated: 'Supabase and Neon',
  service_role: 'Supabase',
  supabase_admin: 'Supabase',
  supabase_auth_admin: 'Supabase',
  anonymous: 'Neon',
  neon_superuser: 'Neon',
  rds_superuser: 'Amazon RDS',
  cloudsqlsuperuser: 'Google Cloud SQL',
  azure_pg_admin: 'Azure',
};

type Advise = (name: string, culprit: string) => string;

/**
 * The things that may be missing beside relations, types and functions. PostgreSQL names each by the routine that failed,
 * which is in no language, or by its message. The first that fits counts.
 */
const missing: readonly (readonly [sign: RegExp, advise: Advise])[] = [
  [/\bget_role|\bDropRole\b|\bAlterRole\b|\brole "/, adviceForRole],
  [
    /\bget_required_extension\b/,
    (name) =>
      `The extension needs another one, ${name}: make that first, or write CREATE EXTENSION … CASCADE.`,
  ],
  [
    /\bget_extension|\bExecAlterExtension|\bextension "/,
    (name, culprit) =>
      `The extension ${name} is not in this database: put CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)}; before this statement of ${culprit}.`,
  ],
  [
    /\bget_tablespace|\btablespace "/,
    (name, culprit) =>
      `No tablespace ${name} is on this server: remove TABLESPACE from ${culprit} (pg_dump --no-tablespaces leaves it out), or let an administrator make it.`,
  ],
  [
    /\bget_collation|\bcollation "/,
    (name) =>
      `The server has no collation ${name}: those of the operating system are different on each. SELECT collname FROM pg_collation; lists them. Those of ICU, such as "de-x-icu", are on most servers.`,
  ],
  [
    /\blanguage "/,
    (name) =>
      `The language ${name} comes with an extension: put CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)}; before this statement, where the server has it.`,
  ],
  [
    /[Pp]ublication|[Ss]ubscription|[Ee]vent_?[Tt]rigger|foreign_server/,
    (name, culprit) =>
      `${name} belongs to the whole database, and is not in this one: make it before ${culprit} runs, or remove the statement.`,
  ],
  [
    /\bdatabase "|\bget_database/,
    (name) => `The server has no database ${name}: correct the name.`,
  ],
  [
    /\bassignable_custom_variable_name\b|\bunrecognized configuration parameter\b/,
    (name, culprit) =>
      `The server does not know the setting ${name}: it comes with a newer PostgreSQL, or with an extension that is not loaded. A dump begins with such settings: remove the SET from ${culprit}.`,
  ],
  [
    /\bATExec\w*Constraint\b|\bget_trigger|\bget_relation_policy|\bget_rewrite|\b(?:constraint|trigger|policy|rule) "/,
    (name, culprit) =>
      `The table in this database has no ${name}: was it changed by hand? Compare it with the files before ${culprit}; DROP … IF EXISTS skips what does not exist.`,
  ],
];

/** The routine that failed, which is in no language, and the message. */
export function readSigns(error: unknown): string {
  return `${readText(error, 'routine') ?? ''} ${readText(error, 'message') ?? ''}`;
}

/**
 * Says what to do about something missing that no schema has: a role, an extension, a setting of the server.
 *
 * @param name What is missing.
 * @returns `undefined` for what a schema has, or should have.
 */
export function adviceForMissing(
  error: unknown,
  name: string,
  culprit: string,
): string | undefined {
  const signs = readSigns(error);
  return missing.find(([sign]) => sign.test(signs))?.[1](name, culprit);
}

function adviceForRole(name: string, culprit: string): string {
  const provider = rolesOfProviders[name];
  const origin = provider === undefined ? '' : `, one of those that come with ${provider}`;
  return `The server has no role ${name}${origin}. A role belongs to the whole server: let an administrator run CREATE ROLE ${quoteIdentifier(name)} NOLOGIN; or remove the statement from ${culprit}. pg_dump --no-owner --no-privileges leaves such statements out.`;
}

/** Whether an error is about an extension. */
export function isAboutExtension(error: unknown): boolean {
  return /\w_extension_|CreateExtension|\bextension "/.test(readSigns(error));
}

/** Whether the server has no such extension, as opposed to what it cannot do with one. */
export function isUnavailable(error: unknown): boolean {
  return /^(?:parse_extension_control_file |\w* extension .* is not available$)/.test(
    readSigns(error),
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
