import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { useDatabase } from '../support/database.ts';
import {
  migrateOptions,
  writeFolder,
  writeTimestampFolder,
  takeSurvey,
  toPlugin,
} from './migration-fixture.ts';

const db = useDatabase();
const migrations = {
  '0000_init': 'create table t (id int);',
  '0001_more': 'alter table t add name text;--> statement-breakpoint\ninsert into t values (1);',
};
const more = { ...migrations, '0002_last': 'alter table t add more text;' };
const names = ['20231114221320_init', '20231114221321_more', '20231114221322_last'];

async function slipway(schema: string, folder: string): Promise<unknown> {
  const files = await readMigrationFolder(schema, folder);
  return migratePlugin(db.pool(), toPlugin(schema, files, schema), migrateOptions());
}

async function pendingFor(schema: string, folder: string): Promise<readonly string[]> {
  const files = await readMigrationFolder(schema, folder);
  const { signal } = new AbortController();
  const { plugins, problems } = await withPinnedClient(
    db.pool(),
    { clock: systemClock, signal },
    (client) => takeSurvey(client, [toPlugin(schema, files, schema)]),
  );
  expect(problems).toEqual([]);
  return (plugins[0]?.pending ?? []).map(({ name }) => name);
}

async function columnsOf(schema: string): Promise<readonly unknown[]> {
  const { rows } = await db.query(
    `select array[column_name::text, data_type, is_nullable, coalesce(column_default, '')] as column
     from information_schema.columns where table_schema = $1 and table_name = '__drizzle_migrations' order by ordinal_position`,
    [schema],
  );
  return rows.map(({ column }) => column as unknown);
}

async function namesIn(schema: string): Promise<readonly unknown[]> {
  const { rows } = await db.query(`select name from ${schema}.__drizzle_migrations order by id`);
  return rows.map(({ name }) => name as unknown);
}

type Migrate = (schema: string, folder: string) => Promise<void>;

const drizzle0: Migrate = async (migrationsSchema, migrationsFolder) => {
  const client = await db.pool().connect();
  try {
    await client.query(`set search_path = ${migrationsSchema}`);
    await migrate(drizzle({ client }), { migrationsFolder, migrationsSchema });
  } finally {
    client.release(true);
  }
};

describe('a folder of Drizzle 1.x', () => {
  test('gets the history that Drizzle 1.x makes', async () => {
    await slipway('fresh1', await writeTimestampFolder(migrations));
    expect(await columnsOf('fresh1')).toEqual([
      ['id', 'integer', 'NO', "nextval('fresh1.__drizzle_migrations_id_seq'::regclass)"],
      ['hash', 'text', 'NO', ''],
      ['created_at', 'bigint', 'YES', ''],
      ['name', 'text', 'YES', ''],
      ['applied_at', 'timestamp with time zone', 'YES', 'now()'],
    ]);
    expect(await namesIn('fresh1')).toEqual(names.slice(0, 2));
  });

  test('goes on in a history of 0.x, and leaves the table as it is', async () => {
    await slipway('grown', await writeFolder(migrations));
    const before = await columnsOf('grown');
    const folder = await writeTimestampFolder(more);
    expect(await pendingFor('grown', folder)).toEqual([`${names[2]}/migration.sql`]);
    expect(await slipway('grown', folder)).toMatchObject({
      applied: [`${names[2]}/migration.sql`],
    });
    expect(await columnsOf('grown')).toEqual(before);
    expect(await pendingFor('grown', await writeFolder(more))).toEqual([]);
  });
});

describe('a rolling deploy from 0.x to 1.x', () => {
  test('runs nothing again that a replica with Drizzle 0.45 wrote without a name', async () => {
    await slipway('rolling', await writeTimestampFolder(migrations));
    await drizzle0('rolling', await writeFolder(more));
    expect(await namesIn('rolling')).toEqual([names[0], names[1], null]);
    const folder = await writeTimestampFolder(more);
    expect(await pendingFor('rolling', folder)).toEqual([]);
    expect(await slipway('rolling', folder)).toEqual({ status: 'done', applied: [] });
  });

  test('runs nothing again whose rows have neither name nor time', async () => {
    const folder = await writeTimestampFolder(migrations);
    await slipway('bare', folder);
    await db.query('update bare.__drizzle_migrations set name = null, created_at = null');
    expect(await pendingFor('bare', folder)).toEqual([]);
  });

  test('a replica with a folder of 0.x writes the names that Drizzle 1.x looks for', async () => {
    await slipway('back', await writeTimestampFolder(migrations));
    expect(await slipway('back', await writeFolder(more))).toMatchObject({
      applied: ['0002_last.sql'],
    });
    expect(await namesIn('back')).toEqual(names);
  });
});

/** A Drizzle 1.0 beside the 0.45 that the other tests run: `"drizzle-orm-1": "npm:drizzle-orm@1.0.0-rc.5"`. */
const alias = 'drizzle-orm-1';

describe('Drizzle 1.0 itself', async () => {
  const load = (path: string): Promise<unknown> =>
    import(`${alias}/${path}`).catch(() => undefined);
  const driver = (await load('node-postgres')) as { readonly drizzle: typeof drizzle };
  const migrator = (await load('node-postgres/migrator')) as { readonly migrate: typeof migrate };

  beforeEach(({ skip }) => skip(!driver, `the devDependency ${alias} is not installed`));

  const drizzle1: Migrate = async (migrationsSchema, migrationsFolder) => {
    const client = await db.pool().connect();
    try {
      await client.query(`set search_path = ${migrationsSchema}`);
      await migrator.migrate(driver.drizzle({ client }), { migrationsFolder, migrationsSchema });
    } finally {
      client.release(true);
    }
  };

  test('makes the same table and the same rows', async () => {
    const folder = await writeTimestampFolder(migrations);
    await slipway('ours', folder);
    await db.query('create schema theirs');
    await drizzle1('theirs', folder);
    const unplaced = async (schema: string): Promise<unknown> =>
      JSON.parse(JSON.stringify(await columnsOf(schema)).replaceAll(schema, ''));
    expect(await unplaced('ours')).toEqual(await unplaced('theirs'));
    const rows = (schema: string) =>
      db.query(
        `select id, hash, created_at, name, applied_at is null from ${schema}.__drizzle_migrations order by id`,
      );
    expect((await rows('ours')).rows).toEqual((await rows('theirs')).rows);
  });

  test('finds up to date what Slipway migrated, and goes on from there', async () => {
    await slipway('given', await writeTimestampFolder(migrations));
    await drizzle1('given', await writeTimestampFolder(more));
    expect(await namesIn('given')).toEqual(names);
    expect(await pendingFor('given', await writeTimestampFolder(more))).toEqual([]);
  });

  test('finds up to date what Slipway wrote from a folder of 0.x, in a table of either shape', async () => {
    await slipway('young', await writeTimestampFolder(migrations));
    await slipway('young', await writeFolder(more));
    await slipway('old', await writeFolder(more));
    const folder = await writeTimestampFolder(more);
    for (const schema of ['young', 'old']) {
      await drizzle1(schema, folder);
      expect(await namesIn(schema)).toEqual(names);
      expect(await pendingFor(schema, folder)).toEqual([]);
      expect(await pendingFor(schema, await writeFolder(more))).toEqual([]);
    }
  });
});
