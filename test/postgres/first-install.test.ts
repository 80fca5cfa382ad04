import { describe, expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrateOptions, pluginWith, type Migrations } from './migration-fixture.ts';

const db = useDatabase();

/** A database whose own setting is neither on nor off, so that it is seen when nobody changes it. */
async function fresh(): Promise<Database> {
  const database = await db.fresh();
  await database.query(
    `alter database ${database.name} set synchronous_commit = 'local'; create table public.seen (by text, value text)`,
  );
  return database;
}

const seen = (by: string): string =>
  `insert into public.seen values ('${by}', current_setting('synchronous_commit'));`;

const three: Migrations = { '0000_a': seen('a'), '0001_b': seen('b'), '0002_c': seen('c') };

async function valuesIn({ query }: Database): Promise<Readonly<Record<string, string>>> {
  const { rows } = await query<{ by: string; value: string }>('select * from public.seen');
  return Object.fromEntries(rows.map(({ by, value }) => [by, value]));
}

describe('a first install', () => {
  test('waits for the disk only at its last file, whose COMMIT takes along all before it', async () => {
    const database = await fresh();
    await migratePlugin(database.pool(), await pluginWith('p', three), migrateOptions());
    expect(await valuesIn(database)).toEqual({ a: 'off', b: 'off', c: 'local' });
  });

  test('of one file waits for the disk', async () => {
    const database = await fresh();
    const one = await pluginWith('p', { '0000_a': seen('a') });
    await migratePlugin(database.pool(), one, migrateOptions());
    expect(await valuesIn(database)).toEqual({ a: 'local' });
  });

  test('that was wound down goes on as an upgrade', async () => {
    const database = await fresh();
    const windDown = new AbortController();
    const plugin = await pluginWith('p', three);
    const options = migrateOptions({
      windDown: windDown.signal,
      emit: ({ type }) => {
        if (type === 'plugin.migrate.applied') windDown.abort();
      },
    });
    expect(await migratePlugin(database.pool(), plugin, options)).toMatchObject({
      status: 'canceled',
      applied: ['0000_a.sql'],
    });
    await migratePlugin(database.pool(), plugin, migrateOptions());
    expect(await valuesIn(database)).toEqual({ a: 'off', b: 'local', c: 'local' });
  });

  test('leaves the session as it was for a file outside of a transaction', async () => {
    const database = await fresh();
    const plugin = await pluginWith('p', {
      '0000_a': seen('a'),
      '0001_b': `-- slipway: no-transaction\n${seen('b')}`,
      '0002_c': seen('c'),
    });
    await migratePlugin(database.pool(), plugin, migrateOptions());
    expect(await valuesIn(database)).toEqual({ a: 'off', b: 'local', c: 'local' });
  });
});

test('an upgrade waits for the disk at each file', async () => {
  const database = await fresh();
  const before = { '0000_first': 'create table first ();' };
  await migratePlugin(database.pool(), await pluginWith('p', before), migrateOptions());
  const upgraded = await pluginWith('p', { ...before, '0001_a': seen('a'), '0002_b': seen('b') });
  await migratePlugin(database.pool(), upgraded, migrateOptions());
  expect(await valuesIn(database)).toEqual({ a: 'local', b: 'local' });
});
