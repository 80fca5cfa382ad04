import type { PoolConfig } from 'pg';
import { describe, expect, test } from 'vitest';
import { tryLock, unlockSql } from '../../src/postgres/locks/advisory-lock.ts';
import type { PoolLike } from '../../src/postgres/connection/connection.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf, migrateOptions } from './migration-fixture.ts';
import { called, init, later, look, migrate, schemasOf, withInventory } from './rename-fixture.ts';

const db = useDatabase();

describe('the locks of both names', () => {
  test.each(['inventory', 'stock'])('are tried for: that of %s is held', async (held) => {
    const fresh = await withInventory(db);
    const stock = await called('stock', ['inventory']);
    const holder = await fresh.pool().connect();
    await holder.query(`set application_name = 'the holder'`);
    await tryLock(holder, `plugin_${held}`);
    const pool = fresh.pool({ max: 1 });
    const result = await migratePlugin(pool, stock, migrateOptions());
    expect(result).toMatchObject({ status: 'locked', holder: { applicationName: 'the holder' } });
    const { rows } = await fresh.query(
      `select from pg_locks where locktype = 'advisory'
       and database = (select oid from pg_database where datname = current_database())`,
    );
    expect(rows).toHaveLength(1);
    expect((await schemasOf(fresh)).map(([name]) => name)).toEqual(['plugin_inventory']);
    await holder.query(unlockSql(`plugin_${held}`));
    holder.release();
    expect((await migratePlugin(pool, stock, migrateOptions())).status).toBe('done');
    expect((await schemasOf(fresh)).map(([name]) => name)).toEqual(['plugin_stock']);
  });

  test('are held for the rename alone', async () => {
    const fresh = await withInventory(db);
    const stock = await called('stock', ['inventory'], {
      ...init,
      '0001_locks': `create table locks as select objid from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())`,
    });
    await migratePlugin(fresh.pool(), stock, migrateOptions());
    expect((await fresh.query('select from plugin_stock.locks')).rowCount).toBe(1);
  });

  test('make sure that nobody has renamed it meanwhile', async () => {
    const fresh = await withInventory(db);
    const stock = await called('stock', ['inventory'], later);
    const pool = fresh.pool();
    const late = migrateOptions();
    const meanwhile: PoolLike = {
      async connect() {
        const client = await pool.connect();
        let sent = 0;
        const send = client.query.bind(client);
        Object.assign(client, {
          query: async (config: string) => {
            sent += 1;
            // It has seen the old schema by now, and has no lock yet.
            if (sent === 2) await migrate(fresh, stock);
            return send(config);
          },
        });
        return client;
      },
    };
    expect((await migratePlugin(meanwhile, stock, late)).status).toBe('done');
    expect(late.told).toEqual([]);
    expect(late.locks).toHaveLength(1);
  });

  test('let one of many rename, and all go on', async () => {
    const fresh = await withInventory(db);
    const stock = await called('stock', ['inventory'], later);
    const renames = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const pool = fresh.pool({ max: 1 });
        const options = migrateOptions();
        for (;;) {
          const { status } = await migratePlugin(pool, stock, options);
          if (status === 'done') break;
        }
        return options.told.filter(({ type }) => type === 'plugin.migrate.renamed').length;
      }),
    );
    expect(renames.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 0, 0, 1]);
    expect((await fresh.query('select from plugin_stock.__drizzle_migrations')).rowCount).toBe(2);
  });
});

test('behind a pooler that keeps no session, all of it is the same', async () => {
  const fresh = await withInventory(db);
  const options = migrateOptions({ keepsSession: false, migrations: { extensionSchemas: 'auto' } });
  await fresh.query('create schema ext; create extension hstore schema ext');
  const stock = await called('stock', ['inventory'], {
    ...init,
    '0001_ext': 'create extension citext',
    '0002_more': 'alter table items add c citext',
  });
  expect(await migratePlugin(fresh.pool(), stock, options)).toMatchObject({ status: 'done' });
  expect((await fresh.query('select c from plugin_stock.items')).rowCount).toBe(1);
  const old = await called('inventory', [], later);
  expect(await errorOf(migratePlugin(fresh.pool(), old, options))).toMatchObject({
    code: 'MIGRATION_RENAMED',
  });
});

test('a rename that somebody is in the way of is tried again, and leaves nothing behind', async () => {
  const fresh = await withInventory(db);
  const blocker = await fresh.pool().connect();
  await blocker.query(`begin; comment on schema plugin_inventory is 'mine'`);
  const pool = fresh.pool({ max: 1 });
  const stock = await called('stock', ['inventory']);
  const options = migrateOptions({ migrations: { ddlLockTimeout: 50 } });
  expect(await migratePlugin(pool, stock, options)).toEqual({ status: 'locked', holder: {} });
  await blocker.query('rollback');
  blocker.release();
  expect(await schemasOf(fresh)).toEqual([['plugin_inventory', '']]);
  expect(pool.idleCount).toBe(0);
  expect((await migratePlugin(pool, stock, options)).status).toBe('done');
});

test('a rename that fails changes nothing, and says why', async () => {
  const fresh = await withInventory(db);
  // An event trigger may forbid anything.
  await fresh.query(`create function public.no() returns event_trigger language plpgsql
    as $$ begin raise exception 'not on Fridays'; end $$;
    create event trigger no on ddl_command_start when tag in ('COMMENT') execute function public.no()`);
  const stock = await called('stock', ['inventory'], later);
  const error = await errorOf(migratePlugin(fresh.pool(), stock, migrateOptions()));
  expect(error).toMatchObject({
    code: 'MIGRATION_FAILED',
    message: 'stock could not be migrated: not on Fridays',
  });
  expect(await schemasOf(fresh)).toEqual([['plugin_inventory', '']]);
});

test('a missing right is told before anything is changed', async () => {
  const fresh = await withInventory(db);
  const role = fresh.name;
  const url = new URL(fresh.url);
  url.username = role;
  await fresh.query(`create role ${role} login; grant usage, create on schema plugin_inventory to ${role};
    grant select, insert on plugin_inventory.__drizzle_migrations to ${role}`);
  const limited = { ...fresh, pool: (options?: PoolConfig) => fresh.pool(options), url: url.href };
  const stock = await called('stock', ['inventory'], later);
  expect((await look(limited, stock)).problems.map(({ code, hint }) => [code, hint])).toEqual([
    ['DATABASE_PRIVILEGE', `ALTER SCHEMA "plugin_inventory" OWNER TO "${role}";`],
    ['DATABASE_PRIVILEGE', `GRANT CREATE ON DATABASE "${fresh.name}" TO "${role}";`],
    [
      'DATABASE_PRIVILEGE',
      `GRANT USAGE ON SEQUENCE "plugin_inventory"."__drizzle_migrations_id_seq" TO "${role}";`,
    ],
  ]);
  await fresh.query(`grant usage on all sequences in schema plugin_inventory to ${role}; alter schema plugin_inventory owner to ${role};
    grant create on database ${fresh.name} to ${role}; alter table plugin_inventory.items owner to ${role}`);
  expect((await look(limited, stock)).problems).toEqual([]);
  const pool = fresh.pool({ connectionString: url.href });
  expect((await migratePlugin(pool, stock, migrateOptions())).status).toBe('done');
  await pool.end();
  await fresh.query(`drop owned by ${role} cascade; drop role ${role}`);
});
