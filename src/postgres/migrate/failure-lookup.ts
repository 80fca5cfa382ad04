import { sqlStateOf } from '../connection/connection-error.ts';
import { findBlockers } from '../locks/lock-blockers.ts';
import { adviceForFunctionPath } from './function-path-advice.ts';
import { adviceForBlocked } from './migration-advice.ts';
import type { MigrationProgress } from './migration-progress.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';

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
export async function lookIntoFailure(
  client: PinnedClient,
  schema: string,
  progress: MigrationProgress,
  error: unknown,
): Promise<string | undefined> {
  if (client.lost || client.isInTransaction()) return undefined;
  try {
    return await lookUp(client, schema, progress, error);
  } catch {
    return undefined;
  }
}

async function lookUp(
  client: PinnedClient,
  schema: string,
  progress: MigrationProgress,
  error: unknown,
): Promise<string | undefined> {
  const sqlState = sqlStateOf(error);
  const name = nameIn(error);
  switch (sqlState) {
    case '42P01':
    case '42704':
    case '42883': {
      if (name === undefined) return undefined;
      const inFunction = await adviceForFunctionPath(client, schema, progress, { name, error });
      if (inFunction !== undefined) return inFunction;
      const found = await findNamesakes(client, name);
      const elsewhere = found.find((each) => each.schema !== schema);
      if (elsewhere) return adviceForElsewhere(name, elsewhere);
      const sent = progress.statement?.query.text ?? '';
      return makesExtension(sent, name) ? adviceForMadeHere(name) : findAvailable(client, name);
    }
    case '42501': {
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

function adviceForElsewhere(name: string, { schema, extension, isOpen, role }: Namesake): string {
  if (extension !== null && !isOpen) {
    const grant = `GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${quoteIdentifier(role)};`;
    return `${name} is in schema ${schema}, from extension ${extension}, and the role ${role} may not use that schema: ${grant}`;
  }
  return extension === null
    ? `${name} is in schema ${schema}, which is not on the search_path: write ${schema}.${name} if that one is meant, or let this plugin depend on the one that makes its own.`
    : `${name} is in schema ${schema}, from extension ${extension}: list ${schema} in migrations.extensionSchemas, or move the extension with ALTER EXTENSION ${extension} SET SCHEMA to a schema for extensions.`;
}

function adviceForForeign(name: string, { owner, role }: Namesake): string {
  return owner === role
    ? `The role ${role} lacks the right that PostgreSQL names, although it owns ${name}: look at its schema, and start again.`
    : `${name} belongs to ${owner}, and the migration runs as ${role}: grant ${role} the right that PostgreSQL names, or let ${owner} do it, and start again.`;
}

/** An extension that came with the failed statement, in a schema that was none for extensions before, is gone again. */
function makesExtension(statement: string, name: string): boolean {
  return /create\s+extension/i.test(statement) && statement.includes(name);
}

function adviceForMadeHere(name: string): string {
  return `When ${name} comes with the extension of this statement, put a "--> statement-breakpoint" behind its CREATE EXTENSION: from there on it is found. Otherwise correct the name.`;
}

/** Most extensions of which somebody misses a type are called like it. */
async function findAvailable(client: PinnedClient, name: string): Promise<string | undefined> {
  const { rows } = await client.query(
    `select from pg_available_extensions where name = $1 and installed_version is null`,
    [name],
  );
  return rows.length === 0
    ? undefined
    : `${name} is an extension that is not installed: CREATE EXTENSION ${name} SCHEMA extensions, or whatever schema you have for extensions, and start again.`;
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
function nameIn(error: unknown): string | undefined {
  const { message } = error as Error;
  const quoted = /["»„«]([^"»„«“]+)["«“»]/.exec(message)?.[1];
  const called = /([\w$.\u0080-\uffff]+)\(/.exec(message)?.[1];
  const found = quoted ?? called ?? message.split(' ').at(-1);
  return found?.split('.').at(-1);
}
