import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import type { Database } from './database.ts';

/** The settings and the objects that the next client finds on a session. */
export interface LeftBehind {
  readonly path: string;
  readonly limits: string;
  readonly leftovers: number;
}

/** A session on which no earlier client has left anything. */
export const untouched: LeftBehind = { path: '"$user", public', limits: '0 0 0', leftovers: 0 };

/** Looks at `count` server sessions at once through a pooler, each in a transaction of its own. */
export async function lookThroughPooler(
  url: string,
  count: number,
): Promise<readonly (LeftBehind & { readonly pid: number })[]> {
  const clients = Array.from({ length: count }, () => new Client({ connectionString: url }));
  try {
    await Promise.all(clients.map((client) => client.connect()));
    // All transactions are open before the first one ends, so that no two of them can have the same session.
    await Promise.all(clients.map((client) => client.query('begin')));
    return await Promise.all(clients.map(look));
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function look(client: Client): Promise<LeftBehind & { readonly pid: number }> {
  const { rows } = await client.query<LeftBehind & { readonly pid: number }>(
    `select pg_backend_pid() as pid, current_setting('search_path') as path,
       concat_ws(' ', current_setting('lock_timeout'), current_setting('statement_timeout'),
         current_setting('client_connection_check_interval')) as limits,
       ((select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory')
         + (select count(*) from pg_prepared_statements) + (select count(*) from pg_listening_channels())
         + (pg_my_temp_schema() <> 0)::int)::int as leftovers`,
  );
  const [row] = rows;
  if (!row) throw new Error('The pooler gave no answer');
  return row;
}

/** Returns the application names of the sessions of a database, without the session that asks. */
export async function applicationNames({
  query,
}: Pick<Database, 'query'>): Promise<readonly string[]> {
  const { rows } = await query<{ application_name: string }>(
    `select application_name from pg_stat_activity where datname = current_database()
       and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  return rows.map((row) => row.application_name);
}

/** Waits until a query returns a row, and returns its first row. */
export async function untilFound<Row extends object>(
  { query }: Pick<Database, 'query'>,
  sql: string,
): Promise<Row> {
  for (;;) {
    const { rows } = await query<Row>(sql);
    if (rows[0]) return rows[0];
    await pause(10);
  }
}
