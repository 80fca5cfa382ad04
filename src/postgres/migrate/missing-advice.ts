import { quoteIdentifier } from '../sql/identifier.ts';

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
 * What may be missing beside relations, types and functions. PostgreSQL names it by the routine that failed, which is in no
 * language, or by its message. The first that fits counts.
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
  const { routine = '', message } = error as {
    readonly routine?: string;
    readonly message: string;
  };
  const signs = `${routine} ${message}`;
  return missing.find(([sign]) => sign.test(signs))?.[1](name, culprit);
}

function adviceForRole(name: string, culprit: string): string {
  const provider = rolesOfProviders[name];
  const origin = provider === undefined ? '' : `, one of those that come with ${provider}`;
  return `The server has no role ${name}${origin}. A role belongs to the whole server: let an administrator run CREATE ROLE ${quoteIdentifier(name)} NOLOGIN; or remove the statement from ${culprit}. pg_dump --no-owner --no-privileges leaves such statements out.`;
}
