import { describe, expect, it } from 'vitest';
import { definePlugin, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const plugin = (did: string[]): Plugin =>
  definePlugin({ id: 'a', init: ({ onStop }) => onStop(() => void did.push('stopped')) });

describe('beforeStop()', () => {
  it('runs once, side by side, after boot.stopping and before anything is stopped', async () => {
    const did: string[] = [];
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [plugin(did)] });
    boot.on('boot.stopping', () => did.push('stopping'));
    const both = [deferred(), deferred()] as const;
    for (const own of both) {
      boot.beforeStop(async () => {
        own.resolve();
        await Promise.all(both.map(({ promise }) => promise));
        did.push('drained');
      });
    }
    await boot.start();
    await Promise.all([boot.stop(), boot.stop()]);
    expect(did).toEqual(['stopping', 'drained', 'drained', 'stopped']);
  });

  it('has its errors in boot.stopped, and everything is stopped all the same', async () => {
    const did: string[] = [];
    const { boot, recording } = bootUnderTest({ pool: db.pool(), plugins: [plugin(did)] });
    boot.beforeStop(() => {
      throw new Error('cannot drain');
    });
    await boot.start();
    await boot.stop();
    expect(did).toEqual(['stopped']);
    const [stopped] = recording.of('boot.stopped');
    expect(stopped?.errors.map(({ message }) => message)).toEqual(['cannot drain']);
  });

  it('is given up when stop.total is over, and told so by its signal', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [], stop: { total: 20 } });
    const signals: AbortSignal[] = [];
    boot.beforeStop((cut) => {
      signals.push(cut);
      return new Promise(() => {});
    });
    await boot.start();
    await boot.stop();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('also runs when the boot fails, or was never started', async () => {
    let drains = 0;
    const failing = bootUnderTest({
      pool: db.pool(),
      plugins: [{ id: 'a', init: () => Promise.reject(new Error('no')) }],
    });
    failing.boot.beforeStop(() => (drains += 1));
    await failureOf(failing.boot.start());
    expect(drains).toBe(1);

    const idle = bootUnderTest({ pool: db.pool(), plugins: [] });
    idle.boot.beforeStop(() => (drains += 1));
    await idle.boot.stop();
    expect(drains).toBe(2);
  });

  it('is taken off by what it returned', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    let drains = 0;
    boot.beforeStop(() => (drains += 1))();
    await boot.start();
    await boot.stop();
    expect(drains).toBe(0);
  });
});
