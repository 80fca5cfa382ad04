import { describe, expect, test } from 'vitest';
import type { Plugin } from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { withClient } from '../support/leaks.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { untilFound } from '../support/server-sessions.ts';
import { counters, expectCountedOnce, expectNothingLeft } from './pooled-plugins.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

const ids = ['a', 'b', 'c', 'd', 'e'];

describe.skipIf(!pgbouncer)('a boot through a pooler in transaction mode', () => {
  test.each([1, 2])(
    'of %i sessions puts every object into its schema, and leaves nothing on them',
    async (size) => {
      const database = await db.fresh();
      const pooled = (await startPgBouncer({ mode: 'transaction', size })).through(database.url);
      const { boot } = bootUnderTest({ pool: pooled, plugins: await counters(...ids) });
      const report = await boot.start();
      expect(report).toMatchObject({ outcome: 'ready', database: { pooler: true } });

      await expectCountedOnce(database, ids);
      const { rows } = await database.query(
        `select count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace`,
      );
      expect(rows).toEqual([{ n: 0 }]);
      await expectNothingLeft(database, pooled, size);
    },
  );

  test('applies each migration once when four boot at once', async () => {
    const pooler = await startPgBouncer({ mode: 'transaction' });
    for (let round = 0; round < 2; round += 1) {
      const database = await db.fresh();
      const pooled = pooler.through(database.url);
      const boots = await Promise.all(
        ids.slice(0, 4).map(async () => {
          return bootUnderTest({ pool: pooled, registry: true, plugins: await counters(...ids) });
        }),
      );
      const reports = await Promise.all(boots.map(({ boot }) => boot.start()));
      expect(reports.map(({ outcome }) => outcome)).toEqual(Array(4).fill('ready'));
      expect(reports.flatMap(({ warnings }) => warnings)).toEqual([]);
      await expectCountedOnce(database, ids);
      const applied = boots.flatMap(({ recording }) => recording.of('plugin.migrate.applied'));
      expect(applied).toHaveLength(ids.length * 3);
      const { rows } = await database.query('select id from slipway.plugins order by id');
      expect(rows).toEqual(ids.map((id) => ({ id })));
      await expectNothingLeft(database, pooled);
    }
  });

  test('and boots on direct connections exclude each other', async () => {
    const pooler = await startPgBouncer({ mode: 'transaction' });
    for (let round = 0; round < 2; round += 1) {
      const database = await db.fresh();
      const pooled = pooler.through(database.url);
      const ways = [pooled, database.url, pooled, database.url];
      const boots = await Promise.all(
        ways.map(async (pool) => bootUnderTest({ pool, plugins: await counters(...ids) })),
      );
      const reports = await Promise.all(boots.map(({ boot }) => boot.start()));
      expect(reports.map(({ outcome }) => outcome)).toEqual(Array(4).fill('ready'));
      await expectCountedOnce(database, ids);
    }
  });

  test('waits for its turn also between two files, and has started once', async () => {
    const database = await db.fresh();
    const pooled = (await startPgBouncer({ mode: 'transaction' })).through(database.url);
    const a: Plugin = {
      id: 'a',
      migrations: await migrationFolder({
        '0000_slow': 'create table t (id int); select pg_advisory_xact_lock(42);',
        '0001_more': 'alter table t add x int;',
      }),
    };
    const { boot, recording } = bootUnderTest({
      pool: pooled,
      plugins: [a],
      migrations: { ddlLockTimeout: 0 },
    });
    const key = migrationLockKey('plugin_a');
    await withClient(database.url, async (gate) => {
      await gate.query('select pg_advisory_lock(42)');
      const starting = boot.start();
      await untilFound(database, waitingFor(42n));
      await withClient(database.url, async (other) => {
        // Whoever waits inside PostgreSQL has the lock the moment the first file is committed.
        const waiting = new Promise((resolve) => boot.once('plugin.migrate.waiting', resolve));
        const locked = other.query(`select pg_advisory_lock('${key}'::bigint)`);
        await untilFound(database, waitingFor(key));
        await gate.query('select pg_advisory_unlock(42)');
        await locked;
        const { processID } = other as typeof other & { readonly processID: number };
        expect(await waiting).toMatchObject({
          holder: { pid: processID, applicationName: 'test/admin' },
        });
        expect(boot.report().plugins[0]?.applied).toEqual(['0000_slow.sql']);
        const goingOn = new Promise((resolve) => boot.once('plugin.migrate.executed', resolve));
        await other.query('select pg_advisory_unlock_all()');
        await goingOn;
        expect(boot.state().running).toMatchObject([{ plugin: 'a', step: 'migrate' }]);
        expect(boot.state().running[0]).not.toHaveProperty('wait');
        expect(await starting).toMatchObject({ outcome: 'ready' });
      });
    });
    const lines = recording.lines('plugin.migrate.').filter((line) => !/execut/.test(line));
    expect(lines.filter((line) => !line.includes('waiting'))).toEqual([
      'plugin.migrate.planned a',
      'plugin.migrate.connecting a',
      'plugin.migrate.started a',
      'plugin.migrate.applying a',
      'plugin.migrate.applied a',
      'plugin.migrate.applying a',
      'plugin.migrate.applied a',
      'plugin.migrate.finished a',
    ]);
  });

  test('rolls a failing file back, and says where it failed', async () => {
    const database = await db.fresh();
    const pooled = (await startPgBouncer({ mode: 'transaction' })).through(database.url);
    const plugins: Plugin[] = [
      {
        id: 'a',
        migrations: await migrationFolder({
          '0000_init': 'create table t (id int);',
          '0001_wrong':
            'create table gone (id int);--> statement-breakpoint\nalter table missing add x int;',
        }),
      },
    ];
    const { boot } = bootUnderTest({ pool: pooled, plugins });
    const failure = await failureOf(boot.start());
    expect(failure).toMatchObject({ code: 'MIGRATION_FAILED', database: { sqlState: '42P01' } });
    expect(failure.position).toMatchObject({ file: '0001_wrong.sql', line: 2, column: 1 });
    expect(failure.hint).toContain('0000_init.sql is committed');
    const { rows } = await database.query(`select to_regclass('plugin_a.gone') as gone`);
    expect(rows).toEqual([{ gone: null }]);
    await expectNothingLeft(database, pooled);
  });

  test('undoes a file that makes something outside of its schema', async () => {
    const database = await db.fresh();
    const pooled = (await startPgBouncer({ mode: 'transaction' })).through(database.url);
    const migrations = await migrationFolder({ '0000_init': 'create table public.mine ();' });
    const { boot } = bootUnderTest({ pool: pooled, plugins: [{ id: 'a', migrations }] });
    expect(await failureOf(boot.start())).toMatchObject({ code: 'MIGRATION_STRAY_OBJECTS' });
    await expectNothingLeft(database, pooled);
  });
});

function waitingFor(key: bigint): string {
  return `select pid from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32 | objid::bigint) = ${key}`;
}
