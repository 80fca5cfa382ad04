import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import type { BootError } from '../../src/core/errors.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { toMigrations, type PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import type { Survey } from '../../src/postgres/survey/survey.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import {
  errorOf,
  migrateOptions,
  pluginWith,
  toPlugin,
  takeSurvey,
  type SurveyChanges,
} from './migration-fixture.ts';

const db = useDatabase();
const { signal } = new AbortController();
const auto = { migrations: { extensionSchemas: 'auto' } } as const;

async function look(
  database: Database,
  plugins: readonly PluginMigrations[],
  options: SurveyChanges = {},
): Promise<Survey> {
  const pool = database.pool();
  const survey = await withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
    takeSurvey(client, plugins, options),
  );
  await pool.end();
  return survey;
}

/** A database in which an administrator has made these. */
async function databaseWith(sql: string): Promise<Database> {
  const fresh = await db.fresh();
  if (sql !== '') await fresh.query(sql);
  return fresh;
}

const where = `select e.extname::text as name, n.nspname::text as schema
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql' order by 1`;

describe('the schemas of extensions', () => {
  test('are those that hold some, and no tables but theirs', async () => {
    const fresh = await databaseWith(`
      create schema b_ext; create extension citext schema b_ext;
      create schema a_ext; create extension hstore schema a_ext; create view a_ext.v as select 1;
      create schema mixed; create extension cube schema mixed; create table mixed.t ();
      create schema parts; create extension seg schema parts; create table parts.t (a int) partition by list (a);
      create schema empty;
      create schema owner; create extension isn schema owner; create table owner.spatial ();
      alter extension isn add table owner.spatial;
      create schema a_fixed; create extension xml2 schema a_fixed;
      create extension pg_trgm schema public`);
    const survey = await look(fresh, [await pluginWith('a', { '0000_a': 'select 1' })]);
    expect(survey.schemasOnPath).toEqual(['a_ext', 'b_ext', 'owner', 'a_fixed']);
  });

  test('are those that are listed, where they are listed', async () => {
    const fresh = await databaseWith('create schema ext; create extension citext schema ext');
    const plugins = [await pluginWith('a', { '0000_a': 'select 1' })];
    const extensionSchemas = ['public', 'not "there"'];
    const survey = await look(fresh, plugins, { extensionSchemas });
    expect(survey.schemasOnPath).toEqual(extensionSchemas);
    expect(survey.extensions.schemas).toEqual(['public']);
  });

  test('are found in the two statements of the survey, and cost none in a migration', async () => {
    const fresh = await databaseWith('create schema ext; create extension citext schema ext');
    const plugin = await pluginWith('a', { '0000_a': 'create table t (c citext)' });
    await using proxy = await startProxy(fresh.url);
    const pool = fresh.pool({ connectionString: proxy.url });
    await withPinnedClient(pool, { clock: systemClock, signal }, (client) =>
      takeSurvey(client, [plugin]),
    );
    expect(proxy.statements).toHaveLength(2);
    const sent = async (id: string, setting: 'auto' | readonly string[]): Promise<number> => {
      const before = proxy.statements.length;
      const again = toPlugin(id, plugin.files);
      await migratePlugin(
        pool,
        again,
        migrateOptions({ migrations: { extensionSchemas: setting } }),
      );
      return proxy.statements.length - before;
    };
    expect(await sent('auto', 'auto')).toBe(await sent('listed', ['ext']));
    await pool.end();
  });
});

describe('a CREATE EXTENSION without a schema', () => {
  test('goes into the first of them, and its types are there for the rest of the file', async () => {
    const fresh = await databaseWith(
      `create schema "Ex""t"; create extension hstore schema "Ex""t"`,
    );
    const plugin = await pluginWith('a', {
      '0000_a':
        'create extension if not exists citext;\ncreate table t (c citext, d "public"."citext_like");\n',
    });
    await fresh.query('create schema plugin_a; create domain plugin_a.citext_like as text');
    const result = await migratePlugin(fresh.pool(), plugin, migrateOptions(auto));
    expect(result.status).toBe('done');
    expect((await fresh.query(where)).rows).toEqual([
      { name: 'citext', schema: 'Ex"t' },
      { name: 'hstore', schema: 'Ex"t' },
    ]);
  });

  test('stays as it is when the extension is there, or has a schema of its own', async () => {
    const fresh = await databaseWith(`create schema ext; create extension hstore schema ext;
      create extension citext schema public; drop extension plpgsql`);
    const plugin = await pluginWith('a', {
      '0000_a': 'create extension if not exists citext; create extension plpgsql;',
    });
    const { extensions, problems } = await look(fresh, [plugin]);
    expect(extensions.placeable).toEqual([]);
    expect(problems).toEqual([]);
    await migratePlugin(fresh.pool(), plugin, migrateOptions(auto));
    expect((await fresh.query(where)).rows).toEqual([
      { name: 'citext', schema: 'public' },
      { name: 'hstore', schema: 'ext' },
    ]);
  });

  test('has its place in an error where its author wrote it', async () => {
    const fresh = await databaseWith('create schema ext; create extension hstore schema ext');
    const plugin = await pluginWith('a', {
      '0000_a': 'create extension citext; create table "public"."t" (x citex);',
    });
    const error = (await errorOf(
      migratePlugin(fresh.pool(), plugin, migrateOptions(auto)),
    )) as BootError;
    expect(error.position).toMatchObject({ line: 1, column: 55 });
    expect(error.position?.excerpt).toContain(
      'create extension citext; create table "public"."t" (x citex);',
    );
  });

  test("of the host goes there too, and into the host's public where there is none", async () => {
    const host = await pluginWith('host', { '0000_a': 'create extension citext;' });
    const inPublic = { ...host, schema: 'public', historySchema: 'drizzle' };
    const without = await databaseWith('');
    const withOne = await databaseWith('create schema ext; create extension hstore schema ext');
    for (const fresh of [without, withOne]) {
      expect((await look(fresh, [inPublic])).problems).toEqual([]);
      await migratePlugin(fresh.pool(), inPublic, migrateOptions(auto));
    }
    expect((await without.query(where)).rows).toEqual([{ name: 'citext', schema: 'public' }]);
    expect((await withOne.query(where)).rows[0]).toEqual({ name: 'citext', schema: 'ext' });
  });
});

describe('without a schema for extensions', () => {
  const citext = { '0000_a': 'create extension if not exists citext' };

  test('it is a problem before anything is changed, for each file that needs one', async () => {
    const fresh = await databaseWith('create schema ext');
    const alone = [await pluginWith('a', citext)];
    const other = await pluginWith('b', { '0000_b': 'create table b ()' });
    const { problems, plugins } = await look(fresh, [...alone, other]);
    expect(plugins.map((plugin) => plugin.problems)).toEqual([problems, []]);
    expect(problems).toEqual([
      {
        code: 'EXTENSION_SCHEMA_MISSING',
        plugin: 'a',
        file: '0000_a.sql',
        line: 1,
        column: 1,
        message: 'a: 0000_a.sql makes the extension citext, and there is no schema for it',
        hint: expect.stringContaining(
          'CREATE SCHEMA IF NOT EXISTS "extensions"; CREATE EXTENSION "citext" SCHEMA',
        ),
      },
    ]);
    expect((await look(fresh, alone, { extensionSchemas: [] })).problems[0]?.hint).toContain(
      'and list it in migrations.extensionSchemas',
    );
    expect((await look(fresh, alone, { extensionSchemas: ['x'] })).problems[0]?.hint).toContain(
      'CREATE SCHEMA IF NOT EXISTS "x"',
    );
    expect((await look(fresh, alone, { extensionSchemas: ['ext'] })).problems).toEqual([]);
    expect((await look(fresh, alone, { willApply: false })).problems).toEqual([]);
  });

  test.each([
    ['a file of another plugin', 'create schema ext; create extension hstore schema ext', {}],
    ['a file that calls what nobody sees', 'select admin.install()', {}],
    [
      'a listed schema that a plugin makes',
      'create table t ()',
      { extensionSchemas: ['plugin_b'] },
    ],
  ])('%s may still make one: then it is no problem yet', async (_, sql, options) => {
    const fresh = await databaseWith('');
    const plugins = [await pluginWith('a', citext), await pluginWith('b', { '0000_b': sql })];
    expect((await look(fresh, plugins, options)).problems).toEqual([]);
  });

  test.each([
    ['the file may make things outside', '-- slipway: allow-outside\n', {}],
    ['strayObjects is warn', '', { strayObjects: 'warn' }],
    ['strayObjects is off', '', { strayObjects: 'off' }],
  ] as const)('it stays in the plugin when %s', async (_, line, rules) => {
    const fresh = await databaseWith('');
    const plugin = await pluginWith('a', { '0000_a': `${line}create extension citext` });
    expect((await look(fresh, [plugin], rules)).problems).toEqual([]);
    await migratePlugin(
      fresh.pool(),
      plugin,
      migrateOptions({ migrations: { extensionSchemas: 'auto', ...rules } }),
    );
    expect((await fresh.query(where)).rows).toEqual([{ name: 'citext', schema: 'plugin_a' }]);
  });

  test('the file whose turn has come fails with what to do, and nothing of it is kept', async () => {
    const fresh = await databaseWith('');
    const plugin = await pluginWith('a', {
      '0000_a': 'create table a ()',
      '0001_b': citext['0000_a'],
    });
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions(auto)));
    expect(error).toMatchObject({
      code: 'EXTENSION_SCHEMA_MISSING',
      plugin: 'a',
      position: { file: '0001_b.sql' },
      message:
        'a could not be migrated: 0001_b.sql makes the extension citext, and there is no schema for it',
    });
    expect((await fresh.query('select from plugin_a.__drizzle_migrations')).rowCount).toBe(1);
  });

  test('earlier files of the same plugin can make one, for later files and for the rest of their own', async () => {
    const fresh = await databaseWith('');
    const plugin = await pluginWith('a', {
      '0000_a': `-- slipway: allow-outside
        create schema ext; create extension citext schema ext;
        --> statement-breakpoint
        create table t (c citext);`,
      '0001_b': 'create extension pg_trgm; create index on t using gin (c gin_trgm_ops);',
      '0002_c': 'create index concurrently by_c on t using gin ((c::text) gin_trgm_ops);',
    });
    const told: (readonly string[])[] = [];
    const options = migrateOptions({ ...auto, onExtensionSchemas: (found) => told.push(found) });
    expect((await look(fresh, [plugin])).problems).toEqual([]);
    expect((await migratePlugin(fresh.pool(), plugin, options)).status).toBe('done');
    expect(told[0]).toEqual([]);
    expect(told.at(-1)).toEqual(['ext']);
    expect((await fresh.query(where)).rows.map(({ schema }) => schema as unknown)).toEqual([
      'ext',
      'ext',
    ]);
  });
});

test('an extension that is made and wanted without a breakpoint between is told with what to do', async () => {
  const fresh = await databaseWith('');
  const plugin = await pluginWith('a', {
    '0000_a': `-- slipway: allow-outside
      create schema ext; create extension citext schema ext; create table t (c citext);`,
  });
  const error = (await errorOf(
    migratePlugin(fresh.pool(), plugin, migrateOptions(auto)),
  )) as BootError;
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState: '42704' } });
  expect(error.hint).toMatch(
    /^If citext comes with the extension .*, put a "--> statement-breakpoint" after/,
  );
});

test('a function may make the schema too, and what comes after it finds it', async () => {
  const fresh = await databaseWith('');
  const files = toMigrations([
    {
      name: 'make',
      run: async (client) => {
        await client.query('create schema ext; create extension citext schema ext');
        await client.query('create table t (c citext)');
      },
    },
  ]);
  const later = await pluginWith('a', { '0001_b': 'create extension pg_trgm' });
  const plugin = { ...later, files: [...files, ...later.files] };
  expect((await look(fresh, [plugin])).problems).toEqual([]);
  const options = migrateOptions({ migrations: { extensionSchemas: 'auto', strayObjects: 'off' } });
  expect((await migratePlugin(fresh.pool(), plugin, options)).status).toBe('done');
  expect((await fresh.query(where)).rows).toEqual([
    { name: 'citext', schema: 'ext' },
    { name: 'pg_trgm', schema: 'ext' },
  ]);
});

describe('an extension in public', () => {
  const inPublic = 'create extension citext; create extension pg_trgm; create extension pgcrypto';
  const warned = async (sql: string, options: SurveyChanges = {}): Promise<readonly string[]> => {
    const fresh = await databaseWith(inPublic);
    const survey = await look(fresh, [await pluginWith('a', { '0000_a': sql })], options);
    return survey.plugins.flatMap(({ warnings }) =>
      warnings.map(({ code, message, hint }) => {
        expect(code).toBe('EXTENSION_IN_PUBLIC');
        expect(hint).toMatch(
          /^List public in migrations\.extensionSchemas, .*ALTER EXTENSION "\w+" SET SCHEMA/,
        );
        return message;
      }),
    );
  };

  test.each([
    ['create extension if not exists citext', 'citext'],
    ['create table t (c CITEXT)', 'citext'],
    ['create table t (c "citext"[])', 'citext'],
    ['create index on t using gin (c gin_trgm_ops)', 'gin_trgm_ops, of the extension pg_trgm,'],
    [`do $$ begin perform gen_salt('bf'); end $$`, 'gen_salt, of the extension pgcrypto,'],
  ])('is told when a file seems to use it: %s', async (sql, what) => {
    expect(await warned(sql)).toEqual([`a: 0000_a.sql seems to use ${what} in public`]);
  });

  test.each([
    'create table t (c public.citext)',
    'create table t (c "public" . "citext")',
    `insert into t values ('citext')`,
    '-- citext\nselect lower(x) from t',
    'create table gen_salt_of (crypt int)',
  ])('is not told for %s', async (sql) => {
    expect(await warned(sql)).toEqual([]);
  });

  test('is not told where public is listed, or nothing is to be applied', async () => {
    const sql = 'create table t (c citext)';
    expect(await warned(sql, { extensionSchemas: ['public'] })).toEqual([]);
    expect(await warned(sql, { willApply: false })).toEqual([]);
  });
});
