import { describe, expect, it } from 'vitest';
import { createBackendPlugin } from '../../src/checkstack.ts';
import {
  coreServices,
  definePlugin,
  type AdvisoryLock,
  type BootOptions,
  type OnceResult,
} from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

/** A plugin whose init runs its work once, and the result of that. */
function seeding(id: string, key: string, work: (signal: AbortSignal) => unknown) {
  const result = deferred<OnceResult<unknown>>();
  const plugin = definePlugin({
    id,
    deps: { locks: coreServices.advisoryLock },
    async init({ locks }) {
      result.resolve(await locks.runOnce(key, work, { remember: true }));
    },
  });
  return { plugin, result: result.promise };
}

/** Boots once with such a plugin. */
async function seed(options: Pick<BootOptions, 'pool' | 'migrationPool' | 'pooler'>, key: string) {
  const { plugin, result } = seeding('shop', key, () => 'seeded');
  const { boot } = bootUnderTest({ ...options, plugins: [plugin] });
  await boot.start();
  await boot.stop();
  return result;
}

describe('runOnce() of coreServices.advisoryLock', () => {
  it('runs the work of two plugins of one boot once, with the names of plugin and application', async () => {
    let runs = 0;
    const [a, b] = ['shop', 'billing'].map((id) => seeding(id, 'shared.seed', () => (runs += 1)));
    const { boot } = bootUnderTest({
      pool: db.pool({ max: 1 }),
      hostApp: { name: 'backend', version: '2.0.0' },
      plugins: [a, b].flatMap((one) => (one ? [one.plugin] : [])),
    });
    await boot.start();
    const outcomes = [await a?.result, await b?.result].map((result) => result?.outcome);
    expect([runs, outcomes.filter((outcome) => outcome === 'ran')]).toEqual([1, ['ran']]);
    const { rows } = await db.query(
      'select plugin in ($1, $2) as known, app, app_version from slipway.once where key = $3',
      ['shop', 'billing', 'shared.seed'],
    );
    expect(rows).toEqual([{ known: true, app: 'backend', app_version: '2.0.0' }]);
  });

  it('works in the form of Checkstack, where the locks are a ref', async () => {
    const outcomes: string[] = [];
    const plugin = createBackendPlugin({
      metadata: { pluginId: 'counter' },
      register(env) {
        env.registerInit({
          deps: { locks: coreServices.advisoryLock, pool: coreServices.database },
          async init({ locks, pool }) {
            const count = async () => (await pool.query<{ n: number }>('select 1 as n')).rows[0]?.n;
            const once = await locks.runOnce('counter.seed', count, { remember: true });
            outcomes.push(once.outcome === 'ran' ? `ran: ${once.value}` : once.outcome);
          },
        });
      },
    });
    for (let round = 0; round < 2; round += 1) {
      await bootUnderTest({ pool: db.pool({ max: 1 }), plugins: [plugin] }).boot.start();
    }
    expect(outcomes).toEqual(['ran: 1', 'remembered']);
  });

  it('aborts the signal of the work when its plugin is to stop, and another replica runs it', async () => {
    const began = deferred<AbortSignal>();
    const got = deferred<AdvisoryLock>();
    const plugin = definePlugin({
      id: 'worker',
      deps: { locks: coreServices.advisoryLock },
      init: ({ locks }) => got.resolve(locks),
    });
    const { boot } = bootUnderTest({ pool: db.url, plugins: [plugin] });
    await boot.start();
    const sweeping = (await got.promise)
      .runOnce('worker.sweep', async (signal) => {
        began.resolve(signal);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      })
      .catch(String);
    const signal = await began.promise;
    await boot.stop();
    expect(signal.aborted).toBe(true);
    expect(await sweeping).toBe('Error: stop');
    expect(await seed({ pool: db.url }, 'worker.sweep')).toMatchObject({ outcome: 'ran' });
  });

  it('fails the init of its plugin with the reason when the table cannot be made', async () => {
    const database = await db.fresh();
    const role = database.name;
    await database.query(`create role ${role} login`);
    const url = new URL(database.url);
    url.username = role;
    const { plugin } = seeding('shop', 'shop.seed', () => expect.unreachable('the work ran'));
    const { boot } = bootUnderTest({ pool: url.href, plugins: [plugin] });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({
      code: 'INIT_FAILED',
      plugin: 'shop',
      cause: { code: 'DATABASE_PRIVILEGE' },
    });
    await boot.stop();
    await database.query(`drop role ${role}`);
  });
});

describe.skipIf(!pgbouncer)('runOnce() through PgBouncer', () => {
  it('in transaction mode needs a migrationPool that connects directly', async () => {
    const pool = (await startPgBouncer({ mode: 'transaction' })).through(db.url);
    const { plugin } = seeding('shop', 'pooled', () => expect.unreachable('the work ran'));
    const refused = await failureOf(bootUnderTest({ pool, plugins: [plugin] }).boot.start());
    expect(refused).toMatchObject({ cause: { code: 'POOLER_UNSUPPORTED' } });
    const options = { pool, migrationPool: db.url };
    expect(await seed(options, 'pooled')).toEqual({ outcome: 'ran', value: 'seeded' });
    expect(await seed(options, 'pooled')).toEqual({ outcome: 'remembered' });
  });

  it('in session mode works, and is told so', async () => {
    const pool = (await startPgBouncer({ mode: 'session', size: 8 })).through(db.url);
    const options = { pool, pooler: 'session' } as const;
    expect(await seed(options, 'in-session')).toEqual({ outcome: 'ran', value: 'seeded' });
    expect(await seed(options, 'in-session')).toEqual({ outcome: 'remembered' });
  });
});
