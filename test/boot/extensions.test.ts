import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { definePlugin, type BootOptions, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { alikePlugins, migrationFolder, writeMigrations } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const ids = ['a', 'b', 'c', 'd', 'e', 'f'] as const;

const withExtensions = {
  '0000_extensions': `CREATE EXTENSION IF NOT EXISTS citext;
    --> statement-breakpoint
    CREATE EXTENSION IF NOT EXISTS "pg_trgm";
    --> statement-breakpoint
    CREATE TABLE t (name citext);
    --> statement-breakpoint
    CREATE INDEX t_name ON t USING gin ((name::text) gin_trgm_ops);`,
};

const makesSchema = {
  '0000_schema': `-- slipway: allow-outside
    CREATE SCHEMA extensions; CREATE EXTENSION hstore SCHEMA extensions;`,
};

interface Given {
  readonly options: BootOptions;
  readonly query: typeof db.query;
  /** What each start has got from its own database. */
  readonly seen: Map<string, unknown>;
}

/** Plugins that all make the same extensions, and use them in `init` through their own database. */
async function given(host: Readonly<Record<string, string>> = {}): Promise<Given> {
  const { url, query } = await db.fresh();
  const seen = new Map<string, unknown>();
  const alike = await alikePlugins(ids, withExtensions);
  const plugins = alike.map(({ id, migrations }) =>
    definePlugin({
      id,
      migrations,
      init: async ({ database }: { readonly database: Pool }) => {
        await database.query(`INSERT INTO t VALUES ('A') ON CONFLICT DO NOTHING`);
        const { rows } = await database.query(
          `SELECT name = 'a'::citext AS same, similarity('a', 'a') AS alike FROM t LIMIT 1`,
        );
        seen.set(id, rows);
      },
    }),
  );
  const migrationsOfHost = await migrationFolder(host);
  return {
    options: {
      pool: url,
      plugins,
      host: { migrations: migrationsOfHost },
      migrations: { concurrency: 6 },
    },
    query,
    seen,
  };
}

const used = new Map(ids.map((id) => [id, [{ same: true, alike: 1 }]]));
const extensions = `SELECT DISTINCT n.nspname::text AS name FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname IN ('citext', 'pg_trgm')`;

describe('plugins that all make the same extensions side by side', () => {
  it('find them where the host made a schema for them in the same boot', async () => {
    const { options, query, seen } = await given(makesSchema);
    const { boot, recording } = bootUnderTest(options);
    expect((await boot.start()).outcome).toBe('ready');
    expect(seen).toEqual(used);
    expect((await query(extensions)).rows).toEqual([{ name: 'extensions' }]);
    expect(recording.outcomes('migrate')).toMatchObject({ host: 'done', a: 'done', f: 'done' });

    seen.clear();
    const again = bootUnderTest(options);
    expect((await again.boot.start()).plugins[1]?.migrate.outcome).toBe('upToDate');
    expect(seen).toEqual(used);
  });

  it('find them in several replicas that boot at once', async () => {
    const { options, query, seen } = await given(makesSchema);
    const boots = Array.from({ length: 3 }, () => bootUnderTest(options));
    const reports = await Promise.all(boots.map(({ boot }) => boot.start()));
    expect(reports.map(({ outcome }) => outcome)).toEqual(['ready', 'ready', 'ready']);
    expect(seen).toEqual(used);
    expect((await query(extensions)).rows).toEqual([{ name: 'extensions' }]);
  });

  it('do not boot where there is no schema for them, and nothing is changed', async () => {
    const { options, query } = await given();
    const plan = await bootUnderTest(options).boot.plan();
    const error = await failureOf(bootUnderTest(options).boot.start());
    expect(error.problems?.map(({ code, plugin }) => `${code} ${plugin}`)).toEqual(
      ids.flatMap((id) => [`EXTENSION_SCHEMA_MISSING ${id}`, `EXTENSION_SCHEMA_MISSING ${id}`]),
    );
    expect(plan.problems).toEqual(error.problems);
    expect(plan.plugins[1]?.problems).toHaveLength(2);
    expect((await query(`SELECT FROM pg_namespace WHERE nspname LIKE 'plugin%'`)).rowCount).toBe(0);
  });

  it('find them in public where that is listed', async () => {
    const { options, query, seen } = await given();
    const migrations = { concurrency: 6, extensionSchemas: ['public'] };
    await bootUnderTest({ ...options, migrations }).boot.start();
    expect(seen).toEqual(used);
    expect((await query(extensions)).rows).toEqual([{ name: 'public' }]);
  });
});

it('the plan shows a CREATE EXTENSION as it would be sent', async () => {
  const { options, query } = await given();
  await query('CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext');
  const { plugins } = await bootUnderTest(options).boot.plan();
  const [first, second] = plugins[1]?.pending[0]?.statements ?? [];
  expect(first?.text).toBe('CREATE EXTENSION IF NOT EXISTS citext SCHEMA "ext";');
  expect(second?.text).toBe('CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA "ext";');
});

it('a plugin that is up to date has the extensions that this boot brings along', async () => {
  const { url } = await db.fresh();
  const host = await migrationFolder({ '0000_none': 'SELECT 1;' });
  const release = async (more: Partial<Plugin>): Promise<void> => {
    const migrations = await migrationFolder({ '0000_t': 'CREATE TABLE t (id int);' });
    const plugin = { id: 'a', migrations, ...more };
    await bootUnderTest({ pool: url, plugins: [plugin], host: { migrations: host } }).boot.start();
  };
  await release({});
  await writeMigrations(host, {
    '0000_none': 'SELECT 1;',
    '0001_ext': `-- slipway: allow-outside
      CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext;`,
  });
  let found: unknown;
  await release({
    init: async ({ database }) => {
      found = (await (database as Pool).query(`SELECT 'A'::citext = 'a' AS same`)).rows;
    },
  });
  expect(found).toEqual([{ same: true }]);
});

it('an extension in public is told with the plan, and the error says where it is', async () => {
  const { url, query } = await db.fresh();
  await query('CREATE EXTENSION citext SCHEMA public');
  const migrations = await migrationFolder({ '0000_t': 'CREATE TABLE t (name citext);' });
  const { boot, recording } = bootUnderTest({ pool: url, plugins: [{ id: 'a', migrations }] });
  const error = await failureOf(boot.start());
  expect(recording.of('plugin.migrate.warning')).toMatchObject([
    {
      code: 'EXTENSION_IN_PUBLIC',
      file: '0000_t.sql',
      message: 'a: 0000_t.sql seems to use citext in public',
    },
  ]);
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState: '42704' } });
  expect(error.hint).toMatch(/^citext is in schema public, from extension citext: list public in/);
});
