import { expect, it } from 'vitest';
import { BootError, migrateFleet, type MigrationFunction } from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { deferred } from '../support/deferred.ts';
import { useDatabase } from '../support/database.ts';
import {
  bootWith,
  counting,
  countRuns,
  expectCountedOnce,
  failIn,
  makeDatabases,
  outcomesOf,
  runFleet,
  toTargets,
} from './fleet-fixture.ts';

const db = useDatabase();

it('is migrated, and a second run passes over what is up to date', async () => {
  const tenants = await makeDatabases(db, 6);
  const options = { targets: toTargets(tenants), boot: bootWith(counting) };
  const { report } = await runFleet(options);
  expect(report).toMatchObject({ outcome: 'done', listed: 6, counts: { done: 6 }, failures: [] });
  expect(report.databases[3]).toMatchObject({
    name: 'd3',
    outcome: 'done',
    applied: [
      { plugin: 'shop', file: '0000_counter' },
      { plugin: 'shop', file: '0001_count' },
    ],
  });
  const again = await migrateFleet(options);
  expect(again).toMatchObject({ outcome: 'done', counts: { upToDate: 6, done: 0 } });
  await expectCountedOnce(tenants);
});

it('migrates its canaries one after the other, and no other database beside them', async () => {
  const [first, ...others] = await makeDatabases(db, 6);
  const targets = toTargets([first!, ...others].map((each, at) => ({ ...each, canary: at === 4 })));
  const { events, report } = await runFleet({ targets, boot: bootWith(counting), canary: 2 });
  expect(report.databases.filter(({ canary }) => canary).map(({ name }) => name)).toEqual([
    'd0',
    'd1',
    'd4',
  ]);
  const order = events.flatMap((event) => {
    if (event.type === 'database.started') return [`+${event.database}`];
    return event.type === 'database.finished' ? [`-${event.database.name}`] : [];
  });
  expect(order.slice(0, 6)).toEqual(['+d0', '-d0', '+d1', '-d1', '+d4', '-d4']);
  expect(order).toHaveLength(12);
});

it('begins nothing else when a canary fails, also with keepGoing', async () => {
  const tenants = await makeDatabases(db, 4);
  const { events, report } = await runFleet({
    targets: [{ name: 'down', url: 'postgres://127.0.0.1:1/down' }, ...toTargets(tenants)],
    boot: bootWith(counting),
    canary: 1,
    keepGoing: true,
  });
  expect(report).toMatchObject({ outcome: 'failed', counts: { failed: 1, notReached: 4 } });
  expect(report.failures).toMatchObject([{ code: 'DATABASE_UNREACHABLE', databases: ['down'] }]);
  expect(events.filter(({ type }) => type === 'database.started')).toHaveLength(1);
  expect(events.find(({ type }) => type === 'fleet.stopping')).toMatchObject({
    because: 'the canary down failed: DATABASE_UNREACHABLE',
  });
});

it('finishes what runs after a failure, begins nothing more, and goes on there the next time', async () => {
  const tenants = await makeDatabases(db, 8);
  const targets = toTargets(tenants);
  const inside = [deferred(), deferred(), deferred()];
  const stopping = deferred();
  let reached = 0;
  const waiting: MigrationFunction = {
    name: '0001_count',
    run: async (client) => {
      // Three are inside before the first one fails.
      const place = reached++;
      inside[place]?.resolve();
      await Promise.all(inside.map(({ promise }) => promise));
      if (place === 1) throw new Error(`no room in d${place}`);
      // The others go on once the failure is known.
      await stopping.promise;
      return client.query('UPDATE counter SET n = n + 1');
    },
  };
  const report = await migrateFleet({
    targets,
    boot: bootWith([counting[0]!, waiting]),
    concurrency: 3,
    onEvent: ({ type }) => {
      if (type === 'fleet.stopping') stopping.resolve();
    },
  });
  expect(report.outcome).toBe('failed');
  expect(report.counts).toMatchObject({ done: 2, failed: 1, notReached: 5, canceled: 0 });
  expect(report.failures).toMatchObject([
    { code: 'MIGRATION_FAILED', plugin: 'shop', file: '0001_count' },
  ]);
  // The file that did commit is in the report of the failed one.
  expect(report.databases.find(({ outcome }) => outcome === 'failed')?.applied).toEqual([
    { plugin: 'shop', file: '0000_counter' },
  ]);
  const next = await migrateFleet({ targets, boot: bootWith(counting) });
  expect(next).toMatchObject({ outcome: 'done', counts: { upToDate: 2, done: 6 } });
  await expectCountedOnce(tenants);
});

it('groups failures by code, plugin and file, whatever the message says', async () => {
  const tenants = await makeDatabases(db, 4);
  const inside = tenants.map(() => deferred());
  const { report } = await runFleet({
    targets: toTargets(tenants),
    boot: ({ name }) => {
      const meet: MigrationFunction = {
        name: name === 'd2' ? '0001_other' : '0001_count',
        run: async () => {
          inside[Number(name.slice(1))]?.resolve();
          await Promise.all(inside.map(({ promise }) => promise));
          throw new Error(`the disk of ${name} is full`);
        },
      };
      return { plugins: [{ id: 'shop', migrations: [meet] }] };
    },
  });
  expect(report.counts).toMatchObject({ failed: 4 });
  const kinds = report.failures.map(({ file = '', databases }) =>
    [file, ...databases.toSorted()].join(' '),
  );
  expect(kinds.toSorted()).toEqual(['0001_count d0 d1 d3', '0001_other d2']);
});

it('counts the failure of a plugin that is not required as one of its database', async () => {
  const tenants = await makeDatabases(db, 2);
  const extra = { id: 'extra', required: false, migrations: [failIn('0000_extra')] };
  const { report } = await runFleet({
    targets: toTargets(tenants),
    boot: () => ({ plugins: [{ id: 'shop', migrations: counting }, extra] }),
    concurrency: 1,
  });
  expect(outcomesOf(report)).toEqual(['d0 failed', 'd1 notReached']);
  expect(await countRuns(tenants[0]!.database)).toBe(1);
});

it('goes on past databases that cannot be reached with keepGoing, and stops without', async () => {
  const tenants = await makeDatabases(db, 3);
  const [first, ...others] = toTargets(tenants);
  const targets = [
    first!,
    { name: 'down', url: 'postgres://127.0.0.1:1/down' },
    { name: 'missing', url: new URL('/no_such_database', first!.url).href },
    ...others,
  ];
  const boot = () => ({
    plugins: [{ id: 'shop', migrations: counting }],
    connect: { wait: '100ms' as const },
  });
  const stopped = await migrateFleet({ targets, boot, concurrency: 1 });
  expect(outcomesOf(stopped)).toEqual([
    'd0 done',
    'down failed',
    'missing notReached',
    'd1 notReached',
    'd2 notReached',
  ]);
  const { report } = await runFleet({ targets, boot, concurrency: 1, keepGoing: true });
  expect(outcomesOf(report)).toEqual([
    'd0 upToDate',
    'down failed',
    'missing failed',
    'd1 done',
    'd2 done',
  ]);
  expect(report.outcome).toBe('failed');
  const broken = await migrateFleet({
    targets,
    boot: bootWith([...counting, failIn('0002_broken')]),
    concurrency: 1,
    keepGoing: true,
  });
  // What is about the files stops the run all the same.
  expect(broken.counts).toMatchObject({ failed: 1, notReached: 4 });
});

it('stops for a file that fails, also when the lock of another plugin was held in the same database', async () => {
  const tenants = await makeDatabases(db, 2);
  const pool = tenants[0]!.database.pool();
  const holder = await pool.connect();
  await holder.query(`SELECT pg_advisory_lock(${migrationLockKey('plugin_shop')})`);
  const report = await migrateFleet({
    targets: toTargets(tenants),
    concurrency: 1,
    keepGoing: true,
    boot: () => ({
      plugins: [
        { id: 'shop', migrations: counting },
        { id: 'extra', required: false, migrations: [failIn('0000_extra')] },
      ],
      migrations: { lockWait: '100ms' },
    }),
  });
  holder.release(true);
  expect(report.counts).toMatchObject({ failed: 1, notReached: 1 });
  expect(report.failures).toMatchObject([{ code: 'MIGRATION_FAILED', plugin: 'extra' }]);
});

it('reports a failure that comes together with its signal', async () => {
  const tenants = await makeDatabases(db, 2);
  const controller = new AbortController();
  const report = await migrateFleet({
    targets: toTargets(tenants),
    concurrency: 1,
    signal: controller.signal,
    boot: () => {
      controller.abort();
      throw new Error('no options');
    },
  });
  expect(outcomesOf(report)).toEqual(['d0 failed', 'd1 notReached']);
  expect(report.failures).toMatchObject([{ message: 'no options' }]);
});

it('stops in good order at its signal: what runs is rolled back, and nothing more begins', async () => {
  const tenants = await makeDatabases(db, 5);
  const targets = toTargets(tenants);
  const controller = new AbortController();
  const hanging: MigrationFunction = {
    name: '0001_count',
    run: async (client) => {
      await client.query('UPDATE counter SET n = n + 1');
      controller.abort();
      await client.query('SELECT pg_sleep(600)');
    },
  };
  const { events, report } = await runFleet({
    targets,
    boot: bootWith([counting[0]!, hanging]),
    concurrency: 1,
    signal: controller.signal,
  });
  expect(report.outcome).toBe('canceled');
  expect(outcomesOf(report)[0]).toBe('d0 canceled');
  expect(report.counts).toMatchObject({ canceled: 1, notReached: 4 });
  expect(events.at(-1)?.type).toBe('fleet.finished');
  expect(await countRuns(tenants[0]!.database)).toBe(0);
  const next = await migrateFleet({ targets, boot: bootWith(counting) });
  expect(next.outcome).toBe('done');
  await expectCountedOnce(tenants);
});

it('does nothing when its signal was aborted before', async () => {
  const [tenant] = await makeDatabases(db, 1);
  const report = await migrateFleet({
    targets: toTargets([tenant!]),
    boot: bootWith(counting),
    signal: AbortSignal.abort(),
  });
  expect(report).toMatchObject({ outcome: 'canceled', counts: { notReached: 1 } });
  expect(await countRuns(tenant!.database)).toBe(-1);
});

it('reports what boot() throws and returns wrong as the failure of its database', async () => {
  const [tenant] = await makeDatabases(db, 1);
  const targets = toTargets([tenant!]);
  const thrown = await migrateFleet({
    targets,
    boot: () => Promise.reject(new TypeError('no plugins today')),
  });
  expect(thrown.failures).toMatchObject([{ message: 'no plugins today', databases: ['d0'] }]);
  expect(thrown.failures[0]).not.toHaveProperty('code');
  for (const wrong of [undefined, 'all', { plugins: 7 }, { pool: tenant!.database.url }]) {
    const report = await migrateFleet({ targets, boot: () => wrong as never });
    expect(report.failures, JSON.stringify(wrong)).toMatchObject([{ code: 'OPTIONS_INVALID' }]);
  }
});

it('leaves a pool of the caller open, and goes on without a listener that fails', async () => {
  const [tenant] = await makeDatabases(db, 1);
  const pool = tenant!.database.pool({ max: 2 });
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const report = await migrateFleet({
    targets: [{ name: 'd0', pool }],
    boot: bootWith(counting),
    onEvent: () => {
      throw new BootError('LOCK_LOST', 'a listener that fails');
    },
  });
  expect(report.outcome).toBe('done');
  expect((await warned).message).toBe('onEvent of migrateFleet() failed: a listener that fails');
  expect((await pool.query('SELECT n FROM plugin_shop.counter')).rows).toEqual([{ n: 1 }]);
});
