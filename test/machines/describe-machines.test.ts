import { describe, expect, it } from 'vitest';
import * as machines from '../../machines/index.ts';
import { stubs } from '../../machines/tasks.ts';
import type { MachineRecord } from '../../src/index.ts';
import { MachineInspection } from '../../src/boot/machine-inspection.ts';
import { replayMachines } from '../support/replay-machines.ts';
import { optional, plugin, Stage } from './stage.ts';

const described = machines.describeMachines();

describe('describeMachines()', () => {
  it('is plain JSON, and the same at every call', () => {
    const text = JSON.stringify(described);
    expect(JSON.parse(text)).toEqual(described);
    expect(JSON.stringify(machines.describeMachines())).toBe(text);
    // It is in the header of each recording.
    expect(text.length).toBeLessThan(8_000);
  });

  it('names states, events, guards and actions as the statecharts do', () => {
    expect(described.map(({ id, initial }) => `${id}: ${initial}`)).toEqual([
      'boot: idle',
      'launch: discover',
      'migrateAll: surveying',
      'initAll: initializing',
      'changes: serving',
      'stopAll: stopping',
    ]);
    const migrateAll = described.find(({ id }) => id === 'migrateAll');
    expect(migrateAll).toEqual({
      id: 'migrateAll',
      initial: 'surveying',
      states: [
        {
          name: 'surveying',
          invokes: [{ id: 'survey', src: 'survey' }],
          transitions: [
            { event: 'STOP', actions: ['cancelSurvey'] },
            { event: 'done.survey', target: 'migrating', actions: ['takeSurvey'] },
            { event: 'error.survey', target: 'migrating', actions: ['takeSurvey'] },
          ],
        },
        {
          name: 'migrating',
          entry: ['start'],
          transitions: [
            { event: 'done.migrate.*', actions: ['takeMigration'] },
            { event: 'error.migrate.*', actions: ['takeMigration'] },
            { event: 'done.wait.*', actions: ['takeWait'] },
            { event: 'error.wait.*', actions: ['takeWait'] },
            { event: 'STOP', actions: ['cancelAll'] },
            { event: 'always', target: 'flushing', guard: 'isDrained', actions: ['abandonRest'] },
          ],
        },
        {
          name: 'flushing',
          invokes: [{ id: 'flush', src: 'flush' }],
          transitions: [
            { event: 'STOP', actions: ['cancelFlush'] },
            { event: 'done.flush', target: 'registering', guard: 'hasSucceeded' },
            { event: 'done.flush', target: 'settled', actions: ['takeFlush'] },
            { event: 'error.flush', target: 'settled', actions: ['takeFlush'] },
          ],
        },
        {
          name: 'registering',
          invokes: [{ id: 'register', src: 'register' }],
          transitions: [
            { event: 'STOP', actions: ['cancelRegister'] },
            { event: 'done.register', target: 'settled' },
            { event: 'error.register', target: 'settled' },
          ],
        },
        { name: 'settled', isFinal: true },
      ],
      spawns: ['migrate', 'wait'],
    });
    const launch = described.find(({ id }) => id === 'launch');
    expect(
      launch?.states
        .flatMap(({ transitions = [] }) => transitions)
        .find(({ target }) => target === 'migrated')?.guard,
    ).toBe('isDone and isFarEnough');
  });

  it('knows every machine and every task, and each transition leads to a state', () => {
    const states = described.flatMap((machine) => machine.states);
    const begun = [
      ...states.flatMap(({ invokes = [] }) => invokes.map(({ src }) => src)),
      ...described.flatMap(({ spawns = [] }) => spawns),
    ];
    const ids = described.map(({ id }) => id).filter((id) => id !== 'boot');
    expect([...new Set(begun)].toSorted()).toEqual([...Object.keys(stubs), ...ids].toSorted());
    for (const machine of described) {
      const names = machine.states.map(({ name }) => name);
      const targets = machine.states
        .flatMap(({ transitions = [] }) => transitions)
        .flatMap(({ target }) => target ?? []);
      expect(names).toContain(machine.initial);
      for (const target of targets) expect(names).toContain(target);
    }
  });
});

/** Collects the records of a staged boot. */
function inspect(stage: Stage): readonly MachineRecord[] {
  const records: MachineRecord[] = [];
  const inspection = new MachineInspection({
    elapsed: () => 0,
    report: (error) => void fail(error),
  });
  inspection.watch(stage.boot);
  inspection.add((record) => void records.push(record));
  return records;
}

function fail(error: Error): never {
  throw error;
}

describe('the machines as described', () => {
  it('begin every task that is described in some boot, each in the machine that it belongs to', async () => {
    const results = ['locked', 'done'];
    const stage = new Stage([plugin('a'), optional(plugin('b'))], (child) => ({
      status: child === 'migrate.a' ? (results.shift() ?? 'done') : 'done',
    }));
    const records = inspect(stage);
    stage.start();
    await stage.reaches('ready');
    stage.stop();
    await stage.output();
    const { began, alive, states } = replayMachines(records);
    expect(alive).toEqual(new Map());
    expect(states).toMatchObject({ boot: 'stopped', launch: 'launched' });
    const all = [...described.map(({ id }) => id), ...Object.keys(stubs)];
    expect([...began].toSorted()).toEqual(all.toSorted());
  });

  it('take a task that rejects, and a STOP, by transitions that are described', async () => {
    const stage = new Stage([plugin('a'), plugin('b')], (child) =>
      child === 'init.a' ? undefined : { status: 'done' },
    );
    const records = inspect(stage);
    stage.start();
    await stage.begun('init.a');
    stage.stop();
    await stage.defect('init.a');
    await stage.output();
    expect(replayMachines(records)).toMatchObject({
      alive: new Map(),
      states: { boot: 'stopped', launch: 'canceled', initAll: 'settled' },
    });
    expect(records).toContainEqual(expect.objectContaining({ event: 'error.init.a' }));
    expect(records).toContainEqual(expect.objectContaining({ status: 'error' }));
  });
});
