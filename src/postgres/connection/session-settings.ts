import { hostname } from 'node:os';
import type { MigrationSettings } from '../../core/settings.ts';
import { readSqlState } from './connection-error.ts';
import { quoteLiteral } from '../sql/identifier.ts';

/** How soon a server notices that our process is gone, and frees its lock in the middle of a statement. */
const connectionCheck = { client_connection_check_interval: '500ms' };

/**
 * A server notices within a minute of silence that our host is gone. Without that a vanished host keeps its session, and
 * every lock of it, for as long as the system keeps dead connections, often two hours.
 */
export const noticingGoneHosts = {
  tcp_keepalives_idle: '30',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '3',
} as const;

/** Names the session of a plugin, as others see it in `pg_stat_activity` and as the holder of a lock. */
export function nameSession(plugin: string): string {
  return `slipway/${plugin}@${hostname()}`;
}

/** SQL that begins a transaction which sees what others commit meanwhile, such as a history row. */
export const beginSql = 'begin isolation level read committed';

/** SQL that limits how long the open transaction waits for a lock. */
export function lockTimeoutSql({ ddlLockTimeout }: MigrationSettings): string {
  return `set local lock_timeout = ${ddlLockTimeout}`;
}

/**
 * Has the SQL sent that makes a session, or only the open transaction, fit to migrate. Time limits that a role, a database or
 * a pool brings along are made for an application's queries: they would end a long migration, or the session while we look
 * at the next file.
 *
 * @param send Gets an SQL expression that sets them all. Called again, without one of them, when the server refuses that.
 */
export async function sendSettings<Answer>(
  plugin: string,
  searchPath: string,
  { statementTimeout }: MigrationSettings,
  scope: 'session' | 'transaction',
  send: (settings: string) => Promise<Answer>,
): Promise<Answer> {
  const settings = {
    application_name: nameSession(plugin),
    search_path: searchPath,
    statement_timeout: String(statementTimeout),
    lock_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    idle_session_timeout: '0',
    transaction_timeout: '0',
    ...noticingGoneHosts,
  };
  try {
    return await send(settingsSql({ ...settings, ...connectionCheck }, scope));
  } catch (error) {
    // Servers on some systems know the setting, and refuse every value but 0.
    if (readSqlState(error) !== '22023') throw error;
    return send(settingsSql(settings, scope));
  }
}

/** Settings that this version of PostgreSQL does not know are left out. */
function settingsSql(
  settings: Readonly<Record<string, string>>,
  scope: 'session' | 'transaction',
): string {
  const list = Object.entries(settings)
    .map(([name, value]) => `(${quoteLiteral(name)}, ${quoteLiteral(value)})`)
    .join(', ');
  return (
    `(select count(set_config(s.name, s.value, ${scope === 'transaction'})) from (values ${list}) as s(name, value)` +
    ' where current_setting(s.name, true) is not null)'
  );
}
