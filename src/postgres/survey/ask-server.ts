import type { Querying } from '../connection/connection.ts';
import { historyTable } from '../history/migration-history.ts';
import { unfinishedTable } from '../history/unfinished-file.ts';

/** The answer to the first statement of the survey: what a boot without pending files needs, and no more. */
export interface ServerFacts {
  readonly pid: number;
  readonly server: string;
  readonly readOnly: boolean;
  readonly role: string;
  readonly database: string;
  readonly canCreateSchema: boolean;
  /** Whether an extension is in a schema that could be one for extensions. */
  readonly hasExtensions: boolean;
  /** Whether `public` has anything that could belong to a plugin. */
  readonly isPublicUsed: boolean;
  /** The existing ones of the schemas in the question. */
  readonly schemas: readonly SchemaRights[];
}

/** What the role may do in a schema, and what it may read of its history. */
export interface SchemaRights {
  readonly name: string;
  readonly canUse: boolean;
  readonly canCreate: boolean;
  readonly history: {
    readonly columns: readonly string[];
    readonly canRead: boolean;
    readonly canWrite: boolean;
  } | null;
  /** The table of its unfinished files; null when there is none, as nearly always. */
  readonly unfinished: { readonly canRead: boolean; readonly isOwned: boolean } | null;
}

/**
 * Asks for {@link ServerFacts} of the schemas `$1`: one text of JSON, so that no type parser of the host's can change it. It reads
 * only catalogs, which every role may read. On a new connection each catalog costs extra time, mostly for planning, so what only
 * some boots need is in {@link DatabaseFacts}.
 */
const factsSql = `
select json_build_object(
  'pid', pg_backend_pid(),
  'server', split_part(current_setting('server_version'), ' ', 1),
  'readOnly', current_setting('transaction_read_only') = 'on',
  'role', current_user,
  'database', current_database(),
  'canCreateSchema', has_database_privilege(current_database(), 'CREATE'),
  'hasExtensions', exists (select from pg_extension e
    where e.extnamespace <> 'pg_catalog'::regnamespace and e.extnamespace is distinct from to_regnamespace('public')::oid),
  'isPublicUsed', exists (select from pg_depend d
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = to_regnamespace('public')::oid
      and d.classid in ('pg_class'::regclass, 'pg_type'::regclass)),
  'schemas', coalesce((
    select json_agg(json_build_object(
      'name', n.nspname,
      'canUse', has_schema_privilege(n.oid, 'USAGE'),
      'canCreate', has_schema_privilege(n.oid, 'CREATE'),
      'history', (
        select json_build_object(
          'columns', (
            select coalesce(json_agg(a.attname), '[]') from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
          'canRead', has_table_privilege(c.oid, 'SELECT'),
          'canWrite', has_table_privilege(c.oid, 'INSERT'))
        from pg_class c where c.relnamespace = n.oid and c.relname = '${historyTable}'),
      'unfinished', (
        select json_build_object(
          'canRead', has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT'),
          'isOwned', pg_has_role(c.relowner, 'USAGE'))
        from pg_class c where c.relnamespace = n.oid and c.relname = '${unfinishedTable}')))
    from pg_namespace n where n.nspname = any($1::text[])), '[]')
)::text as facts`;

/** Asks for the facts that every boot needs. */
export async function askServer(
  client: Querying,
  schemas: readonly string[],
): Promise<ServerFacts> {
  const { rows } = await client.query<{ facts: string }>(factsSql, [schemas]);
  return JSON.parse(rows[0]?.facts ?? '{}') as ServerFacts;
}
