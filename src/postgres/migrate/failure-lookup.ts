import { readSqlState } from '../connection/connection-error.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import { historyTable } from '../history/migration-history.ts';
import { findBlockers } from '../locks/advisory-lock.ts';
import { isSql } from '../sources/migration.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import { findPsqlCommand, isPsqlVariable, psqlAdvice } from '../sql/refused-commands.ts';
import { unquotedPublicAdvice } from '../sql/public-names.ts';
import { SqlText } from '../sql/sql-text.ts';
import { indexOfCharacter } from '../sql/text-position.ts';
import { unavailableAdvice } from '../survey/extension-problems.ts';
import { adviceForAlreadyThere, alreadyThere } from './already-there.ts';
import {
  adviceForMadeHere,
  adviceForUntrusted,
  findAvailable,
  isAboutExtension,
  isUnavailable,
  makesExtension,
  adviceForMissing,
} from './missing-advice.ts';
import { adviceForDependents, cannotReplace } from './dependents.ts';
import { adviceForFunctionPath } from './function-path-advice.ts';
import { adviceForBlocked } from './migration-advice.ts';
import type { Migrating } from './migrating.ts';

/** Something of the name that PostgreSQL did not find, or did not let us touch. */
interface Namesake {
  readonly schema: string;
  readonly extension: string | null;
  readonly owner: string;
  readonly role: string;
  /** Whether the role has USAGE on the schema; without it PostgreSQL passes over it. */
  readonly isOpen: boolean;
}

/**
 * Looks in the catalogs for what PostgreSQL missed, once the file is rolled back, and says what to do about it. Changes
 * nothing, and never gets in the way of the error itself.
 *
 * @returns `undefined` when nothing is known that the error does not say.
 */
export async function lookIntoFailure(run: Migrating, error: unknown): Promise<string | undefined> {
  const { client } = run;
  if (client.lost || client.isInTransaction()) return undefined;
  try {
    return await findAdvice(run, error);
  } catch {
    return undefined;
  }
}

/** The same, where a transaction may be open: what it throws leaves that aborted. */
export async function findAdvice(run: Migrating, error: unknown): Promise<string | undefined> {
  const { client, progress } = run;
  const sqlState = readSqlState(error) ?? '';
  const name = readName(error);
  const file = progress.open?.file.name ?? 'the file';
  if (alreadyThere.includes(sqlState)) {
    return adviceForAlreadyThere(run, error, name ?? '');
  }
  if (cannotReplace.includes(sqlState)) return adviceForDependents(run);
  switch (sqlState) {
    // Before PostgreSQL 15 the control file of the extension is missing: "…/extension/vector.control".
    case '58P01':
    case '0A000':
      return isUnavailable(error) && name !== undefined ? unavailableAdvice(name) : undefined;
    case '22023':
      return name !== undefined && /\brole "/.test((error as Error).message)
        ? adviceForMissing(error, name, file)
        : undefined;
    case '3D000':
      return name === undefined ? undefined : adviceForMissing(error, name, file);
    case '42601':
      return adviceForSyntax(run, error);
    case '42P01':
    case '42703':
    case '42704':
    case '42883': {
      if (name === undefined) return undefined;
      const inFunction = await adviceForFunctionPath(run, { name, error });
      return inFunction ?? lookForMissing(run, { error, name, file });
    }
    case '42501': {
      if (isAboutExtension(error)) return adviceForUntrusted(name ?? '', file);
      const [found] = name === undefined ? [] : await findNamesakes(client, name);
      return found && adviceForForeign(name ?? '', found);
    }
    case '57014':
      progress.blockers = await findBlockers(client, progress.statement?.query.text ?? '', error);
      return progress.blockers.length > 0 ? adviceForBlocked(progress.blockers) : undefined;
    default:
      return undefined;
  }
}

interface Missing {
  readonly error: unknown;
  readonly name: string;
  readonly file: string;
}

async function lookForMissing(
  run: Migrating,
  { error, name, file }: Missing,
): Promise<string | undefined> {
  const {
    client,
    plugin: { schema },
    progress,
  } = run;
  if (progress.isCommitting && (error as Error).message.includes(historyTable)) {
    return `${file} has dropped, renamed or changed the history of migrations, into which Slipway writes a row with each file: remove that command from it.`;
  }
  if (readSqlState(error) === '42703') return undefined;
  // The name of a role or a collation may have a dot in it.
  const whole = readQuoted((error as Error).message) ?? name;
  const outside =
    readSqlState(error) === '42704' ? adviceForMissing(error, whole, file) : undefined;
  if (outside !== undefined) return outside;
  const inPublic = findInPublic(run, name);
  if (inPublic && /\bpublic\./i.test((error as Error).message)) return inPublic;
  const found = await findNamesakes(client, name);
  const elsewhere = found.find((each) => each.schema !== schema);
  if (elsewhere) return adviceForElsewhere(name, elsewhere);
  if (inPublic) return inPublic;
  const sent = progress.statement?.query.text ?? '';
  return makesExtension(sent, name) ? adviceForMadeHere(name) : findAvailable(client, name);
}

/** A syntax error that comes from psql's own language. */
function adviceForSyntax(
  { progress: { statement, open } }: Migrating,
  error: unknown,
): string | undefined {
  if (!statement || !open) return undefined;
  const { text } = statement.query;
  const found = findPsqlCommand(new SqlText(text));
  if (found) return psqlAdvice(found.command, open.file.name);
  const position = Number((error as { readonly position?: string }).position ?? 0);
  const at = indexOfCharacter(text, position);
  return position > 0 && isPsqlVariable(text, at)
    ? psqlAdvice(/^:(?:'[^']*'|"[^"]*"|\w+)/.exec(text.slice(at))?.[0] ?? ':', open.file.name)
    : undefined;
}

/** The name is written as `public.name` in the file, without the quotes that would make it the plugin's own. */
function findInPublic({ progress: { open } }: Migrating, name: string): string | undefined {
  return open && isSql(open.file) ? unquotedPublicAdvice(open.file, [name]) : undefined;
}

function adviceForElsewhere(name: string, { schema, extension, isOpen, role }: Namesake): string {
  if (extension !== null && !isOpen) {
    const grant = `GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${quoteIdentifier(role)};`;
    return `${name} is in schema ${schema}, from extension ${extension}, and the role ${role} may not use that schema: ${grant}`;
  }
  return extension === null
    ? `${name} is in schema ${schema}, which is not on the search_path: write ${schema}.${name} if that one is intended, or make this plugin depend on the plugin that makes the right one.`
    : `${name} is in schema ${schema}, from extension ${extension}: list ${schema} in migrations.extensionSchemas, or move the extension with ALTER EXTENSION ${quoteIdentifier(extension)} SET SCHEMA to a schema for extensions.`;
}

function adviceForForeign(name: string, { owner, role }: Namesake): string {
  return owner === role
    ? `The role ${role} lacks the right that PostgreSQL names, although it owns ${name}: look at its schema, and start again.`
    : `${name} belongs to ${owner}, and the migration runs as ${role}: grant ${role} the right that PostgreSQL names, or let ${owner} do it, and start again.`;
}

/** Those of an extension first, then those in `public`. */
async function findNamesakes(client: PinnedClient, name: string): Promise<readonly Namesake[]> {
  const { rows } = await client.query<Namesake>(
    `select n.nspname::text as schema, x.extname::text as extension,
       pg_get_userbyid(o.owner)::text as owner, current_user::text as role,
       has_schema_privilege(n.oid, 'USAGE') as "isOpen"
     from (
       select 'pg_class'::regclass as class, oid, relnamespace as schema, relname as name, relowner as owner from pg_class union all
       select 'pg_type'::regclass, oid, typnamespace, typname, typowner from pg_type union all
       select 'pg_proc'::regclass, oid, pronamespace, proname, proowner from pg_proc union all
       select 'pg_opclass'::regclass, oid, opcnamespace, opcname, opcowner from pg_opclass union all
       select 'pg_namespace'::regclass, oid, oid, nspname, nspowner from pg_namespace) o
     join pg_namespace n on n.oid = o.schema
     left join pg_depend d on d.classid = o.class and d.objid = o.oid and d.deptype = 'e'
     left join pg_extension x on x.oid = d.refobjid
     where o.name::text = $1 and n.nspname !~ '^(pg_|information_schema)'
     order by x.extname is null, n.nspname <> 'public', n.nspname limit 5`,
    [name],
  );
  return rows;
}

/**
 * The name in the message, whatever its language: `type "citext" does not exist`, `function f(integer) does not exist`.
 * Without its schema.
 */
function readName(error: unknown): string | undefined {
  const { message } = error as Error;
  const extension = /([^/\\"]+)\.control\b/.exec(message)?.[1];
  const quoted = readQuoted(message);
  const called = /([\w$.\u0080-\uffff]+)\(/.exec(message)?.[1];
  const found = extension ?? quoted ?? called ?? message.split(' ').at(-1);
  return found?.split('.').at(-1);
}

function readQuoted(message: string): string | undefined {
  return /["»„«]([^"»„«“]+)["«“»]/.exec(message)?.[1];
}
