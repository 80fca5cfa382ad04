import { describe, expect, test, vi } from 'vitest';
import type { BootError, Plugin } from '../../src/index.ts';
import type { OrderedPlugin } from '../support/boot-process.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { killBoots, listPlaces } from '../support/killed-boots.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { startTurnstile } from '../support/turnstile.ts';

// Processes and races take their time on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

const items = { '0000_items': 'CREATE TABLE items (id int);' };

/** A file that fails, or counts twice, when it runs twice. */
const inSchema = (schema: string) => ({
  ...items,
  '0001_totals': `CREATE SCHEMA ${schema};--> statement-breakpoint
    CREATE TABLE ${schema}.totals (n int PRIMARY KEY);--> statement-breakpoint
    INSERT INTO ${schema}.totals VALUES (1);`,
});

async function markOf({ query }: Pick<Database, 'query'>, schema: string): Promise<string | null> {
  const { rows } = await query<{ mark: string | null }>(
    `SELECT obj_description(to_regnamespace($1), 'pg_namespace') AS mark`,
    [schema],
  );
  return rows[0]?.mark ?? null;
}

/** Boots replicas of one plugin at once, each with a pool of its own. */
async function race(url: string, count: number, plugin: Plugin): Promise<readonly string[]> {
  const boots = Array.from({ length: count }, () =>
    bootUnderTest({ pool: url, plugins: [plugin] }),
  );
  const reports = await Promise.all(boots.map(({ boot }) => boot.start()));
  await Promise.all(boots.map(({ boot }) => boot.stop()));
  expect(reports.map(({ outcome }) => outcome)).toEqual(Array(count).fill('ready'));
  return boots.flatMap(({ recording }) =>
    recording.of('plugin.migrate.applied').map(({ file }) => file),
  );
}

/** On a fresh database, then with a schema that a release adds without a file. */
async function raceBoth(database: Database, url: string, rounds: number): Promise<void> {
  const migrations = await migrationFolder(inSchema('reporting'));
  for (let round = 0; round < rounds; round += 1) {
    const plugin = { id: 'catalog', migrations, schemas: ['reporting'] };
    expect(await race(url, 4, plugin)).toEqual(['0000_items.sql', '0001_totals.sql']);
    expect(await race(url, 4, { ...plugin, schemas: ['reporting', 'audit'] })).toEqual([]);
    expect(await markOf(database, 'reporting')).toBe('slipway: schema of plugin_catalog');
    expect(await markOf(database, 'audit')).toBe('slipway: schema of plugin_catalog');
    await database.query('DROP SCHEMA plugin_catalog, reporting, audit CASCADE');
  }
}

describe('further schemas', () => {
  test('are made once by 4 replicas at once', async () => {
    const database = await db.fresh();
    await raceBoth(database, database.url, 3);
  });

  test.skipIf(!pgbouncer)('are made once by 4 replicas at once, through a pooler', async () => {
    const database = await db.fresh();
    const pooler = await startPgBouncer({ mode: 'transaction' });
    await raceBoth(database, pooler.through(database.url), 1);
  });

  test('that two hosts claim at the same moment get one owner', async () => {
    const database = await db.fresh();
    for (const files of [items, inSchema('reporting')]) {
      for (let round = 0; round < 3; round += 1) {
        const hosts = await Promise.all(
          ['a_', 'b_'].map(async (schemaPrefix) => {
            const plugin = { id: 'catalog', migrations: await migrationFolder(files) };
            return { pool: database.url, migrations: { schemaPrefix }, plugins: [plugin] };
          }),
        );
        if (files === items)
          await Promise.all(hosts.map((host) => bootUnderTest(host).boot.start()));
        const outcomes = await Promise.all(
          hosts.map(async ({ plugins: [plugin], ...host }) => {
            const plugins = plugin ? [{ ...plugin, schemas: ['reporting'] }] : [];
            return bootUnderTest({ ...host, plugins })
              .boot.start()
              .then(
                ({ outcome }) => `${host.migrations.schemaPrefix} ${outcome}`,
                ({ code, problems }: BootError) => problems?.[0]?.code ?? code,
              );
          }),
        );
        const winner = outcomes.includes('a_ ready') ? 'a_' : 'b_';
        expect(outcomes.toSorted()).toEqual(['SCHEMA_TAKEN', `${winner} ready`].toSorted());
        expect(await markOf(database, 'reporting')).toBe(`slipway: schema of ${winner}catalog`);
        await database.query(
          `DROP SCHEMA reporting CASCADE; DROP SCHEMA IF EXISTS a_catalog CASCADE; DROP SCHEMA IF EXISTS b_catalog CASCADE`,
        );
      }
    }
  });

  test.each(['with a file', 'without a file'])(
    'of a process that is killed at any place are all there after the next boot: %s',
    async (kind) => {
      const database = await db.fresh();
      const files = kind === 'with a file' ? inSchema : () => items;
      const prepare = async (id: string): Promise<OrderedPlugin> => {
        const schema = `further_${id.replace('-', '_')}`;
        const migrations = await migrationFolder(files(schema));
        const plugin = { id, migrations, schemas: [schema] };
        if (kind === 'without a file') {
          const { boot } = bootUnderTest({ pool: database.url, plugins: [{ id, migrations }] });
          await boot.migrate();
          await boot.stop();
        }
        return plugin;
      };
      await using first = await startTurnstile(database.url);
      const whole = await prepare('whole');
      const { boot } = bootUnderTest({ pool: first.url, plugins: [whole] });
      await boot.start();
      await boot.stop();
      const requests = [...first.requests];
      // Before the lock nothing is changed. To the server it is all one whether an answer was on its way or had arrived.
      const lock = requests.findIndex((sql) => sql.includes('pg_try_advisory_lock'));
      const places = listPlaces(first).filter(
        ({ request, when }) => request > lock && when === 'before',
      );
      expect(
        requests.some((sql) => sql.includes('create schema if not exists "further_whole"')),
      ).toBe(true);

      const plugins: OrderedPlugin[] = [];
      for (const index of places.keys()) plugins.push(await prepare(`shop-${index}`));
      await killBoots(
        database.url,
        places.map((place, index) => ({ place, plugin: plugins[index] as OrderedPlugin })),
      );

      expect((await bootUnderTest({ pool: database.url, plugins }).boot.start()).outcome).toBe(
        'ready',
      );
      for (const { id, schemas: [schema = ''] = [] } of plugins) {
        expect(await markOf(database, schema)).toBe(`slipway: schema of plugin_${id}`);
        if (kind === 'without a file') continue;
        expect((await database.query(`SELECT n FROM ${schema}.totals`)).rows).toEqual([{ n: 1 }]);
      }
    },
  );
});
