import { describe, expect, it } from 'vitest';
import { Client } from 'pg';
import {
  definePlugin,
  doctorChecks,
  examine,
  serviceRef,
  type BootOptions,
} from '../../src/index.ts';
import { supportedPackages } from '../../src/postgres/doctor/package-versions.ts';
import manifest from '../../package.json' with { type: 'json' };
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { catalogFiles, check, findCheck, migrateCatalog } from '../support/examinations.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';
import { packageTree } from '../support/package-tree.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** Runs a test with the URL of a role that has no rights. */
async function withRole(
  database: Database,
  use: (url: string, role: string) => Promise<void>,
): Promise<void> {
  const role = database.name;
  await database.query(`CREATE ROLE ${role} LOGIN`);
  try {
    const url = new URL(database.url);
    url.username = role;
    await use(url.href, role);
  } finally {
    await database.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  }
}

describe('examine()', () => {
  it('finds nothing wrong with a healthy host, in the order of the table, as plain JSON', async () => {
    const { options } = await migrateCatalog(await db.fresh());
    const examination = await examine(options);
    expect(examination.checks.map(({ id, status }) => [id, status])).toEqual(
      Object.keys(doctorChecks).map((id) => [id, 'ok']),
    );
    expect(examination.status).toBe('ok');
    expect(examination.checks.filter(({ remedy }) => remedy !== undefined)).toEqual([]);
    expect(JSON.parse(JSON.stringify(examination))).toEqual(examination);
  });

  it('works without any plugin', async () => {
    const { url } = await db.fresh();
    const { status, checks } = await examine({ pool: url });
    expect({ status, length: checks.length }).toEqual({ status: 'ok', length: 20 });
    expect(findCheck('plugins', { status, checks }).found).toBe('0 plugins');
    expect(findCheck('histories', { status, checks }).found).toBe('No plugin has migrations');
  });

  it('changes nothing, before the first boot either', async () => {
    const { url, query } = await db.fresh();
    const plugins = [{ id: 'catalog', migrations: await migrationFolder(catalogFiles) }];
    const { status } = await examine({ pool: url, plugins, registry: true });
    expect(status).toBe('ok');
    const { rows } = await query(
      `SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)'`,
    );
    expect(rows).toEqual([]);
  });

  it('sends as many statements for fifty plugins as for one', async () => {
    const database = await db.fresh();
    const count = async (ids: readonly string[]): Promise<number> => {
      const plugins = await alikePlugins(ids, catalogFiles);
      await bootUnderTest({ pool: database.url, plugins }).boot.migrate();
      let sent = 0;
      class Counting extends Client {
        override query(...args: unknown[]): never {
          sent += 1;
          return (super.query as (...all: unknown[]) => never)(...args);
        }
      }
      await examine({ pool: database.pool({ Client: Counting }), plugins });
      return sent;
    };
    const many = Array.from({ length: 50 }, (_, index) => `p${index}`);
    const few = await count(['p0']);
    expect(few).toBeGreaterThan(3);
    expect(await count(many)).toBe(few);
  });

  it('works on one client, and gives it back', async () => {
    const database = await db.fresh();
    const { options } = await migrateCatalog(database);
    const pool = database.pool({ max: 1 });
    expect(await examine({ ...options, pool, registry: true })).toMatchObject({ status: 'ok' });
    expect({ idle: pool.idleCount, total: pool.totalCount }).toEqual({ idle: 1, total: 1 });
  });

  it('answers without a server: what needs one is unknown, and says why', async () => {
    const plugins = [{ id: 'catalog', migrations: await migrationFolder(catalogFiles) }];
    const pool = 'postgres://app:hunter2@127.0.0.1:1/shop';
    const examination = await examine({ pool, plugins, registry: true });
    expect(findCheck('connection', examination)).toMatchObject({
      status: 'problem',
      found: expect.stringMatching(/^No connection to PostgreSQL: connect ECONNREFUSED/),
      remedy: expect.stringMatching(/^Check that the server runs/),
    });
    const others = examination.checks.filter(({ status }) => status === 'unknown');
    expect(others.length).toBe(17);
    expect(findCheck('pooler', examination).found).toBe('There is no connection.');
    expect(findCheck('plugins', examination)).toMatchObject({ status: 'ok', found: '1 plugin' });
    expect(JSON.stringify(examination)).not.toContain('hunter2');
  });
});

describe('the packages', () => {
  it('are those that package.json allows', () => {
    const ranges = Object.entries(supportedPackages).map(([name, { range }]) => [name, range]);
    const { pg, 'drizzle-orm': drizzle } = manifest.peerDependencies;
    expect(Object.fromEntries(ranges)).toEqual({ pg, 'drizzle-orm': drizzle });
    const supports = (name: string, version: string): boolean =>
      supportedPackages[name]?.pattern.test(version) === true;
    expect(
      ['8.21.0', '8.30.1', '8.100.0', '8.20.9', '7.18.2', '9.0.0'].filter((v) => supports('pg', v)),
    ).toEqual(['8.21.0', '8.30.1', '8.100.0']);
    expect(
      [
        '0.43.9',
        '0.44.0',
        '0.45.4',
        '0.46.0',
        '1.0.0-beta.3',
        '1.0.0-rc.5',
        '1.0.0',
        '1.2.3',
        '2.0.0',
      ].filter((v) => supports('drizzle-orm', v)),
    ).toEqual(['0.44.0', '0.45.4', '1.0.0-rc.5', '1.0.0', '1.2.3']);
  });

  it('of the host that Slipway does not support are a problem, another copy is a warning', async () => {
    const copy = (version: string): Promise<string> =>
      packageTree({
        'package.json': { name: 'host', version: '1.0.0' },
        'node_modules/pg/package.json': { name: 'pg', version, main: 'index.js' },
        'node_modules/pg/index.js': 'module.exports = {};',
      });
    const host = async (version: string): Promise<BootOptions> => ({
      pool: db.url,
      registry: false,
      discover: { root: await copy(version) },
    });
    expect(await check('packages', await host('8.11.3'))).toMatchObject({
      status: 'problem',
      found: expect.stringContaining('and 8.11.3 for the host'),
      remedy: 'Install pg ^8.21.',
    });
    expect(await check('packages', await host('8.22.0'))).toMatchObject({ status: 'warning' });
  });
});

describe('the plugins', () => {
  it('that do not fit together are a problem, and what depends on them is unknown', async () => {
    const { url } = await db.fresh();
    const deps = { mail: serviceRef<number>('mail.api') };
    const examination = await examine({ pool: url, plugins: [{ id: 'orders', deps }] });
    expect(findCheck('plugins', examination)).toMatchObject({
      status: 'problem',
      found: expect.stringContaining('orders needs mail.api'),
    });
    const unknown = examination.checks.filter(({ status }) => status === 'unknown');
    expect(unknown.map(({ id }) => id)).toEqual([
      'privileges',
      'histories',
      'migrations',
      'extensions',
      'stranded-objects',
      'orphaned-schemas',
      'invalid-indexes',
    ]);
    expect(findCheck('connections', examination).status).toBe('ok');
  });

  it('that the registry has and the host has not are a warning, or a problem', async () => {
    const { url } = await db.fresh();
    const gone = definePlugin({ id: 'gone' });
    await bootUnderTest({ pool: url, plugins: [gone], registry: true }).boot.migrate();
    expect(await check('registry', { pool: url, registry: true })).toMatchObject({
      status: 'warning',
      found: 'Enabled in slipway.plugins, but not found: gone',
      evidence: { rows: 1 },
    });
    const examination = await examine({ pool: url, registry: { missing: 'error' } });
    expect(findCheck('registry', examination)).toMatchObject({ status: 'problem' });
    expect(findCheck('plugins', examination)).toMatchObject({ status: 'ok' });
  });

  it('are examined even though the registry cannot be read', async () => {
    const database = await db.fresh();
    await bootUnderTest({
      pool: database.url,
      plugins: [{ id: 'b' }],
      registry: true,
    }).boot.migrate();
    await withRole(database, async (url, role) => {
      await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${role}`);
      const plugins = [{ id: 'catalog', migrations: await migrationFolder(catalogFiles) }];
      const examination = await examine({ pool: url, plugins, registry: true });
      expect(findCheck('registry', examination)).toMatchObject({
        status: 'problem',
        found: expect.stringContaining('permission denied for schema slipway'),
        remedy: 'GRANT USAGE ON SCHEMA slipway and SELECT ON slipway.plugins to the role.',
      });
      expect(findCheck('plugins', examination).status).toBe('ok');
      expect(findCheck('histories', examination).status).toBe('ok');
    });
  });
});

describe('the rights', () => {
  it('that a pending file needs are a problem, those of a later file a warning', async () => {
    const database = await db.fresh();
    const { options } = await migrateCatalog(database);
    await withRole(database, async (url, role) => {
      const own = { ...options, pool: url };
      expect(await check('privileges', own)).toMatchObject({
        status: 'problem',
        found: `catalog: the role ${role} lacks USAGE on SCHEMA "plugin_catalog"`,
        remedy: `GRANT USAGE ON SCHEMA "plugin_catalog" TO "${role}";`,
      });
      await database.query(
        `GRANT USAGE ON SCHEMA plugin_catalog TO ${role}; GRANT SELECT ON plugin_catalog.__drizzle_migrations TO ${role}`,
      );
      expect(await check('privileges', own)).toMatchObject({
        status: 'warning',
        evidence: {
          lacks: ['CREATE on the database', 'CREATE on "plugin_catalog"'],
          notOwned: ['3 objects in "plugin_catalog", such as __drizzle_migrations'],
        },
      });
      const verify = await check('privileges', { ...own, migrations: { mode: 'verify' } });
      expect(verify).toMatchObject({ status: 'ok' });
    });
  });

  it('that are missing make an answer unknown, and say which', async () => {
    const database = await db.fresh();
    await withRole(database, async (url) => {
      const other = await database.pool().connect();
      try {
        const found = await check('idle-transactions', { pool: url });
        expect(found).toMatchObject({ status: 'unknown', evidence: { hiddenSessions: 1 } });
        expect(found.found).toContain('GRANT pg_read_all_stats');
      } finally {
        other.release();
      }
    });
  });
});
