import { expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { checkSettings } from '../../src/core/settings.ts';
import type { PinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { nameSession, sendSettings } from '../../src/postgres/connection/session-settings.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();

const prepare = (client: PinnedClient, statementTimeout: number): Promise<unknown> =>
  sendSettings(
    'a',
    'plugin_a',
    checkSettings({ migrations: { statementTimeout } }).migrations,
    'session',
    (settings) => client.query(`select ${settings}`),
  );

test('a server that refuses to look after its clients is prepared without that', async () => {
  const { signal } = new AbortController();
  await withPinnedClient(db.pool(), { clock: systemClock, signal }, async (client) => {
    client.markDirty();
    await prepare(refusing(client, 'client_connection_check_interval'), 7_000);
    const { rows } = await client.query(
      `select current_setting('search_path') as path, current_setting('statement_timeout') as timeout,
         current_setting('application_name') as name, current_setting('client_connection_check_interval') as checks`,
    );
    expect(rows).toEqual([
      { path: 'plugin_a', timeout: '7s', name: nameSession('a'), checks: '0' },
    ]);
  });
});

test('a server is told to look within a minute whether a silent host is still there', async () => {
  const { signal } = new AbortController();
  await withPinnedClient(db.pool(), { clock: systemClock, signal }, async (client) => {
    client.markDirty();
    await prepare(client, 0);
    // What the socket itself has, as the server asks the system.
    const { rows } = await client.query(
      `select current_setting('tcp_keepalives_idle') as idle, current_setting('tcp_keepalives_interval') as again,
         current_setting('tcp_keepalives_count') as times`,
    );
    expect(rows).toEqual([{ idle: '30', again: '10', times: '3' }]);
  });
});

/** A server as on systems that cannot tell when a client is gone: it refuses the setting with 22023. */
function refusing(client: PinnedClient, setting: string): PinnedClient {
  const query: PinnedClient['query'] = (text, values) =>
    text.includes(setting)
      ? Promise.reject(Object.assign(new Error('must be set to 0'), { code: '22023' }))
      : client.query(text, values);
  return Object.assign(Object.create(client) as PinnedClient, { query });
}
