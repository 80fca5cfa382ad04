import { sqlStateOf } from './connection-error.ts';
import type { PinnedClient } from './pinned-client.ts';
import { quoteLiteral } from './identifier.ts';

export interface SessionSettings {
  readonly applicationName: string;
  readonly searchPath: string;
  /** In ms; 0 is none. */
  readonly statementTimeoutMs: number;
}

/** How soon a server notices that our process is gone, and frees its lock in the middle of a statement. */
const connectionCheck = { client_connection_check_interval: '500ms' };

/**
 * Makes a session fit to migrate, in one round trip. Time limits that a role, a database or a pool brings along are made
 * for an application's queries: they would end a long migration, or the session while we look at the next file.
 */
export async function prepareSession(
  client: PinnedClient,
  { applicationName, searchPath, statementTimeoutMs }: SessionSettings,
): Promise<void> {
  const settings = {
    application_name: applicationName,
    search_path: searchPath,
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    idle_session_timeout: '0',
    transaction_timeout: '0',
  };
  try {
    await applySettings(client, { ...settings, ...connectionCheck });
  } catch (error) {
    // Servers on some systems know the setting, and refuse every value but 0.
    if (sqlStateOf(error) !== '22023') throw error;
    await applySettings(client, settings);
  }
}

/** Settings that this version of PostgreSQL does not know are left out. */
async function applySettings(
  client: PinnedClient,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const list = Object.entries(settings)
    .map(([name, value]) => `(${quoteLiteral(name)}, ${quoteLiteral(value)})`)
    .join(', ');
  await client.query(
    `select set_config(s.name, s.value, false) from (values ${list}) as s(name, value)` +
      ' where current_setting(s.name, true) is not null',
  );
}
