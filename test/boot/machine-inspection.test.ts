import { describe, expect, it, vi } from 'vitest';
import { createActor, waitFor } from 'xstate';
import { fromTask, provideMachines, type MachineNews, type Tasks } from '../../machines/index.ts';
import { MachineInspection } from '../../src/boot/machine-inspection.ts';
import { deferred } from '../support/deferred.ts';
import { forgiveWarnings } from '../support/no-warnings.ts';
import { collect, replayMachines, write } from '../support/replay-machines.ts';

/** The machines of a boot of two plugins, where one migration waits for `release`. */
function createMachines(tell: (news: MachineNews) => void, release = Promise.resolve()) {
  const done = <T>(result: T) => fromTask(() => Promise.resolve({ status: 'done', ...result }));
  const nodes = ['a', 'b'].map((id) => ({ id, required: true, needs: [], after: [] }));
  const tasks = {
    discover: done({}),
    sort: done({ nodes }),
    survey: done({ upToDate: [] }),
    flush: done({}),
    register: done({}),
    init: done({}),
    ready: done({}),
    stop: done({}),
    migrate: fromTask(async ({ input }: { readonly input: { readonly plugin: string } }) => {
      if (input.plugin === 'b') await release;
      return { status: 'done' };
    }),
  } as unknown as Tasks;
  return createActor(provideMachines(tasks, tell), { input: { migrateWidth: 2, initWidth: 2 } });
}

describe('the inspection of the machines', () => {
  it('ends a machine that broke as error, and the tasks below it when they do', async () => {
    forgiveWarnings();
    const { records, observe } = collect();
    const release = deferred();
    const actor = createMachines((news) => {
      if (news.type === 'plugin.migrate.finished') throw new Error('a defect');
    }, release.promise);
    const inspection = new MachineInspection({ elapsed: () => 0, report: () => {} });
    inspection.add(observe);
    inspection.watch(actor);
    actor.start();
    actor.send({ type: 'START', until: 'ready' });
    await waitFor(actor, ({ status }) => status !== 'active');
    const lines = write(records);
    const from = lines.indexOf('migrate.a ends: done');
    expect(lines.slice(from, from + 3)).toEqual([
      'migrate.a ends: done',
      'migrateAll ends: error',
      'launch: error.migrateAll from migrateAll, migrateAll → failed [leave,end,settleTheRest]',
    ]);
    expect(lines.at(-1)).toBe('boot ends: done');
    expect([...replayMachines(records).alive.values()].map(({ id }) => id)).toEqual(['migrate.b']);
    release.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(write(records).at(-1)).toBe('migrate.b ends: done');
  });

  it('reports an error of its own, and the machines go on', async () => {
    const errors: string[] = [];
    const actor = createMachines(() => {});
    const inspection = new MachineInspection({
      elapsed: () => {
        throw new Error('no clock');
      },
      report: ({ message }) => {
        errors.push(message);
        throw new Error('no log');
      },
    });
    inspection.add(() => {});
    inspection.watch(actor);
    actor.start();
    actor.send({ type: 'START', until: 'ready' });
    await waitFor(actor, ({ value }) => value === 'ready');
    expect(new Set(errors)).toEqual(new Set(['no clock']));
  });

  it('costs nothing while there is no observer: XState is asked to report only for one', () => {
    const actor = createMachines(() => {});
    const unsubscribe = vi.fn();
    const inspect = vi.spyOn(actor.system, 'inspect').mockReturnValue({ unsubscribe });
    const inspection = new MachineInspection({ elapsed: () => 0, report: () => {} });
    inspection.watch(actor);
    actor.start();
    expect(inspect).not.toHaveBeenCalled();
    const leave = [inspection.add(() => {}), inspection.add(() => {})];
    expect(inspect).toHaveBeenCalledTimes(1);
    expect(unsubscribe).not.toHaveBeenCalled();
    for (const each of leave) each();
    expect(unsubscribe).toHaveBeenCalledTimes(1);
  });
});
