import type { LockBlocker } from '../../core/waits.ts';
import type { Querying } from '../connection/connection.ts';
import { msSinceSql } from '../locks/advisory-lock.ts';

/** The sessions of Slipway in one database, by host, as PostgreSQL sees them now. Plain JSON. */
export interface Fleet {
  readonly database: string;
  readonly hosts: readonly FleetHost[];
}

/** The sessions of one host. */
export interface FleetHost {
  /** The name of the machine or the pod, as its sessions give it; `''` for sessions that give none. */
  readonly host: string;
  readonly sessions: readonly FleetSession[];
}

/** A session of Slipway. Parts that the role may not see are left out. */
export interface FleetSession {
  readonly pid: number;
  /** `slipway/<plugin>@<host>` while a plugin migrates; PostgreSQL cuts it at 63 bytes. */
  readonly applicationName?: string;
  /** The plugin that it migrates; left out for another session. */
  readonly plugin?: string;
  /** The schemas whose migration lock it holds. */
  readonly holds: readonly string[];
  /** The state that PostgreSQL reports: `active`, `idle in transaction` … */
  readonly state?: string;
  /** The age of the connection: the lock is at most as old. */
  readonly connectedMs?: number;
  /** The age of its transaction. */
  readonly transactionMs?: number;
  /** How long it has been in its state: for an active session the age of its statement. */
  readonly stateMs?: number;
  /** The sessions that it waits for. */
  readonly blockedBy: readonly LockBlocker[];
}

/** The connection that watches the others has this in the place of a plugin. */
const monitor = 'monitor';

/** The first 8 bytes of the SHA-256 are the key of a lock; `pg_locks` shows it in two halves. */
const half = (from: number): string =>
  `('x' || encode(substr(k.hash, ${from}, 4), 'hex'))::bit(32)::bigint`;

/**
 * Every session with a name of Slipway's, and every holder of a migration lock. A lock shows only its key, which is made of
 * the name of a schema: of those that exist, and of those that the sessions are about to make (`$1` is the prefix). Texts of
 * SQL are not asked for.
 */
const fleetSql = `
with named as (
  select a.pid, substring(a.application_name from '^slipway/(.+)@') as plugin
  from pg_stat_activity a where a.datname = current_database() and starts_with(a.application_name, 'slipway/')
), keys as (
  select s.schema, sha256(convert_to('slipway:migrate:' || s.schema, 'UTF8')) as hash from (
    select n.nspname::text as schema from pg_namespace n where n.nspname !~ '^(pg_|information_schema$)'
    union select $1::text || n.plugin from named n where n.plugin is not null) s
), held as materialized (
  select l.pid, k.schema from pg_locks l join keys k
    on l.classid::bigint = ${half(1)} and l.objid::bigint = ${half(5)}
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
), members as (select pid from named union select pid from held)
select coalesce(json_agg(json_strip_nulls(json_build_object(
    'pid', m.pid, 'applicationName', nullif(a.application_name, ''),
    'holds', (select coalesce(json_agg(distinct h.schema order by h.schema), '[]') from held h where h.pid = m.pid),
    'state', a.state, 'connectedMs', ${msSinceSql('a.backend_start')}, 'transactionMs', ${msSinceSql('a.xact_start')},
    'stateMs', ${msSinceSql('a.state_change')},
    'blockedBy', case when coalesce(a.wait_event_type, 'Lock') = 'Lock' then (
      select coalesce(json_agg(json_build_object('pid', b.pid, 'applicationName', nullif(s.application_name, ''),
        'state', s.state, 'transactionMs', ${msSinceSql('s.xact_start')}) order by b.place), '[]')
      from unnest(pg_blocking_pids(m.pid)) with ordinality b(pid, place) left join pg_stat_activity s on s.pid = b.pid
      where b.pid > 0) else '[]' end)) order by m.pid), '[]')::text as sessions,
  current_database()::text as database
from members m left join pg_stat_activity a on a.pid = m.pid`;

type FoundSession = Omit<FleetSession, 'plugin'>;

/**
 * Reads the {@link Fleet} in one statement.
 *
 * @param schemaPrefix Of the schemas of plugins, for locks of schemas that are not made yet.
 */
export async function findFleet(client: Querying, schemaPrefix: string): Promise<Fleet> {
  const { rows } = await client.query<{ sessions: string; database: string }>(fleetSql, [
    schemaPrefix,
  ]);
  const [row] = rows;
  const sessions = JSON.parse(row?.sessions ?? '[]') as readonly FoundSession[];
  const byHost = new Map<string, FleetSession[]>();
  for (const session of sessions) {
    const { host, plugin } = readName(session.applicationName ?? '');
    const known = byHost.get(host) ?? [];
    known.push({ ...session, ...(plugin !== undefined && { plugin }) });
    byHost.set(host, known);
  }
  const hosts = [...byHost].map(([host, each]) => ({ host, sessions: each }));
  return {
    database: row?.database ?? '',
    hosts: hosts.toSorted((a, b) => (a.host < b.host ? -1 : 1)),
  };
}

/** `slipway/catalog@web-2` is the plugin catalog on the host web-2. */
function readName(applicationName: string): { readonly host: string; readonly plugin?: string } {
  const [, plugin, host] = /^slipway\/(.+)@([^@]*)$/s.exec(applicationName) ?? [];
  if (plugin === undefined || host === undefined) return { host: '' };
  return plugin === monitor ? { host } : { host, plugin };
}
