import { hostname } from 'node:os';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { readFleet } from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { alikePlugins } from '../support/migration-folder.ts';
import { untilFound } from '../support/server-sessions.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('readFleet()', () => {
  it('shows which host migrates what, whose lock it holds, and who blocks it', async () => {
    const database = await db.fresh();
    await database.query('CREATE TABLE gate (id int)');
    const blocker = new Client({ connectionString: database.url, application_name: 'psql' });
    await blocker.connect();
    await blocker.query(`BEGIN; LOCK TABLE gate; SELECT 'hunter2'`);
    const files = { '0000_a': 'SELECT count(*) FROM public.gate; CREATE TABLE a ();' };
    const plugins = await alikePlugins(['auth', 'catalog'], files);
    const migrations = { ddlLockTimeout: 0 };
    const { boot } = bootUnderTest({ pool: database.url, plugins, migrations });
    const migrated = boot.migrate();
    await untilFound(
      database,
      `SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'gate'::regclass
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       HAVING count(*) = 2`,
    );
    const fleet = await readFleet(database.url);
    await blocker.end();
    await migrated;
    expect(fleet).toMatchObject({ database: database.name });
    expect(fleet.hosts.map(({ host }) => host)).toEqual([hostname()]);
    const sessions = fleet.hosts.flatMap((each) => each.sessions);
    const byPlugin = sessions.toSorted((a, b) => ((a.plugin ?? '') < (b.plugin ?? '') ? -1 : 1));
    expect(byPlugin).toMatchObject(
      ['auth', 'catalog'].map((plugin) => ({
        plugin,
        applicationName: `slipway/${plugin}@${hostname()}`,
        // Its schema is not made yet for others to see.
        holds: [`plugin_${plugin}`],
        state: 'active',
        blockedBy: [{ applicationName: 'psql', state: 'idle in transaction' }],
      })),
    );
    expect(byPlugin.every(({ connectedMs = -1, stateMs = -1 }) => connectedMs >= stateMs)).toBe(
      true,
    );
    expect(JSON.stringify(fleet)).not.toMatch(/hunter2|SELECT/i);
    expect((await readFleet(database.url)).hosts).toEqual([]);
  });

  it('shows a holder without a name of ours, and no other session or advisory lock', async () => {
    const { url, query } = await db.fresh();
    await query('CREATE SCHEMA "Plugin ä"');
    const holder = new Client({ connectionString: url });
    await holder.connect();
    await holder.query(
      `SELECT pg_advisory_lock(${migrationLockKey('Plugin ä')}), pg_advisory_lock_shared(42)`,
    );
    const other = new Client({ connectionString: url, application_name: 'slipways' });
    await other.connect();
    await other.query('SELECT pg_advisory_lock(43)');
    const { hosts } = await readFleet(url);
    await Promise.all([holder.end(), other.end()]);
    expect(hosts).toMatchObject([{ host: '', sessions: [{ holds: ['Plugin ä'], state: 'idle' }] }]);
    expect(hosts[0]?.sessions).toHaveLength(1);
  });

  it('counts a watching session as no migration, and knows other prefixes', async () => {
    const { url } = await db.fresh();
    const named = (name: string): Client =>
      new Client({ connectionString: url, application_name: name });
    const clients = [named('slipway/monitor@web-1'), named('slipway/mail@web-2')] as const;
    await Promise.all(clients.map((client) => client.connect()));
    await clients[1].query(`SELECT pg_advisory_lock(${migrationLockKey('app_mail')})`);
    const { hosts } = await readFleet(url, { schemaPrefix: 'app_' });
    await Promise.all(clients.map((client) => client.end()));
    expect(hosts).toMatchObject([
      { host: 'web-1', sessions: [{ holds: [] }] },
      { host: 'web-2', sessions: [{ plugin: 'mail', holds: ['app_mail'] }] },
    ]);
    expect(hosts[0]?.sessions[0]).not.toHaveProperty('plugin');
  });

  it('refuses what is no database, and reports a server that does not answer', async () => {
    await expect(readFleet('shop')).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
    const silent = readFleet('postgres://127.0.0.1:1/shop');
    await expect(silent).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  });
});
