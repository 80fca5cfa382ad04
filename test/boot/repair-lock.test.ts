import type { Pool, PoolClient } from 'pg';
import { describe, expect, it } from 'vitest';
import { createRepair, type BootOptions, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { startProxy } from '../support/proxy.ts';
import { stateOf } from '../support/repairs.ts';
import { writeSnapshots } from '../support/snapshots.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const a = { '0000_a': 'CREATE TABLE a (id int);' };
const b = { '0001_b': 'CREATE TABLE b (id int);' };
const repairing = /^slipway\/p@.* \(repair\)$/;
/** Nobody gives up on a lock by itself. */
const patient = { migrations: { ddlLockTimeout: 0 } } as const;

/** Holds a lock on a table for as long as `use` takes. */
async function whileLocked<T>(
  fresh: Database,
  lock: string,
  use: (release: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const pool: Pool = fresh.pool();
  const client: PoolClient = await pool.connect();
  let isHeld = true;
  const release = async (): Promise<void> => {
    if (isHeld) await client.query('COMMIT');
    isHeld = false;
  };
  try {
    await client.query(`BEGIN; ${lock}`);
    return await use(release);
  } finally {
    await release();
    client.release();
    await pool.end();
  }
}

/** The backend that waits for a lock in this database, once one does. */
async function waiterIn({ query }: Database): Promise<number> {
  for (;;) {
    const { rows } = await query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (rows[0]) return rows[0].pid;
  }
}

/** A migrated plugin that has one more file, pending. */
async function behind(
  fresh: Database,
  url = fresh.url,
): Promise<BootOptions & { plugins: Plugin[] }> {
  const migrations = await migrationFolder(a);
  const plugins = [{ id: 'p', migrations }];
  await bootUnderTest({ pool: fresh.url, plugins }).boot.migrate();
  await writeMigrations(migrations, { ...a, ...b });
  return { pool: url, plugins, ...patient };
}

const lockHistory = 'LOCK TABLE plugin_p.__drizzle_migrations IN SHARE MODE';

describe('while a boot migrates the plugin', () => {
  it('a repair fails at once and names the boot, also as a dry run; with wait it comes after the boot', async () => {
    const fresh = await db.fresh();
    const options = await behind(fresh);
    await whileLocked(fresh, lockHistory, async (release) => {
      const { boot } = bootUnderTest(options);
      const booting = boot.migrate();
      const pid = await waiterIn(fresh);
      const repair = createRepair(options);
      for (const dryRun of [true, false]) {
        const error = await failureOf(repair.baseline('p', { dryRun }));
        expect(error).toMatchObject({ code: 'MIGRATION_LOCK_TIMEOUT', plugin: 'p' });
        expect(error.message).toMatch(
          new RegExp(`^p did not get its migration lock, held by slipway/p@.* \\(pid ${pid}`),
        );
        expect(error.hint).toContain("repair.holder('p')");
      }
      const waiting = repair.baseline('p', { wait: '1m' });
      await release();
      expect((await booting).plugins[0]?.applied).toEqual(['0001_b.sql']);
      expect(await waiting).toMatchObject({
        changes: [],
        left: [{ name: '0000_a.sql' }, { name: '0001_b.sql' }],
      });
    });
  });

  it('holder tells who it is, what it runs, since when and whom it waits for', async () => {
    const fresh = await db.fresh();
    const options = await behind(fresh);
    const repair = createRepair(options);
    const free = { plugin: 'p', schema: 'plugin_p' };
    expect(await repair.holder('p')).toStrictEqual(free);
    expect(await repair.holder('p', { terminate: true })).toStrictEqual(free);
    await whileLocked(fresh, lockHistory, async (release) => {
      const booting = bootUnderTest(options).boot.migrate();
      const pid = await waiterIn(fresh);
      const { holder } = await repair.holder('p');
      expect(holder).toEqual({
        pid,
        applicationName: expect.stringMatching(/^slipway\/p@/) as string,
        host: expect.any(String) as string,
        ageMs: expect.any(Number) as number,
        state: 'active',
        query: expect.stringMatching(/^insert into [^;]*__drizzle_migrations[^;]*$/) as string,
        queryMs: expect.any(Number) as number,
        transactionMs: expect.any(Number) as number,
        blockedBy: [holder?.waitsFor?.pid],
        waitsFor: {
          pid: expect.any(Number) as number,
          relation: 'plugin_p.__drizzle_migrations',
          state: 'idle in transaction',
          transactionMs: expect.any(Number) as number,
        },
      });
      await release();
      await booting;
    });
  });

  it('holder ends it when asked to, and says that it did', async () => {
    const fresh = await db.fresh();
    const options = await behind(fresh);
    const repair = createRepair(options);
    await whileLocked(fresh, lockHistory, async () => {
      const booting = failureOf(bootUnderTest(options).boot.migrate());
      const pid = await waiterIn(fresh);
      // The session that was looked at before has given its lock to this one.
      expect(await repair.holder('p', { terminate: true, pid: pid + 1 })).toMatchObject({
        holder: { pid },
        terminated: false,
        because: 'another session holds the lock now',
      });
      expect(await repair.holder('p', { terminate: true, pid })).toMatchObject({
        holder: { pid },
        terminated: true,
      });
      expect((await booting).code).toBe('MIGRATION_CONNECTION_LOST');
      expect((await repair.holder('p')).holder).toBeUndefined();
    });
  });

  it('holder says why it could not end it', async () => {
    const fresh = await db.fresh();
    const role = `${fresh.name}_role`;
    await fresh.query(`CREATE ROLE ${role} LOGIN`);
    try {
      const options = await behind(fresh);
      const url = new URL(fresh.url);
      url.username = role;
      await whileLocked(fresh, lockHistory, async (release) => {
        const booting = bootUnderTest(options).boot.migrate();
        const pid = await waiterIn(fresh);
        const powerless = createRepair({ ...options, pool: url.href });
        const report = await powerless.holder('p', { terminate: true });
        expect(report).toMatchObject({ holder: { pid }, terminated: false });
        expect(report.because).toMatch(/permission denied|must be a/);
        await release();
        await booting;
      });
    } finally {
      await fresh.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

describe('a repair at work', () => {
  it('keeps a boot waiting, which names it, and then finds done what was pending', async () => {
    const fresh = await db.fresh();
    const options = await behind(fresh);
    await whileLocked(fresh, lockHistory, async (release) => {
      const repairingNow = createRepair(options).markApplied('p', ['0001_b']);
      const pid = await waiterIn(fresh);
      const { boot } = bootUnderTest(options);
      const waits = new Promise((resolve) => boot.once('plugin.migrate.waiting', resolve));
      const booting = boot.migrate();
      const applicationName = expect.stringMatching(repairing) as string;
      expect(await waits).toMatchObject({ holder: { pid, applicationName } });
      await release();
      expect((await repairingNow).changes).toHaveLength(1);
      expect((await booting).plugins[0]?.applied).toEqual([]);
    });
  });

  it('happens once when several are called at the same time', async () => {
    const fresh = await db.fresh();
    const options = await behind(fresh);
    const repairs = Array.from({ length: 4 }, () =>
      createRepair(options).baseline('p', { wait: '1m' }),
    );
    const changes = (await Promise.all(repairs)).flatMap((report) => report.changes);
    expect(changes).toMatchObject([{ name: '0001_b.sql' }]);
    const { rows } = await fresh.query('SELECT 1 FROM plugin_p.__drizzle_migrations');
    expect(rows).toHaveLength(2);
  });

  it.each(['its backend is terminated', 'the network resets its connection'])(
    'changes nothing when %s, and the next one does it all',
    async (how) => {
      const fresh = await db.fresh();
      const migrations = await migrationFolder({
        '0000_a': 'CREATE TABLE x (); CREATE TABLE y ();',
      });
      await writeSnapshots(migrations, { '0000_a': { tables: ['x', 'y'] } });
      await using proxy = await startProxy(fresh.url);
      const options = { pool: proxy.url, plugins: [{ id: 'p', migrations }], ...patient };
      await bootUnderTest(options).boot.migrate();
      await fresh.query(
        'ALTER TABLE plugin_p.x SET SCHEMA public; ALTER TABLE plugin_p.y SET SCHEMA public',
      );
      const before = await stateOf(fresh);
      await whileLocked(fresh, 'SELECT * FROM public.y', async () => {
        const failing = failureOf(createRepair(options).relocate('p'));
        const pid = await waiterIn(fresh);
        if (how.startsWith('its backend')) {
          await fresh.query('SELECT pg_terminate_backend($1)', [pid]);
        } else {
          proxy.reset();
          // The server itself learns of it when the statement is through.
          await failing;
          await fresh.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
        }
        expect(await failing).toMatchObject({ code: 'MIGRATION_CONNECTION_LOST', plugin: 'p' });
      });
      expect(await stateOf(fresh)).toEqual(before);
      expect((await createRepair(options).relocate('p')).changes).toHaveLength(2);
    },
  );

  it('gives the client of a pool back as it came', async () => {
    const fresh = await db.fresh();
    const options = await behind(fresh);
    const pool = fresh.pool({ max: 1, application_name: 'shop' });
    await createRepair({ ...options, pool }).baseline('p');
    const { rows } = await pool.query<Record<string, string>>(
      `SELECT current_setting('application_name') AS name, current_setting('search_path') AS path,
         current_setting('lock_timeout') AS lock, (SELECT count(*)::int FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS locks`,
    );
    expect(rows).toEqual([{ name: 'shop', path: '"$user", public', lock: '0', locks: 0 }]);
    await pool.end();
  });
});
