import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { coreServices, definePlugin, type AdvisoryLock } from '../../src/index.ts';
import { createBackendPlugin } from '../../src/checkstack.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** A boot whose one plugin hands out its locks. */
async function startReplica(): Promise<{ readonly locks: AdvisoryLock; stop(): Promise<unknown> }> {
  const got = deferred<AdvisoryLock>();
  const worker = definePlugin({
    id: 'worker',
    deps: { advisoryLock: coreServices.advisoryLock },
    init: ({ advisoryLock }) => got.resolve(advisoryLock),
  });
  const { boot } = bootUnderTest({ pool: db.pool({ max: 1 }), plugins: [worker] });
  await boot.start();
  return { locks: await got.promise, stop: () => boot.stop() };
}

describe('coreServices.advisoryLock', () => {
  it('excludes the plugins of two replicas, and passes on when one stops', async () => {
    const [a, b] = [await startReplica(), await startReplica()];
    const held = await a.locks.tryLock('worker.leader');
    expect(await b.locks.tryLock('worker.leader')).toBeUndefined();
    const next = b.locks.withLock('worker.leader', () => 'leads now');
    await a.stop();
    expect(await next).toBe('leads now');
    expect(held?.signal.aborted).toBe(true);
  });

  it('waits no longer than its plugin lives', async () => {
    const [a, b] = [await startReplica(), await startReplica()];
    const held = await a.locks.tryLock('worker.leader');
    const waiting = b.locks.withLock('worker.leader', () => 'never').catch(String);
    await b.stop();
    expect(await waiting).toBe('Error: stop');
    await held?.release();
  });

  it('lets a required pool of one client do the work that the lock guards', async () => {
    const plugin = createBackendPlugin({
      metadata: { pluginId: 'counter' },
      register(env) {
        env.registerInit({
          deps: { locks: coreServices.advisoryLock, pool: coreServices.database },
          init: ({ locks, pool }) =>
            locks.withLock('counter.init', async () => {
              const { rows } = await pool.query<{ n: number }>('select 1 as n');
              expect(rows).toEqual([{ n: 1 }]);
            }),
        });
      },
    });
    await bootUnderTest({ pool: db.pool({ max: 1 }), plugins: [plugin] }).boot.start();
  });
});

describe('a plugin with many locks at once', () => {
  it('hears no warning, neither of a leak of listeners nor of pg', async () => {
    const warnings: string[] = [];
    const hear = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', hear);
    const replica = await startReplica();
    const { locks } = replica;
    const keys = Array.from({ length: 40 }, (_, index) => `worker.${index}`);
    const held = await Promise.all(keys.map((key) => locks.tryLock(key)));
    await Promise.all(held.map(async (lock) => lock?.release()));
    await Promise.all(keys.map((key) => locks.withLock(key, () => db.query('select 1'))));
    await Promise.all(keys.map((key) => locks.tryLock(key)));
    await replica.stop();
    // Node.js tells a warning a moment after its cause.
    await setImmediate();
    process.off('warning', hear);
    expect(warnings).toEqual([]);
  });
});
