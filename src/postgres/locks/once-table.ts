import { BootError } from '../../core/errors.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { readSqlState } from '../connection/connection-error.ts';
import type { Querying } from '../connection/connection.ts';
import { describeForeignTable, isNotMadeYet, makeOwnTable } from '../own-table.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import { heldKeySql } from './advisory-lock.ts';
import type { LockSession } from './lock-session.ts';

const table = 'slipway.once';
const columns = `
  key text primary key, run uuid not null, ended_at timestamptz not null, duration_ms double precision not null,
  remembered boolean not null, plugin text not null, host text not null, pid integer not null, app text, app_version text`;

/** The row of a key, and whether the role may write it. */
export interface OnceState {
  /** The last run that ended well. */
  readonly run: string | null;
  readonly isRemembered: boolean;
  /** The right that the role lacks to write a row, or `null`. */
  readonly lacks: string | null;
  readonly isReadOnly: boolean;
}

/** A run that ended well. */
export interface OnceRun {
  readonly key: string;
  readonly durationMs: number;
  readonly isRemembered: boolean;
  readonly plugin: string;
  readonly host: string;
  readonly pid: number;
  readonly app: { readonly name?: string; readonly version?: string } | undefined;
}

/**
 * Reads the last run of a key, with one query; `undefined` where there is no table yet.
 *
 * @param rememberMs How long a run is remembered, in ms.
 * @throws BootError `DATABASE_PRIVILEGE`, `SCHEMA_TAKEN`; what pg threw otherwise.
 */
export async function readOnce(
  session: LockSession,
  key: string,
  rememberMs: number,
): Promise<OnceState | undefined> {
  try {
    const { rows } = await session.query<OnceState>(
      `select o.run::text as run,
         coalesce(o.remembered::boolean and ($2::float8 is null
           or o.ended_at::timestamptz > now() - $2::float8 * interval '1 ms'), false) as "isRemembered",
         (select string_agg(r.name, ', ') from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as r(name)
           where not has_table_privilege('${table}', r.name)) as lacks,
         current_setting('transaction_read_only')::boolean as "isReadOnly"
       from (select) as always left join ${table} o on o.key::text = $1`,
      [key, Number.isFinite(rememberMs) ? rememberMs : null],
    );
    return rows[0];
  } catch (error) {
    if (isNotMadeYet(error)) return undefined;
    throw await explain(session, error, 'read');
  }
}

/**
 * Makes sure that a run can be written before it begins: makes the table where there is none.
 *
 * @throws BootError `DATABASE_PRIVILEGE`, `DATABASE_READ_ONLY`; what pg threw otherwise.
 */
export async function expectWritable(
  session: LockSession,
  state: OnceState | undefined,
): Promise<void> {
  if (!state) {
    try {
      return await session.alone((client) => makeOwnTable(client, { name: table, columns }));
    } catch (error) {
      throw await explain(session, error, 'make');
    }
  }
  if (state.lacks !== null) throw await lacksRight(session, 'write');
  if (state.isReadOnly) throw readOnly();
}

/** After a day no caller waits any more for a run that is not to be remembered. */
const waitersAreGone = `not remembered and ended_at < now() - interval '1 day'`;

/**
 * Writes a run that ended well, if this session still holds the lock of its key. The same statement looks for the lock: while
 * a session holds it, no other run can have begun.
 *
 * @returns Whether the row was written.
 */
export async function writeOnce(
  session: LockSession,
  lockId: bigint,
  { key, durationMs, isRemembered, plugin, host, pid, app }: OnceRun,
): Promise<boolean> {
  try {
    const { rows } = await session.query(
      `with outdated as (delete from ${table} where ${waitersAreGone} and key <> $1)
       insert into ${table} as known
         (key, run, ended_at, duration_ms, remembered, plugin, host, pid, app, app_version)
       select $1, gen_random_uuid(), now(), $2::float8, $3::boolean, $4, $5, $6::int, $7, $8
       from pg_locks l where l.pid = pg_backend_pid() and ${heldKeySql(lockId)}
       on conflict (key) do update set run = excluded.run, ended_at = excluded.ended_at,
         duration_ms = excluded.duration_ms, remembered = known.remembered or excluded.remembered,
         plugin = excluded.plugin, host = excluded.host, pid = excluded.pid,
         app = excluded.app, app_version = excluded.app_version
       returning 1`,
      [key, durationMs, isRemembered, plugin, host, pid, app?.name ?? null, app?.version ?? null],
    );
    return rows.length === 1;
  } catch (error) {
    throw await explain(session, error, 'write');
  }
}

type Doing = 'make' | 'read' | 'write';

async function explain(client: Querying, error: unknown, doing: Doing): Promise<unknown> {
  const sqlState = readSqlState(error);
  if (sqlState === '42501') return lacksRight(client, doing, error);
  if (sqlState === '25006') return readOnly(error);
  const foreign = await describeForeignTable(client, table, error).catch(() => undefined);
  if (foreign === undefined) return error;
  return new BootError('SCHEMA_TAKEN', `${table} is not the table of runOnce(), but ${foreign}`, {
    cause: error,
    hint: 'The schema slipway is where Slipway keeps its tables. Rename that table or its schema.',
  });
}

function readOnly(cause?: unknown): BootError {
  const message = `runOnce() cannot write ${table}: the database takes no writes`;
  return new BootError('DATABASE_READ_ONLY', message, { cause });
}

async function lacksRight(client: Querying, doing: Doing, cause?: unknown): Promise<BootError> {
  const { rows } = await client.query<{
    role: string;
    database: string;
    hasSchema: boolean;
    hasTable: boolean;
  }>(
    `select current_user::text as role, current_database()::text as database,
       exists (select from pg_namespace where nspname = 'slipway') as "hasSchema",
       exists (select from pg_class where relnamespace = (select oid from pg_namespace where nspname = 'slipway')
         and relname = 'once') as "hasTable"`,
  );
  const { role = '', database = '', hasSchema = false, hasTable = false } = rows[0] ?? {};
  const to = `TO ${quoteIdentifier(role)};`;
  const grants = hasTable
    ? [`USAGE ON SCHEMA slipway ${to}`, `SELECT, INSERT, UPDATE, DELETE ON ${table} ${to}`]
    : [hasSchema ? `USAGE, CREATE ON SCHEMA slipway ${to}` : onDatabase(database, to)];
  const why = cause === undefined ? '' : `: ${readMessage(cause)}`;
  return new BootError('DATABASE_PRIVILEGE', `The role ${role} may not ${doing} ${table}${why}`, {
    hint: grants.map((grant) => `GRANT ${grant}`).join(' '),
    ...(cause !== undefined && { cause }),
  });
}

function onDatabase(name: string, to: string): string {
  return `CREATE ON DATABASE ${quoteIdentifier(name)} ${to}`;
}
