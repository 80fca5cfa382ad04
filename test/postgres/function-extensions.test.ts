import { Kysely, PostgresDialect, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { BootError } from '../../src/core/errors.ts';
import type { MigrationClient, MigrationFunction } from '../../src/core/migration-source.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { toMigrations, type PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { coded, errorOf, migrateOptions, toPlugin } from './migration-fixture.ts';

const db = useDatabase();
const auto = { migrations: { extensionSchemas: 'auto' } } as const;
const hstore = 'create schema ext; create extension hstore schema ext';

async function databaseWith(made: string): Promise<Database> {
  const fresh = await db.fresh();
  if (made !== '') await fresh.query(made);
  return fresh;
}

async function placesIn({ query }: Database): Promise<readonly string[]> {
  const { rows } = await query<{ place: string }>(
    `select extnamespace::regnamespace || '.' || extname as place from pg_extension where extname <> 'plpgsql' order by 1`,
  );
  return rows.map(({ place }) => place);
}

function alone(run: MigrationFunction['run']): PluginMigrations {
  const list: readonly MigrationFunction[] = [{ name: 'a', run, transaction: false }];
  return toPlugin('a', toMigrations(list));
}

const citext: MigrationFunction['run'] = async (client) => {
  await client.query('create extension if not exists citext');
  await client.query('create table t (c citext)');
};

describe('CREATE EXTENSION in a function', () => {
  test.each([
    ['in a transaction', coded('a', { a: citext })],
    ['without a transaction', alone(citext)],
  ])('goes where that of a file goes, %s', async (_, plugin) => {
    const fresh = await databaseWith(hstore);
    await migratePlugin(fresh.pool(), plugin, migrateOptions(auto));
    expect(await placesIn(fresh)).toEqual(['ext.citext', 'ext.hstore']);
  });

  test('does so by way of a library, with names in quotes, and several in one text', async () => {
    const fresh = await databaseWith(hstore);
    const withKysely = async (client: MigrationClient): Promise<void> => {
      const pool = { connect: async () => client, end: async () => undefined };
      const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) });
      await sql`create extension citext`.execute(kysely);
      await client.query({ text: 'CREATE EXTENSION "pg_trgm"; select 1; create extension cube' });
    };
    await migratePlugin(fresh.pool(), coded('a', { a: withKysely }), migrateOptions(auto));
    expect(await placesIn(fresh)).toEqual(['ext.citext', 'ext.cube', 'ext.hstore', 'ext.pg_trgm']);
  });

  test('goes into a schema that the function has made before it', async () => {
    const fresh = await databaseWith('');
    const plugin = coded('a', {
      a: async (client) => {
        await client.query(hstore);
        await client.query('create extension citext');
      },
    });
    await migratePlugin(
      fresh.pool(),
      plugin,
      migrateOptions({ migrations: { extensionSchemas: 'auto', strayObjects: 'off' } }),
    );
    expect(await placesIn(fresh)).toEqual(['ext.citext', 'ext.hstore']);
  });

  test('goes into the first listed schema, and stays where it is when it is there', async () => {
    const fresh = await databaseWith('create schema mine; create extension hstore schema public');
    const plugin = coded('a', {
      a: (client) => client.query('create extension citext; create extension if not exists hstore'),
    });
    await migratePlugin(
      fresh.pool(),
      plugin,
      migrateOptions({ migrations: { extensionSchemas: ['no', 'mine'] } }),
    );
    expect(await placesIn(fresh)).toEqual(['mine.citext', 'public.hstore']);
  });

  test.each([
    ['in a transaction', coded('a', { a: citext }), /Nothing of a was kept\.$/],
    ['without a transaction', alone(citext), /It counts as soon as an extension is in it\.$/],
  ])('is refused where no schema is there for it, %s', async (_, plugin, hint) => {
    const fresh = await databaseWith('');
    const error = await errorOf(migratePlugin(fresh.pool(), plugin, migrateOptions(auto)));
    expect(error).toMatchObject({
      code: 'EXTENSION_SCHEMA_MISSING',
      plugin: 'a',
      position: { file: 'a' },
      hint: expect.stringMatching(hint) as unknown,
    });
    expect(await placesIn(fresh)).toEqual([]);
  });

  test('stays in the plugin when strayObjects allows it', async () => {
    const fresh = await databaseWith('');
    const options = migrateOptions({
      migrations: { extensionSchemas: 'auto', strayObjects: 'warn' },
    });
    await migratePlugin(fresh.pool(), coded('a', { a: citext }), options);
    expect(await placesIn(fresh)).toEqual(['plugin_a.citext']);
  });

  test('has its error where its author wrote it', async () => {
    const fresh = await databaseWith(hstore);
    const text = 'create extension citext; create table t (x citex);';
    const plugin = coded('a', { a: (client) => client.query(text) });
    const error = (await errorOf(
      migratePlugin(fresh.pool(), plugin, migrateOptions(auto)),
    )) as BootError;
    expect(error.position).toMatchObject({ line: 1, column: text.indexOf('citex)') + 1 });
  });
});
