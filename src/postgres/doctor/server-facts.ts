import type { Querying } from '../connection/connection.ts';
import { msSinceSql } from '../locks/advisory-lock.ts';

/** What the server says of itself, of its sessions and of the plugins' schemas, beside the survey. */
export interface ServerFacts {
  /** Such as 180004. */
  readonly versionNumber: number;
  readonly database: string;
  readonly isReplica: boolean;
  /** Whether the session of PostgreSQL has TLS; behind a pooler that is the session of the pooler. */
  readonly tls: boolean;
  /** Whether client and server are on one host. */
  readonly isLocal: boolean;
  readonly connections: ConnectionFacts;
  readonly limits: readonly TimeLimit[];
  readonly extensions: readonly { readonly name: string; readonly schema: string }[];
  readonly idleSessions: readonly IdleSession[];
  /** How many sessions of this database the role may not look into. */
  readonly hiddenSessions: number;
  readonly preparedTransactions: readonly {
    readonly name: string;
    readonly owner: string;
    readonly ageMs: number;
  }[];
  readonly invalidIndexes: readonly InvalidIndex[];
  readonly unknownSchemas: readonly UnknownSchema[];
  readonly foreignObjects: readonly ForeignObjects[];
}

/** The connections that the server, the database and the role allow; -1 is no limit. */
interface ConnectionFacts {
  readonly max: number;
  /** Kept free for superusers and for roles with `pg_use_reserved_connections`. */
  readonly reserved: number;
  readonly used: number;
  readonly databaseLimit: number;
  readonly databaseUsed: number;
  readonly roleLimit: number;
  readonly roleUsed: number;
  readonly isSuperuser: boolean;
}

/** A time limit of PostgreSQL that this session began with. */
interface TimeLimit {
  readonly name: string;
  readonly ms: number;
  /** Where it was set, as `pg_settings.source` says: `user`, `database`, `configuration file` … */
  readonly source: string;
}

interface IdleSession {
  readonly pid: number;
  readonly applicationName?: string;
  readonly role?: string;
  readonly transactionMs: number;
}

interface InvalidIndex {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly isUnique: boolean;
  /** Whether a session may be building it now. */
  readonly isInWork: boolean;
}

interface UnknownSchema {
  readonly name: string;
  readonly tables: number;
  readonly hasHistory: boolean;
}

/** The objects in a plugin's schema that the role does not own. */
interface ForeignObjects {
  readonly schema: string;
  readonly schemaOwner: string;
  readonly isSchemaOwned: boolean;
  readonly count: number;
  readonly example?: string;
}

interface Question {
  /** The schemas of the plugins. */
  readonly schemas: readonly string[];
  /** All names that belong to a plugin, a disabled one or the host, the former ones too. */
  readonly knownSchemas: readonly string[];
  readonly schemaPrefix: string;
  /** How old a transaction is when it is worth a line, in ms. */
  readonly longMs: number;
}

/** PostgreSQL's own time limits; a version that does not know one has no row for it. */
const limitNames = `('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`;

/** Sessions of other clients. Of a session that the role may not look into, only database, role and name are known. */
const isClient = `a.pid <> pg_backend_pid() and coalesce(a.backend_type, 'client backend') = 'client backend' and a.usesysid is not null`;

const here = `(select oid from pg_database where datname = current_database())`;

/**
 * One statement for any number of plugins: `$1` their schemas, `$2` the names that belong to one, `$3` the prefix, `$4` how old
 * a transaction is when it is worth a line. One text of JSON, so that no type parser of the host's can change it. Texts of
 * other sessions' SQL are not asked for.
 */
const serverFactsSql = `
select json_strip_nulls(json_build_object(
  'versionNumber', current_setting('server_version_num')::int,
  'database', current_database(),
  'isReplica', pg_is_in_recovery(),
  'tls', coalesce((select s.ssl from pg_stat_ssl s where s.pid = pg_backend_pid()), false),
  'isLocal', inet_client_addr() is null or inet_client_addr() = inet_server_addr(),
  'connections', (select json_build_object(
    'max', current_setting('max_connections')::int,
    'reserved', current_setting('superuser_reserved_connections')::int
      + coalesce(current_setting('reserved_connections', true)::int, 0),
    'used', (select count(*) from pg_stat_activity a where ${isClient}),
    'databaseLimit', d.datconnlimit,
    'databaseUsed', (select count(*) from pg_stat_activity a where ${isClient} and a.datid = d.oid),
    'roleLimit', r.rolconnlimit,
    'roleUsed', (select count(*) from pg_stat_activity a where ${isClient} and a.usesysid = r.oid),
    'isSuperuser', r.rolsuper)
    from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user),
  'limits', (select coalesce(json_agg(json_build_object('name', s.name, 'ms', s.setting::bigint, 'source', s.source) order by s.name), '[]')
    from pg_settings s where s.name in ${limitNames} and s.setting <> '0'),
  'extensions', (select coalesce(json_agg(json_build_object('name', e.extname, 'schema', n.nspname) order by e.extname), '[]')
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace),
  'idleSessions', (select coalesce(json_agg(s.session order by s.since), '[]') from (
    select a.xact_start as since, json_build_object('pid', a.pid, 'applicationName', nullif(a.application_name, ''), 'role', a.usename,
      'transactionMs', ${msSinceSql('a.xact_start')}) as session
    from pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid() and a.state like 'idle in transaction%'
      and a.xact_start < clock_timestamp() - $4::bigint * interval '1 millisecond'
    order by a.xact_start limit 20) s),
  'hiddenSessions', (select count(*) from pg_stat_activity a
    where a.datname = current_database() and a.usesysid is not null and a.backend_type is null),
  'preparedTransactions', (select coalesce(json_agg(json_build_object('name', p.gid, 'owner', p.owner,
      'ageMs', ${msSinceSql('p.prepared')}) order by p.prepared), '[]')
    from pg_prepared_xacts p
    where p.database = current_database() and p.prepared < clock_timestamp() - $4::bigint * interval '1 millisecond'),
  'invalidIndexes', (select coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'table', t.relname,
      'isUnique', i.indisunique, 'isInWork', exists (select from pg_locks l
        where l.locktype = 'relation' and l.database = ${here} and l.relation = i.indrelid and l.granted
          and l.mode = 'ShareUpdateExclusiveLock' and not exists (select from pg_stat_activity w
            where w.pid = l.pid and w.backend_type = 'autovacuum worker'))) order by n.nspname, c.relname), '[]')
    from pg_index i join pg_class c on c.oid = i.indexrelid and c.relkind = 'i' join pg_class t on t.oid = i.indrelid
      join pg_namespace n on n.oid = c.relnamespace
    where not i.indisvalid and n.nspname = any($1::text[])),
  'unknownSchemas', (select coalesce(json_agg(json_build_object('name', n.nspname,
      'tables', (select count(*) from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p')),
      'hasHistory', exists (select from pg_class c where c.relnamespace = n.oid and c.relname = '__drizzle_migrations')) order by n.nspname), '[]')
    from pg_namespace n where starts_with(n.nspname::text, $3::text) and n.nspname <> all($2::text[])),
  'foreignObjects', (select coalesce(json_agg(json_build_object('schema', f.schema, 'schemaOwner', f.owner,
      'isSchemaOwned', f.is_owned, 'count', f.count, 'example', f.example) order by f.schema), '[]')
    from (select n.nspname as schema, pg_get_userbyid(n.nspowner) as owner, pg_has_role(n.nspowner, 'USAGE') as is_owned,
        count(c.oid) as count, min(c.relname::text) as example
      from pg_namespace n left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
        and not pg_has_role(c.relowner, 'USAGE')
      where n.nspname = any($1::text[]) and n.nspname <> 'public' group by n.oid) f
    where f.count > 0)))::text as facts`;

/** Reads {@link ServerFacts}. */
export async function readServerFacts(client: Querying, question: Question): Promise<ServerFacts> {
  const { schemas, knownSchemas, schemaPrefix, longMs } = question;
  const { rows } = await client.query<{ facts: string }>(serverFactsSql, [
    schemas,
    knownSchemas,
    schemaPrefix,
    longMs,
  ]);
  return JSON.parse(rows[0]?.facts ?? '{}') as ServerFacts;
}

/** How long one round trip takes, in ms, and the backend that answered. */
export interface RoundTrip {
  readonly ms: number;
  readonly backendPid: number;
}

/** Sends an empty question, and measures its answer with the clock of the caller. */
export async function measureRoundTrip(
  client: Querying,
  elapsed: () => number,
): Promise<RoundTrip> {
  const began = elapsed();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return { ms: elapsed() - began, backendPid: rows[0]?.pid ?? 0 };
}

/**
 * Whether the server can notice within a statement that the process of a session is gone. A setting for one transaction, so
 * that nothing is left behind a pooler.
 */
export async function checksConnections(client: Querying): Promise<boolean> {
  try {
    await client.query(`select set_config('client_connection_check_interval', '500ms', true)`);
    return true;
  } catch {
    // Servers on some systems know the setting, and refuse every value but 0.
    return false;
  }
}
