import { describe, expect, it } from 'vitest';
import { definePlugin, type MachineRecord } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { collect, replayMachines, write } from '../support/replay-machines.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const auth = definePlugin({ id: 'auth', init: () => {} });

/** A plugin whose `init` waits for the test. */
function held(id: string) {
  const begun = deferred();
  const gate = deferred();
  const plugin = definePlugin({
    id,
    async init({ signal }) {
      begun.resolve();
      signal.addEventListener('abort', () => gate.resolve());
      await gate.promise;
      signal.throwIfAborted();
    },
  });
  return { plugin, begun: begun.promise, release: () => gate.resolve() };
}

describe('boot.inspect()', () => {
  it('records what begins and ends, and each transition with its event, its sender and its actions', async () => {
    const { records, observe } = collect();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    boot.inspect(observe);
    await boot.start();
    await boot.stop();
    expect(write(records)).toEqual([
      'boot begins: idle',
      'boot: START, idle → launching [takeStart]',
      'launch begins: discover',
      'discover begins',
      'discover ends: done',
      'launch: done.discover from discover, discover → sort [leave,enter,tellPhase]',
      'sort begins',
      'sort ends: done',
      'launch: done.sort from sort, sort → migrateAll [leave,enter,tellPhase]',
      'migrateAll begins: surveying',
      'survey begins',
      'survey ends: done',
      'migrateAll: done.survey from survey, surveying → migrating [takeSurvey,start]',
      'migrateAll: always, migrating → flushing [abandonRest]',
      'flush begins',
      'flush ends: done',
      'migrateAll: done.flush from flush, flushing → registering []',
      'register begins',
      'register ends: done',
      'migrateAll: done.register from register, registering → settled []',
      'migrateAll ends: done',
      'launch: done.migrateAll from migrateAll, migrateAll → initAll [leave,enter,tellPhase]',
      'initAll begins: initializing',
      'init.auth begins',
      'init.auth ends: done',
      'initAll: done.init.auth from init.auth, initializing → initializing [takeInit]',
      'initAll: always, initializing → readying [abandonInits,startReady]',
      'ready.auth begins',
      'ready.auth ends: done',
      'initAll: done.ready.auth from ready.auth, readying → readying [takeReady]',
      'initAll: always, readying → settled [abandonReadies]',
      'initAll ends: done',
      'launch: done.initAll from initAll, initAll → launched [leave,end,settleTheRest]',
      'launch ends: done',
      'boot: done.launch from launch, launching → ready [takeLaunch]',
      'changes begins: serving',
      'boot: CLOSE, ready → ready [passOn]',
      'changes: CLOSE from boot, serving → serving [cancelQueue]',
      'boot: STOP, ready → ready [keepReason,passOn]',
      'changes: STOP from boot, serving → serving [keepReason]',
      'changes: always, serving → settled [cancelQueue]',
      'changes ends: done',
      'boot: done.changes from changes, ready → stopAll [takeChanges,tell]',
      'stopAll begins: stopping',
      'stop.auth begins',
      'stop.auth ends: done',
      'stopAll: done.stop.auth from stop.auth, stopping → stopping [settle]',
      'stopAll: always, stopping → settled [abandonRest]',
      'stopAll ends: done',
      'boot: done.stopAll from stopAll, stopAll → stopped [takeStops]',
      'boot ends: done',
    ]);
    const times = records.map(({ elapsedMs }) => elapsedMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('records a machine that ends before it has begun anything with all of its transitions', async () => {
    const { records, observe } = collect();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [] });
    boot.inspect(observe);
    await boot.start();
    await boot.stop();
    const lines = write(records).filter((line) => /^(?:initAll|stopAll)\b/.test(line));
    expect(lines).toEqual([
      'initAll begins: initializing',
      'initAll: always, initializing → readying [abandonInits,startReady]',
      'initAll: always, readying → settled [abandonReadies]',
      'initAll ends: done',
      'stopAll begins: stopping',
      'stopAll: always, stopping → settled [abandonRest]',
      'stopAll ends: done',
    ]);
    expect(replayMachines(records).alive).toEqual(new Map());
  });

  it('agrees with describeMachines() to the end, also of a boot that fails or that is stopped in the middle', async () => {
    const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' });
    const broken = definePlugin({
      id: 'broken',
      after: ['auth'],
      init: () => Promise.reject(new Error('no')),
    });
    const { plugin, begun } = held('held');
    const failing = bootUnderTest({
      pool: (await db.fresh()).url,
      plugins: [auth, broken, { id: 'data', migrations }],
    }).boot;
    const failed = collect();
    failing.inspect(failed.observe);
    await failureOf(failing.start());
    await failing.stop();
    const failure = replayMachines(failed.records);
    expect(failure.alive).toEqual(new Map());
    expect(failure.states).toEqual({
      boot: 'failed',
      launch: 'failed',
      migrateAll: 'settled',
      initAll: 'settled',
      stopAll: 'settled',
    });

    const stopping = bootUnderTest({ pool: db.url, plugins: [auth, plugin] }).boot;
    const stopped = collect();
    stopping.inspect(stopped.observe);
    const start = failureOf(stopping.start());
    await begun;
    await stopping.stop();
    await start;
    const stop = replayMachines(stopped.records);
    expect(stop.alive).toEqual(new Map());
    expect(stop.states).toMatchObject({ boot: 'stopped', launch: 'canceled' });
    expect(write(stopped.records)).toEqual(
      expect.arrayContaining([
        'boot: STOP, launching → launching [keepReason,stopLaunch]',
        'launch: STOP from boot, initAll → initAll [stopPhase]',
        'initAll: STOP from launch, initializing → initializing [cancelInits]',
      ]),
    );
  });

  it('gives a late observer the actors that are alive with their states, then what follows', async () => {
    const { plugin, begun, release } = held('held');
    const early = collect();
    const late = collect();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [plugin] });
    const ready = boot.start();
    await begun;
    boot.inspect(late.observe);
    const present = [
      'boot begins: launching',
      'launch begins: initAll',
      'initAll begins: initializing',
      'init.held begins',
    ];
    expect(write(late.records)).toEqual(present);
    boot.inspect(early.observe);
    expect(write(early.records)).toEqual(present);
    release();
    await ready;
    await boot.stop();
    expect(late.records.slice(4)).toEqual(early.records.slice(4));
    const { alive, states } = replayMachines(late.records);
    expect(alive).toEqual(new Map());
    expect(states).toMatchObject({ boot: 'stopped', launch: 'launched', initAll: 'settled' });
  });

  it.each([
    'phase.started',
    'phase.finished',
    'plugin.migrate.finished',
    'plugin.init.finished',
    'plugin.ready.finished',
    'plugin.stop.finished',
  ] as const)(
    'knows every actor and its last state when the observer comes at %s',
    async (name) => {
      // Its init settles when initAll begins, before XState has started the first task.
      const run = (): Promise<void> => Promise.reject(new Error('no'));
      const lost = { id: 'lost', required: false, migrations: [{ name: 'one', run }] };
      const { boot } = bootUnderTest({ pool: db.url, plugins: [auth, { id: 'catalog' }, lost] });
      const observers: (readonly MachineRecord[])[] = [];
      boot.on(name, () => {
        const { records, observe } = collect();
        observers.push(records);
        const leave = boot.inspect(observe);
        boot.once('boot.stopped', leave);
      });
      const whole = collect();
      // The first late observer is the first one that wants tasks.
      boot.once('boot.started', () => boot.inspect(whole.observe, { tasks: false }));
      await boot.start();
      await boot.stop();
      expect(observers.length).toBeGreaterThan(0);
      const { states } = replayMachines(whole.records);
      for (const records of observers) {
        const late = replayMachines(records);
        expect(late.alive).toEqual(new Map());
        expect(states).toMatchObject(late.states);
      }
    },
  );

  it('without tasks records the machines, each transition to another state, and no task', async () => {
    const { records, observe } = collect();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    boot.inspect(observe, { tasks: false });
    await boot.start();
    await boot.stop();
    expect(write(records)).toEqual([
      'boot begins: idle',
      'boot: START, idle → launching [takeStart]',
      'launch begins: discover',
      'launch: done.discover, discover → sort [leave,enter,tellPhase]',
      'launch: done.sort, sort → migrateAll [leave,enter,tellPhase]',
      'migrateAll begins: surveying',
      'migrateAll: done.survey, surveying → migrating [takeSurvey,start]',
      'migrateAll: always, migrating → flushing [abandonRest]',
      'migrateAll: done.flush, flushing → registering []',
      'migrateAll: done.register, registering → settled []',
      'migrateAll ends: done',
      'launch: done.migrateAll from migrateAll, migrateAll → initAll [leave,enter,tellPhase]',
      'initAll begins: initializing',
      'initAll: always, initializing → readying [abandonInits,startReady]',
      'initAll: always, readying → settled [abandonReadies]',
      'initAll ends: done',
      'launch: done.initAll from initAll, initAll → launched [leave,end,settleTheRest]',
      'launch ends: done',
      'boot: done.launch from launch, launching → ready [takeLaunch]',
      'changes begins: serving',
      'boot: CLOSE, ready → ready [passOn]',
      'changes: CLOSE from boot, serving → serving [cancelQueue]',
      'boot: STOP, ready → ready [keepReason,passOn]',
      'changes: STOP from boot, serving → serving [keepReason]',
      'changes: always, serving → settled [cancelQueue]',
      'changes ends: done',
      'boot: done.changes from changes, ready → stopAll [takeChanges,tell]',
      'stopAll begins: stopping',
      'stopAll: always, stopping → settled [abandonRest]',
      'stopAll ends: done',
      'boot: done.stopAll from stopAll, stopAll → stopped [takeStops]',
      'boot ends: done',
    ]);
  });

  it('records the same without tasks while another observer has them', async () => {
    const { plugin, begun, release } = held('held');
    const [machines, first, second, last] = [collect(), collect(), collect(), collect()];
    const { boot } = bootUnderTest({ pool: db.url, plugins: [plugin] });
    boot.inspect(machines.observe, { tasks: false });
    const ready = boot.start();
    await begun;
    const leave = boot.inspect(first.observe);
    expect(write(first.records).at(-1)).toBe('init.held begins');
    leave();
    boot.inspect(second.observe);
    expect(second.records.map(({ ref }) => ref)).toEqual(first.records.map(({ ref }) => ref));
    boot.inspect(last.observe, { tasks: false });
    release();
    await ready;
    await boot.stop();
    expect(replayMachines(second.records).alive).toEqual(new Map());
    expect(write(second.records)).toContain('stop.held begins');
    expect(write(last.records).slice(0, 4)).toEqual([
      'boot begins: launching',
      'launch begins: initAll',
      'initAll begins: initializing',
      'initAll: always, initializing → readying [abandonInits,startReady]',
    ]);
    expect(last.records.slice(3)).toEqual(machines.records.slice(3 - last.records.length));
  });

  it('calls an observer that was removed no more, and each of the others as before', async () => {
    const [first, second, third] = [collect(), collect(), collect()];
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    const leave = boot.inspect((record) => {
      first.observe(record);
      if (record.type !== 'machine.actor' || record.id !== 'sort') return;
      leave();
      leaveSecond();
    });
    const leaveSecond = boot.inspect(second.observe);
    boot.inspect(third.observe);
    await boot.start();
    leave();
    expect(write(first.records).at(-1)).toBe('sort begins');
    expect(second.records).toEqual(first.records.slice(0, -1));
    expect(write(third.records).at(-1)).toBe('changes begins: serving');
  });

  it('records nothing for a boot that is not running', async () => {
    const { records, observe } = collect();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    boot.inspect(observe)();
    await boot.start();
    await boot.stop();
    boot.inspect(observe);
    expect(records).toEqual([]);
  });
});
