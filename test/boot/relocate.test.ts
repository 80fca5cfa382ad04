import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { describe, expect, it } from 'vitest';
import { createRepair, type BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { stateOf, thrice } from '../support/repairs.ts';
import { pluginWithSnapshot, writeSnapshots, type Snapshot } from '../support/snapshots.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

async function stranded(
  fresh: Database,
  options: Omit<BootOptions, 'pool'>,
  move: string,
): Promise<BootOptions> {
  const complete = { ...options, pool: fresh.url };
  await bootUnderTest(complete).boot.migrate();
  await fresh.query(move);
  return complete;
}

const items = 'CREATE TABLE items (id int);';
const itemsOnly = { tables: ['items'] };
const strandItems = 'ALTER TABLE plugin_a.items SET SCHEMA public';

describe('relocate', () => {
  it('moves tables, enums, sequences and views, with data, indexes, keys, grants and owned sequences', async () => {
    const fresh = await db.fresh();
    const reader = `${fresh.name}_reader`;
    await fresh.query(`CREATE ROLE ${reader}`);
    try {
      const a = await pluginWithSnapshot(
        'a',
        `CREATE TYPE status AS ENUM ('new', 'old');
        CREATE SEQUENCE counter;
        CREATE TABLE kinds (id serial PRIMARY KEY);
        CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind int REFERENCES kinds, status status DEFAULT 'new',
          number int DEFAULT nextval('counter'));
        CREATE SEQUENCE owned OWNED BY items.number;
        CREATE INDEX items_status ON items (status);
        CREATE VIEW new_items AS SELECT id FROM items WHERE status = 'new';
        CREATE MATERIALIZED VIEW item_counts AS SELECT count(*) FROM items;`,
        {
          tables: ['kinds', 'items'],
          enums: ['status'],
          sequences: ['counter', 'owned'],
          views: ['new_items', 'item_counts'],
        },
      );
      const options = await stranded(
        fresh,
        { plugins: [a] },
        `ALTER TYPE plugin_a.status SET SCHEMA public; ALTER TABLE plugin_a.items SET SCHEMA public;
        ALTER SEQUENCE plugin_a.counter SET SCHEMA public; ALTER VIEW plugin_a.new_items SET SCHEMA public;
        ALTER MATERIALIZED VIEW plugin_a.item_counts SET SCHEMA public;
        GRANT SELECT ON items TO ${reader}; INSERT INTO plugin_a.kinds VALUES (7); INSERT INTO items (kind) VALUES (7)`,
      );
      const report = await thrice(fresh, (dryRun) =>
        createRepair(options).relocate('a', { dryRun }),
      );
      const change = 'moved from public to plugin_a';
      expect(report).toEqual({
        repair: 'relocate',
        plugin: 'a',
        schema: 'plugin_a',
        dryRun: false,
        changes: [
          { kind: 'materialized view', name: 'item_counts', change },
          { kind: 'sequence', name: 'counter', change },
          { kind: 'table', name: 'items', change },
          { kind: 'type', name: 'status', change },
          { kind: 'view', name: 'new_items', change },
        ],
        left: [],
        statements: [
          'alter materialized view "public"."item_counts" set schema "plugin_a"',
          'alter sequence "public"."counter" set schema "plugin_a"',
          'alter table "public"."items" set schema "plugin_a"',
          'alter type "public"."status" set schema "plugin_a"',
          'alter view "public"."new_items" set schema "plugin_a"',
        ],
      });

      expect((await bootUnderTest(options).boot.migrate()).outcome).toBe('migrated');
      await fresh.query('INSERT INTO plugin_a.items (kind) VALUES (7)');
      const { rows } = await fresh.query(
        'SELECT id, kind, status::text, number FROM plugin_a.items',
      );
      expect(rows).toEqual([
        { id: 1, kind: 7, status: 'new', number: 1 },
        { id: 2, kind: 7, status: 'new', number: 2 },
      ]);
      const { rows: kept } =
        await fresh.query(`SELECT has_table_privilege('${reader}', 'plugin_a.items', 'SELECT') AS granted,
        to_regclass('plugin_a.items_status') IS NOT NULL AS indexed, to_regclass('plugin_a.items_id_seq') IS NOT NULL AS numbered,
        to_regclass('plugin_a.owned') IS NOT NULL AS owned`);
      expect(kept).toEqual([{ granted: true, indexed: true, numbered: true, owned: true }]);
      await expect(fresh.query('INSERT INTO plugin_a.items (kind) VALUES (8)')).rejects.toThrow(
        /foreign key/,
      );
    } finally {
      await fresh.query(`DROP OWNED BY ${reader}; DROP ROLE ${reader}`);
    }
  });

  it('touches nothing of the host, of an extension, of another plugin, or of nobody', async () => {
    const fresh = await db.fresh();
    const host = { migrations: await migrationFolder({ '0000_host': 'CREATE TABLE users ();' }) };
    await writeSnapshots(host.migrations, { '0000_host': { tables: ['users'] } });
    const own: Snapshot = { tables: ['items', 'users', 'shared'], views: ['pg_stat_statements'] };
    const plugins = [
      await pluginWithSnapshot('a', 'CREATE TABLE items (); CREATE TABLE shared ();', own),
      await pluginWithSnapshot('b', 'CREATE TABLE orders (); CREATE TABLE shared ();', {
        tables: ['orders', 'shared'],
      }),
    ];
    const options = await stranded(
      fresh,
      { host, plugins },
      `${strandItems}; CREATE TABLE public.strange (); ALTER TABLE plugin_b.orders SET SCHEMA public;
      ALTER TABLE plugin_a.shared SET SCHEMA public; DROP TABLE plugin_b.shared;
      CREATE EXTENSION pg_stat_statements SCHEMA public`,
    );
    const repair = createRepair(options);
    const report = await thrice(fresh, (dryRun) => repair.relocate('a', { dryRun }));
    expect(report.changes.map(({ name }) => name)).toEqual(['items']);
    expect(report.left).toEqual([
      { kind: 'table', name: 'shared', because: 'it may also belong to b: name it to move it' },
    ]);
    const { rows } = await fresh.query<{ name: string }>(
      `SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual([
      'orders',
      'pg_stat_statements',
      'pg_stat_statements_info',
      'shared',
      'strange',
      'users',
    ]);
    for (const name of ['users', 'strange', 'pg_stat_statements', 'orders']) {
      const error = await failureOf(repair.relocate('a', { objects: [name] }));
      expect(error).toMatchObject({
        code: 'REPAIR_REFUSED',
        message: `a: ${name} is not one of its objects in public.`,
        hint: 'It can move table shared.',
      });
    }
  });

  it('moves what several plugins may own once people have named it', async () => {
    const fresh = await db.fresh();
    const plugins = [
      await pluginWithSnapshot('a', items, itemsOnly),
      await pluginWithSnapshot('b', items, itemsOnly),
    ];
    const options = await stranded(fresh, { plugins }, `${strandItems}; DROP TABLE plugin_b.items`);
    const repair = createRepair(options);
    const before = await stateOf(fresh);
    expect((await repair.relocate('b')).changes).toEqual([]);
    expect(await stateOf(fresh)).toEqual(before);
    const objects = ['items'];
    const report = await thrice(fresh, (dryRun) => repair.relocate('b', { objects, dryRun }));
    expect(report.changes).toMatchObject([{ kind: 'table', name: 'items' }]);
    expect((await repair.relocate('b', { objects })).left).toEqual([
      { kind: 'table', name: 'items', because: 'plugin_b has it already' },
    ]);
  });

  it('counts plugins that are switched off: what is theirs is theirs', async () => {
    const fresh = await db.fresh();
    const plugins = [
      await pluginWithSnapshot('a', items, itemsOnly),
      { ...(await pluginWithSnapshot('b', items, itemsOnly)), required: false },
    ];
    const options = await stranded(
      fresh,
      { plugins, registry: true },
      `${strandItems}; DROP TABLE plugin_b.items; UPDATE slipway.plugins SET enabled = false WHERE id = 'b'`,
    );
    const { changes, left } = await createRepair(options).relocate('a');
    expect(changes).toEqual([]);
    expect(left).toMatchObject([{ because: expect.stringContaining('to b') as string }]);
  });

  it('moves names that need quotes', async () => {
    const fresh = await db.fresh();
    const name = `a"; DROP SCHEMA public CASCADE; --'$$`;
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const a = await pluginWithSnapshot('a', `CREATE TABLE ${quoted} ();`, { tables: [name] });
    const options = await stranded(
      fresh,
      { plugins: [a] },
      `ALTER TABLE plugin_a.${quoted} SET SCHEMA public`,
    );
    const repair = createRepair(options);
    const report = await thrice(fresh, (dryRun) => repair.relocate('a', { dryRun }));
    expect(report.changes).toMatchObject([{ kind: 'table', name }]);
    const again = await repair.relocate('a', { objects: [name] });
    expect(again.left).toMatchObject([{ kind: 'table', name }]);
  });

  it('moves all or nothing: what cannot move keeps the rest where it is', async () => {
    const fresh = await db.fresh();
    const role = `${fresh.name}_role`;
    await fresh.query(`CREATE ROLE ${role} LOGIN`);
    try {
      const a = await pluginWithSnapshot('a', 'CREATE TABLE items (); CREATE TABLE more ();', {
        tables: ['items', 'more'],
      });
      const options = await stranded(
        fresh,
        { plugins: [a] },
        `${strandItems}; ALTER TABLE plugin_a.more SET SCHEMA public; ALTER TABLE items OWNER TO ${role};
        GRANT ALL ON SCHEMA plugin_a TO ${role}; GRANT SELECT ON plugin_a.__drizzle_migrations TO ${role}`,
      );
      const url = new URL(fresh.url);
      url.username = role;
      const before = await stateOf(fresh);
      const error = await failureOf(createRepair({ ...options, pool: url.href }).relocate('a'));
      expect(error).toMatchObject({
        code: 'DATABASE_PRIVILEGE',
        message: 'a was not repaired: must be owner of table more',
        plugin: 'a',
        database: { sqlState: '42501' },
      });
      expect(await stateOf(fresh)).toEqual(before);
    } finally {
      await fresh.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    }
  });

  it('gives up soon when somebody uses the table, and says who', async () => {
    const fresh = await db.fresh();
    const options = await stranded(
      fresh,
      {
        plugins: [await pluginWithSnapshot('a', items, itemsOnly)],
        migrations: { ddlLockTimeout: '50ms' },
      },
      strandItems,
    );
    const pool = fresh.pool({ application_name: 'reporting' });
    const reader = await pool.connect();
    try {
      await reader.query('BEGIN; SELECT * FROM public.items');
      const error = await failureOf(createRepair(options).relocate('a'));
      expect(error.code).toBe('REPAIR_FAILED');
      expect(error.hint).toMatch(/^Nothing was changed\. reporting \(pid \d+, idle in transaction/);
      await reader.query('COMMIT');
    } finally {
      reader.release();
    }
    expect((await createRepair(options).relocate('a')).changes).toHaveLength(1);
  });
});

describe('a database that Drizzle migrated with its defaults', () => {
  it('becomes that of a plugin by baseline and relocate, with all its data', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder({ '0000_init': items });
    await writeSnapshots(migrations, { '0000_init': itemsOnly });
    const pool = fresh.pool();
    await migrate(drizzle({ client: pool }), { migrationsFolder: migrations });
    await fresh.query('INSERT INTO items VALUES (7)');

    const options = { pool: fresh.url, plugins: [{ id: 'a', migrations }] };
    const repair = createRepair(options);
    await repair.baseline('a');
    await repair.relocate('a');
    await writeMigrations(migrations, { '0000_init': items, '0001_more': 'CREATE TABLE more ();' });
    const report = await bootUnderTest(options).boot.migrate();
    expect(report.plugins[0]?.applied).toEqual(['0001_more.sql']);
    expect((await fresh.query('SELECT id FROM plugin_a.items')).rows).toEqual([{ id: 7 }]);
  });
});
