import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { LockWaits } from '../../src/boot/migrate-all/lock-waits.ts';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { describeHolder } from '../../src/core/describe-session.ts';
import type { BootEventOf, UnstampedEvent } from '../../src/core/events.ts';
import type { LockHolder } from '../../src/core/waits.ts';
import type { Boot, Duration } from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';
import { untilFound } from '../support/server-sessions.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

type Waiting = BootEventOf<'plugin.migrate.waiting'>;

const key = migrationLockKey('plugin_a');

/** A session, named in `pg_stat_activity`, for as long as `use` runs. */
async function withSession<T>(
  database: Database,
  name: string,
  use: (client: pg.PoolClient, pid: number) => Promise<T>,
): Promise<T> {
  const client = await database.pool({ max: 1, application_name: name }).connect();
  try {
    return await use(client, (client as pg.PoolClient & { readonly processID: number }).processID);
  } finally {
    client.release(true);
  }
}

/** Resolves with the first holder that the boot names and that is as wanted. */
function untilHolder(boot: Boot, isIt: (holder: LockHolder) => boolean): Promise<LockHolder> {
  return new Promise((resolve) => {
    boot.on('plugin.migrate.waiting', ({ holder }: Waiting) => isIt(holder) && resolve(holder));
  });
}

async function given(sql = 'create table t (id int);') {
  const fresh = await db.fresh();
  const migrations = await migrationFolder({ '0000_a': sql });
  const { boot, recording } = bootUnderTest({
    pool: fresh.pool(),
    plugins: [{ id: 'a', migrations }],
  });
  return { fresh, boot, recording };
}

describe('the migration of a plugin', () => {
  it('takes a client once it has its slot, then the lock, then its files', async () => {
    const { boot, recording } = await given();
    await boot.start();
    expect(recording.lines('plugin.migrate.')).toEqual(
      [
        'planned',
        'connecting',
        'started',
        'applying',
        'executing',
        'executed',
        'applied',
        'finished',
      ].map((name) => `plugin.migrate.${name} a`),
    );
    expect(recording.of('plugin.migrate.connecting')[0]).toMatchObject({ plugin: 'a', slot: 1 });
    expect(recording.of('plugin.migrate.started')[0]).toMatchObject({
      slot: 1,
      waitedMs: 0,
      connectMs: expect.any(Number) as number,
      backendPid: expect.any(Number) as number,
    });
  });

  it.each<Duration>([0, '5s'])(
    'says that it waits before another has its slot, with lockWait %s',
    async (lockWait) => {
      const fresh = await db.fresh();
      const plugins = await alikePlugins(['a', 'b'], { '0000_a': 'create table t (id int);' });
      const { boot, recording } = bootUnderTest({
        pool: fresh.pool(),
        plugins: plugins.map((plugin) => ({ ...plugin, required: plugin.id === 'b' })),
        migrations: { concurrency: 1, lockWait },
      });
      await withSession(fresh, 'holder', async (holder) => {
        await holder.query(`select pg_advisory_lock(${key})`);
        boot.once('plugin.migrate.applied', () => {
          void holder.query(`select pg_advisory_unlock(${key})`);
        });
        await boot.start();
      });
      const seen = recording.lines('plugin.migrate.');
      const [first, ...rest] = ['connecting a', 'waiting a', 'connecting b'].map((line) =>
        seen.indexOf(`plugin.migrate.${line}`),
      );
      expect(rest).toEqual([(first ?? 0) + 1, (first ?? 0) + 2]);
    },
  );

  it('begins once, however often another session refuses the lock', async () => {
    const { fresh, boot, recording } = await given();
    await withSession(fresh, 'holder', async (holder) => {
      await holder.query(`select pg_advisory_lock(${key})`);
      const starting = boot.start();
      await new Promise<void>((resolve) => {
        let refusals = 0;
        boot.on('plugin.migrate.waiting', () => (refusals += 1) === 3 && resolve());
      });
      await holder.query(`select pg_advisory_unlock(${key})`);
      await starting;
    });
    expect(recording.of('plugin.migrate.connecting')).toHaveLength(1);
    const [started, ...others] = recording.of('plugin.migrate.started');
    const refused = recording.of('plugin.migrate.waiting');
    expect(others).toEqual([]);
    expect(started?.waitedMs).toBeGreaterThanOrEqual(refused.at(-1)?.waitedMs ?? Infinity);
  });

  it('has no slot that another one has at the same time', async () => {
    const fresh = await db.fresh();
    const plugins = await alikePlugins(['a', 'b', 'c', 'd', 'e'], {
      '0000_a': 'create table t (id int);',
    });
    const pool = fresh.pool({ max: 2 });
    const { boot, recording } = bootUnderTest({ pool, plugins });
    const taken = new Map<string, number>();
    const doubles: string[] = [];
    boot.on('plugin.migrate.connecting', ({ plugin, slot }) => {
      if ([...taken.values()].includes(slot)) doubles.push(plugin);
      taken.set(plugin, slot);
    });
    boot.on('plugin.migrate.finished', ({ plugin }) => void taken.delete(plugin));
    await boot.start();
    expect(doubles).toEqual([]);
    const slots = recording.of('plugin.migrate.started').map(({ slot }) => slot);
    expect(new Set(slots)).toEqual(new Set([1, 2]));
  });

  it('says that it waits for a client, and how long that took', async () => {
    const fresh = await db.fresh();
    const pool = fresh.pool({ max: 1 });
    const migrations = await migrationFolder({ '0000_a': 'create table t (id int);' });
    const { boot, recording } = bootUnderTest({ pool, plugins: [{ id: 'a', migrations }] });
    boot.once('plugin.migrate.connecting', () => {
      // It comes first, because the boot asks for its client behind this event.
      void pool.connect().then((client) => boot.once('boot.waiting', () => client.release()));
    });
    await boot.start();
    const [connecting] = recording.of('plugin.migrate.connecting');
    const [waiting] = recording.of('boot.waiting');
    const [started] = recording.of('plugin.migrate.started');
    expect(waiting).toMatchObject({ kind: 'connection', plugin: 'a' });
    const soFar = (waiting?.elapsedMs ?? Infinity) - (connecting?.elapsedMs ?? 0);
    expect(started?.connectMs).toBeGreaterThan(soFar / 2);
    expect(started?.waitedMs).toBe(0);
  });

  it('that fails has a statement that never ended, and finishes as failed', async () => {
    const { boot, recording } = await given('select 1 / 0;');
    await failureOf(boot.start());
    expect(recording.lines('plugin.migrate.').slice(-3)).toEqual([
      'plugin.migrate.applying a',
      'plugin.migrate.executing a',
      'plugin.migrate.finished a',
    ]);
    expect(recording.outcomes('migrate')).toEqual({ a: 'failed' });
  });

  it.each([
    ['succeeds', 'create table t (id int);'],
    ['fails', 'select 1 / 0;'],
  ])('that %s shows no password', async (_, sql) => {
    const fresh = await db.fresh();
    const url = new URL(fresh.url);
    url.password = 'planted-password';
    const { boot, recording } = bootUnderTest({
      pool: url.href,
      plugins: [{ id: 'a', migrations: await migrationFolder({ '0000_a': sql }) }],
    });
    await boot.start().catch(() => undefined);
    await boot.stop();
    const shown = recording.events.map((event) => JSON.stringify(event, withErrors)).join('\n');
    expect(shown).toContain('plugin.migrate.executing');
    expect(shown).not.toContain('planted-password');
  });
});

describe('the holder of a lock that is waited for', () => {
  it.each([
    ['a table', 'lock table busy'],
    ['a row', 'update busy set id = 2'],
  ])(
    'is named with the session that keeps %s from it, and again when it goes on',
    async (_, sql) => {
      const { fresh, boot } = await given();
      await fresh.query('create table busy as select 1 as id');
      await withSession(fresh, 'blocker', (blocker, blockerPid) =>
        withSession(fresh, 'holder', async (holder, holderPid) => {
          await blocker.query(`begin; ${sql}`);
          await holder.query(`begin; select pg_advisory_lock(${key})`);
          const goingOn = holder.query(sql);
          const untilBlocked = `select from pg_stat_activity where pid = ${holderPid} and wait_event_type = 'Lock'`;
          await untilFound(fresh, untilBlocked);
          const blocked = untilHolder(boot, ({ waitsFor }) => waitsFor !== undefined);
          const free = untilHolder(boot, ({ state }) => state === 'idle in transaction');
          const starting = boot.start();
          const found = await blocked;
          expect(found).toMatchObject({
            pid: holderPid,
            applicationName: 'holder',
            state: 'active',
            transactionMs: expect.any(Number) as number,
            waitsFor: {
              pid: blockerPid,
              applicationName: 'blocker',
              relation: 'busy',
              state: 'idle in transaction',
              transactionMs: expect.any(Number) as number,
            },
          });
          expect(describeHolder(found)).toMatch(
            /^holder \(pid \d+( at \S+)?, active for \S+, connected for \S+\); it waits for blocker \(pid \d+, idle in transaction, since \S+, on busy\)$/,
          );
          await blocker.query('rollback');
          await goingOn;
          expect(await free).not.toHaveProperty('waitsFor');
          await holder.query(`select pg_advisory_unlock(${key}); rollback`);
          await starting;
        }),
      );
    },
  );

  it('is named at the attempts 1, 2, 4, 8, and whenever it is another one, or in another state', async () => {
    const told: UnstampedEvent[] = [];
    const waits = new LockWaits(systemClock, 60_000, (event) => told.push(event));
    const aborted = AbortSignal.abort();
    const blocked: LockHolder = { pid: 1, state: 'active', waitsFor: { pid: 9 } };
    const holders: readonly LockHolder[] = [
      { pid: 1, state: 'active' },
      { pid: 1, state: 'active', ageMs: 5 },
      { pid: 1, state: 'active', ageMs: 6 },
      { pid: 1, state: 'active' },
      blocked,
      blocked,
      { ...blocked, waitsFor: { pid: 8 } },
      { pid: 1, state: 'idle in transaction' },
      { pid: 2, state: 'idle in transaction' },
      { pid: 2, state: 'idle in transaction' },
      {},
    ];
    const named: number[] = [];
    for (const [index, holder] of holders.entries()) {
      const before = told.length;
      waits.refused('a', holder);
      await waits.wait('a', index + 1, aborted);
      if (told.length > before) named.push(index + 1);
    }
    expect(named).toEqual([1, 2, 4, 5, 7, 8, 9]);
  });

  it('is the last one seen when it lets go just before it is looked for', async () => {
    const fresh = await db.fresh();
    await withSession(fresh, 'psql', async (holder, pid) => {
      await holder.query(`select pg_advisory_lock(${key})`);
      let looks = 0;
      class Racing extends pg.Client {
        override query(...sent: unknown[]): never {
          const send = (): never => (super.query as (...all: unknown[]) => never)(...sent);
          const [request] = sent as [string | { readonly text: string }];
          const isLook = /from pg_locks l left join/.test(
            typeof request === 'string' ? request : request.text,
          );
          if (!isLook || ++looks !== 2) return send();
          return holder.query(`select pg_advisory_unlock(${key})`).then(send) as never;
        }
      }
      const { boot, recording } = bootUnderTest({
        pool: fresh.pool({ Client: Racing }),
        plugins: [{ id: 'a', migrations: [{ name: '0', run() {} }] }],
      });
      await boot.start();
      expect(looks).toBe(2);
      expect(recording.of('plugin.migrate.waiting').map((event) => event.holder.pid)).toEqual([
        pid,
        pid,
      ]);
    });
  });
});

/** Errors are objects without fields to JSON. */
function withErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { message, stack, cause } = value;
  return { ...Object.fromEntries(Object.entries(value)), message, stack, cause };
}
