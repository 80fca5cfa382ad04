import { describe, expect, it } from 'vitest';
import { createBoot, gracefulShutdown } from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { startHost, type ShutdownProcess } from './shutdown-process.ts';

const db = useDatabase();

const migrationHold = 42n;

/** Its second statement waits for as long as the test holds the lock. */
const heldMigration = (): Promise<string> =>
  migrationFolder({
    '0000_held': [
      'CREATE TABLE half (id int);',
      `SELECT pg_advisory_xact_lock(${migrationHold});`,
    ].join('\n--> statement-breakpoint\n'),
  });

const isReady = async ({ address }: ShutdownProcess): Promise<boolean> =>
  (await fetch(`${address}/readyz`)).ok;

const tableOf = async ({ query }: Database): Promise<unknown> =>
  (await query("SELECT to_regclass('plugin_guest.half') AS found")).rows[0]?.['found'];

describe('a signal before everything is up', () => {
  it('while nothing has begun ends the process', async () => {
    const host = await startHost({ url: db.url, isIdle: true });
    host.send('SIGTERM');
    expect(await host.ended).toBe(143);
    expect(host.said).toEqual([host.address, 'drain', 'drained']);
  });

  it('while PostgreSQL does not answer ends the process', async () => {
    const host = await startHost({
      url: 'postgres://nobody@127.0.0.1:1/nothing',
      migrations: await heldMigration(),
    });
    await host.heard('boot.waiting');
    host.send('SIGTERM');
    expect(await host.ended).toBe(143);
  });

  it('while another replica migrates ends the process', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationLockKey('plugin_guest'));
    const host = await startHost({ url, migrations: await heldMigration() });
    await host.heard('plugin.migrate.waiting');
    host.send('SIGTERM');
    expect(await host.ended).toBe(143);
    await lock.release();
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s during a migration rolls it back and exits with %i', async (signal, code) => {
    const database = await db.fresh();
    await using lock = await holdLock(database.url, migrationHold);
    const host = await startHost({ url: database.url, migrations: await heldMigration() });
    await host.heard('plugin.migrate.executed');
    host.send(signal);
    expect(await host.ended).toBe(code);
    expect(host.said).not.toContain('plugin.init.started');
    await lock.release();
    expect(await tableOf(database)).toBeNull();
  });

  it('stops at once, and runs the drain beside it: nothing has been served', async () => {
    const database = await db.fresh();
    await using lock = await holdLock(database.url, migrationHold);
    const host = await startHost({
      url: database.url,
      migrations: await heldMigration(),
      delay: '1h',
      drain: 'waits',
    });
    await host.heard('plugin.migrate.executed');
    host.send('SIGTERM');
    await host.heard('plugin.migrate.finished');
    expect(host.said.indexOf('drain')).toBe(host.said.indexOf('boot.stopping') + 1);
    expect(host.said).not.toContain('drained');
    host.tell('drain');
    expect(await host.ended).toBe(143);
    await lock.release();
  });

  it('during init aborts it, stops what had started, and exits with 143', async () => {
    const host = await startHost({ url: db.url, init: 'waits' });
    await host.heard('plugin.init.started');
    host.send('SIGTERM');
    expect(await host.ended).toBe(143);
    expect(host.said).toContain('plugin.stop.finished');
  });
});

describe('a signal once everything is up', () => {
  it('turns readiness false, drains, then stops, and exits with 0', async () => {
    const host = await startHost({ url: db.url, drain: 'waits' });
    await host.heard('boot.finished');
    expect(await isReady(host)).toBe(true);
    host.send('SIGTERM');
    await host.heard('drain');
    expect(await isReady(host)).toBe(false);
    host.tell('drain');
    expect(await host.ended).toBe(0);
    expect(host.said.slice(host.said.indexOf('boot.finished') + 1)).toEqual([
      'boot.stopping',
      'drain',
      'drained',
      'phase.started',
      'plugin.stop.started',
      'plugin.stop.finished',
      'phase.finished',
      'boot.stopped',
    ]);
  });

  it('exits with 1 when a stop handler fails', async () => {
    const host = await startHost({ url: db.url, stop: 'fails' });
    await host.heard('boot.finished');
    host.send('SIGTERM');
    expect(await host.ended).toBe(1);
  });

  it('exits with 1 when the drain fails, and has stopped everything all the same', async () => {
    const host = await startHost({ url: db.url, drain: 'fails' });
    await host.heard('boot.finished');
    host.send('SIGTERM');
    expect(await host.ended).toBe(1);
    expect(host.said).toContain('plugin.stop.finished');
  });

  it('gives a drain that hangs up after its time, which is no error', async () => {
    const host = await startHost({ url: db.url, drain: 'waits', drainTimeout: 20 });
    await host.heard('boot.finished');
    host.send('SIGTERM');
    expect(await host.ended).toBe(0);
  });

  it('goes on serving for the delay', async () => {
    const host = await startHost({ url: db.url, delay: '1h' });
    await host.heard('boot.finished');
    host.send('SIGTERM');
    await host.heard('boot.stopping');
    expect(await isReady(host)).toBe(false);
    expect(host.said).not.toContain('drain');
    host.send('SIGTERM');
    expect(await host.ended).toBe(0);
  });

  it('during the way down of another reason changes nothing', async () => {
    const host = await startHost({ url: db.url, init: 'fails', stop: 'waits' });
    await host.heard('plugin.stop.started');
    host.send('SIGTERM');
    host.tell('stop');
    expect(await host.ended).toBe(1);
  });
});

describe('another signal', () => {
  it('cuts the drain short, and the next one ends the process', async () => {
    const host = await startHost({ url: db.url, drain: 'waits', stop: 'waits' });
    await host.heard('boot.finished');
    host.send('SIGTERM');
    await host.heard('drain');
    host.send('SIGINT');
    await host.heard('plugin.stop.started');
    host.send('SIGINT');
    expect(await host.ended).toBe('SIGINT');
  });

  it('after the end ends a process that has something else to do', async () => {
    const host = await startHost({ url: db.url, stays: true });
    await host.heard('boot.finished');
    host.send('SIGTERM');
    await host.heard('boot.stopped');
    host.send('SIGTERM');
    expect(await host.ended).toBe('SIGTERM');
  });
});

describe('a boot that fails by itself', () => {
  it('runs the drain, so that its server keeps no process alive', async () => {
    const host = await startHost({ url: db.url, init: 'fails' });
    expect(await host.ended).toBe(1);
    expect(host.said).toContain('drained');
  });
});

describe('gracefulShutdown()', () => {
  it('returns what takes all of it off again', async () => {
    const before = process.listenerCount('SIGTERM');
    const boot = createBoot({ pool: db.pool(), plugins: [] });
    let drains = 0;
    const leave = gracefulShutdown(boot, { drain: () => (drains += 1) });
    expect(process.listenerCount('SIGTERM')).toBe(before + 1);
    leave();
    expect(process.listenerCount('SIGTERM')).toBe(before);
    await boot.start();
    await boot.stop();
    expect(drains).toBe(0);
  });

  it('refuses what is no signal', () => {
    const boot = createBoot({ pool: db.pool(), plugins: [] });
    expect(() => gracefulShutdown(boot, { signals: ['SIGSTART' as 'SIGTERM'] })).toThrow(
      'Expected gracefulShutdown.signals[0] to be',
    );
  });
});
