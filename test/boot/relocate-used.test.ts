import { describe, expect, it } from 'vitest';
import { createRepair, type BootOptions } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { thrice } from '../support/repairs.ts';
import { pluginWithSnapshot, writeSnapshots } from '../support/snapshots.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const change = 'moved from public to plugin_a';
const touch = `CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.id := 7; RETURN new; END $$;`;
const items = `${touch}
  CREATE TABLE items (id int);
  CREATE TRIGGER stamp BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION touch();`;
const itemsOnly = { tables: ['items'] };

/** Migrates, and then moves all of a plugin to `public`, as a pool without pinning would have put it there. */
async function strand(fresh: Database, options: Omit<BootOptions, 'pool'>, ids: readonly string[]) {
  const complete = { ...options, pool: fresh.url };
  await bootUnderTest(complete).boot.migrate();
  for (const id of ids) {
    await fresh.query(`DO $do$ DECLARE one record; BEGIN
      FOR one IN SELECT f.type, f.identity FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) f
        WHERE d.refobjid = 'plugin_${id}'::regnamespace AND f.identity !~ '__drizzle_migrations'
          AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid AND o.deptype IN ('a', 'i')
            AND (o.classid, o.objid) <> (o.refclassid, o.refobjid) AND o.classid <> 'pg_statistic_ext'::regclass)
        ORDER BY f.type NOT IN ('function', 'aggregate', 'operator')
      LOOP EXECUTE format('ALTER %s %s SET SCHEMA public', replace(one.type, ' object', ''), one.identity); END LOOP;
    END $do$`);
  }
  return complete;
}

async function inSchema({ query }: Database, schema: string): Promise<readonly string[]> {
  const { rows } = await query<{ object: string }>(
    `SELECT f.type || ' ' || replace(f.identity, $1 || '.', '') AS object
     FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) f
     WHERE d.refobjid = to_regnamespace($1) AND d.refclassid = 'pg_namespace'::regclass AND f.identity !~ '__drizzle_migrations'
     ORDER BY 1`,
    [schema],
  );
  return rows.map(({ object }) => object);
}

describe('relocate', () => {
  it('takes along the function of a trigger, so that the next CREATE OR REPLACE makes no second one', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder({ '0000_init': items });
    await writeSnapshots(migrations, { '0000_init': itemsOnly });
    const options = await strand(fresh, { plugins: [{ id: 'a', migrations }] }, ['a']);
    expect(await inSchema(fresh, 'plugin_a')).toEqual([]);
    const report = await thrice(fresh, (dryRun) => createRepair(options).relocate('a', { dryRun }));
    expect(report).toMatchObject({
      changes: [
        { kind: 'function', name: 'touch()', change },
        { kind: 'table', name: 'items', change },
      ],
      left: [],
      statements: [
        'alter function "public".touch() set schema "plugin_a"',
        'alter table "public"."items" set schema "plugin_a"',
      ],
    });

    await writeMigrations(migrations, {
      '0000_init': items,
      '0001_again': touch.replace(':= 7', ':= 8'),
    });
    await bootUnderTest(options).boot.migrate();
    await fresh.query('INSERT INTO plugin_a.items VALUES (1)');
    expect((await fresh.query('SELECT id FROM plugin_a.items')).rows).toEqual([{ id: 8 }]);
    expect(await inSchema(fresh, 'public')).toEqual([]);
  });

  it('takes along what defaults, policies, checks, indexes, columns, views and what it takes along itself use', async () => {
    const fresh = await db.fresh();
    const make = (name: string, type = 'int'): string =>
      `CREATE FUNCTION "${name}"(${type}) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';`;
    const a = await pluginWithSnapshot(
      'a',
      `CREATE TYPE mood AS ENUM ('good'); CREATE TYPE pair AS (x int, m mood);
      ${['inDefault', 'in_policy', 'in_check', 'in_index', 'in_generated', 'in_view', 'in_domain', 'in_sum', 'in_part'].map((name) => make(name)).join('\n')}
      ${make('of_mood', 'mood')}
      CREATE DOMAIN small AS int CHECK (in_domain(value) > 0);
      CREATE FUNCTION plus(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2';
      CREATE AGGREGATE total(int) (SFUNC = plus, STYPE = int);
      CREATE FUNCTION atomic() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT in_sum(1); END;
      CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = plus);
      CREATE COLLATION own (provider = libc, locale = 'C');
      CREATE TEXT SEARCH CONFIGURATION words (COPY = pg_catalog.simple);
      CREATE SEQUENCE counter;
      CREATE TABLE items (id int DEFAULT "inDefault"(1) CHECK (in_check(id) > 0), s small, p pair[], n int DEFAULT nextval('counter'),
        d int DEFAULT atomic(), g int GENERATED ALWAYS AS (in_generated(1)) STORED, t text COLLATE own, v tsvector
        GENERATED ALWAYS AS (to_tsvector('words', 'a')) STORED, m int CHECK (of_mood('good') > 0), q int CHECK ((q === q) > 0));
      CREATE POLICY p ON items USING (in_policy(id) > 0);
      CREATE INDEX ON items (in_index(id));
      CREATE STATISTICS both_columns ON id, n FROM items;
      CREATE VIEW sums AS SELECT total(in_view(id)) AS total FROM items;
      CREATE TABLE parts (id int) PARTITION BY LIST (in_part(id));`,
      { tables: ['items', 'parts'], views: ['sums'] },
    );
    const options = await strand(fresh, { plugins: [a] }, ['a']);
    const before = await inSchema(fresh, 'public');
    expect(before.length).toBeGreaterThan(20);
    const report = await thrice(fresh, (dryRun) => createRepair(options).relocate('a', { dryRun }));
    expect(report.left).toEqual([]);
    expect(await inSchema(fresh, 'public')).toEqual([]);
    // Arguments are written with their schema.
    const moved = before.map((object) => object.replaceAll('public.', 'plugin_a.'));
    expect(await inSchema(fresh, 'plugin_a')).toEqual(moved);
    expect(report.changes).toHaveLength(moved.length);
    await fresh.query(
      `SET search_path = plugin_a; INSERT INTO items (id, s) VALUES (1, 2); SELECT * FROM sums`,
    );
  });

  it('leaves what others use, or may own, and tells who uses it', async () => {
    const fresh = await db.fresh();
    const make = (name: string): string =>
      `CREATE FUNCTION ${name}() RETURNS int LANGUAGE sql AS 'SELECT 1';`;
    const host = { migrations: await migrationFolder({ '0000_host': make('of_host') }) };
    const a = await pluginWithSnapshot(
      'a',
      `${make('shared')} ${make('twice')} ${make('own')}
      CREATE FUNCTION below() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;
      CREATE FUNCTION above() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT below(); END;
      CREATE TABLE items (a int DEFAULT shared(), b int DEFAULT above(), c int, d int, e int DEFAULT twice(), f int DEFAULT own());`,
      itemsOnly,
    );
    const options = await strand(fresh, { host, plugins: [a] }, ['a']);
    await fresh.query(`${make('by_hand')} ${make('plugin_a.twice')}
      ALTER TABLE items ALTER c SET DEFAULT of_host(), ALTER d SET DEFAULT by_hand();
      CREATE TABLE strange (n int DEFAULT shared(), m int DEFAULT above())`);
    const repair = createRepair(options);
    const report = await thrice(fresh, (dryRun) => repair.relocate('a', { dryRun }));
    expect(report.changes.map(({ name }) => name)).toEqual(['own()', 'items']);
    const use = (column: string, table = 'items'): string =>
      `default value for column ${column} of table public.${table}`;
    expect(report.left).toEqual([
      {
        kind: 'function',
        name: 'above()',
        because: `used by ${use('b')}; ${use('m', 'strange')} uses it too`,
      },
      { kind: 'function', name: 'below()', because: 'function public.above() uses it too' },
      {
        kind: 'function',
        name: 'by_hand()',
        because: `used by ${use('d')}; no file of a names it`,
      },
      {
        kind: 'function',
        name: 'of_host()',
        because: `used by ${use('c')}; it may also belong to host`,
      },
      {
        kind: 'function',
        name: 'shared()',
        because: `used by ${use('a')}; ${use('n', 'strange')} uses it too`,
      },
      {
        kind: 'function',
        name: 'twice()',
        because: `used by ${use('e')}; plugin_a has another one already`,
      },
    ]);
  });

  it('takes along what an earlier relocate has left, and leaves what a neighbour made under the same name', async () => {
    const fresh = await db.fresh();
    const plugins = [
      await pluginWithSnapshot('a', items, itemsOnly),
      await pluginWithSnapshot('b', items.replaceAll('items', 'orders'), { tables: ['orders'] }),
    ];
    const options = await strand(fresh, { plugins }, []);
    await fresh.query('ALTER FUNCTION plugin_a.touch() SET SCHEMA public');
    const repair = createRepair(options);
    expect((await repair.relocate('b')).changes).toEqual([]);
    expect((await repair.relocate('a')).changes).toMatchObject([{ name: 'touch()' }]);

    // Both had it in public: the second CREATE OR REPLACE took the place of the first.
    await fresh.query(`DROP TRIGGER stamp ON plugin_b.orders; DROP FUNCTION plugin_b.touch();
      ALTER FUNCTION plugin_a.touch() SET SCHEMA public`);
    expect(await repair.relocate('a')).toMatchObject({
      changes: [],
      left: [{ because: 'used by trigger stamp on table plugin_a.items; it may also belong to b' }],
    });
  });

  it('leaves what another role owns, and moves the rest', async () => {
    const fresh = await db.fresh();
    const role = `${fresh.name}_role`;
    await fresh.query(`CREATE ROLE ${role} LOGIN`);
    try {
      const a = await pluginWithSnapshot('a', items, itemsOnly);
      const options = await strand(fresh, { plugins: [a] }, ['a']);
      await fresh.query(`ALTER TABLE items OWNER TO ${role}; GRANT ALL ON SCHEMA plugin_a TO ${role};
        GRANT SELECT ON plugin_a.__drizzle_migrations TO ${role}`);
      const url = new URL(fresh.url);
      url.username = role;
      const report = await createRepair({ ...options, pool: url.href }).relocate('a');
      expect(report.changes).toMatchObject([{ name: 'items' }]);
      expect(report.left).toMatchObject([
        {
          name: 'touch()',
          because: expect.stringContaining('the role does not own it') as unknown,
        },
      ]);
    } finally {
      await fresh.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    }
  });
});
