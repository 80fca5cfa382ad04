import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { check, type MachinesUnderProof, type Part } from '../machines/model-check.ts';

/** A mistake somebody could make in the machines, as a change of their text. */
export interface Fault {
  readonly name: string;
  readonly file: string;
  readonly instead: string;
  readonly put: string;
  /** The part whose proof must fail. */
  readonly breaks: Part;
}

export const faults: readonly Fault[] = [
  {
    name: 'goes on after a required plugin was lost',
    file: 'step-run.ts',
    instead: 'run.halt || !isFatal(schedule, losses)',
    put: 'run.halt || isFatal(schedule, losses)',
    breaks: 'migrateAll',
  },
  {
    name: 'does not remember STOP',
    file: 'migrate-all-machine.ts',
    instead: "enqueue.assign({ run: halt(run, 'stop', reason) });",
    put: '',
    breaks: 'migrateAll',
  },
  {
    name: 'does not pass STOP on to the running migrations',
    file: 'migrate-all-machine.ts',
    instead: "sendToTasks(enqueue, 'migrate', run, listLive(run), { type: 'CANCEL', reason });",
    put: '',
    breaks: 'migrateAll',
  },
  {
    name: 'registers plugins though a required one was lost',
    file: 'migrate-all-machine.ts',
    instead: "guard: 'hasSucceeded', target: 'registering'",
    put: "guard: 'isDrained', target: 'registering'",
    breaks: 'migrateAll',
  },
  {
    name: 'goes on to init before the flush is done',
    file: 'migrate-all-machine.ts',
    instead: "target: 'flushing', actions: 'abandonRest'",
    put: "target: 'registering', actions: 'abandonRest'",
    breaks: 'migrateAll',
  },
  {
    name: 'goes on to init though the flush has failed',
    file: 'migrate-all-machine.ts',
    instead: "'output' in event && event.output.status === 'done' && decideOutcome",
    put: 'decideOutcome',
    breaks: 'migrateAll',
  },
  {
    name: 'masks the first failure by that of the flush',
    file: 'migrate-all-machine.ts',
    instead: "if (result.status === 'done' || decideOutcome(run) !== 'done') return run;",
    put: "if (result.status === 'done') return run;",
    breaks: 'migrateAll',
  },
  {
    name: 'does not pass STOP on to the flush',
    file: 'migrate-all-machine.ts',
    instead: "enqueue.sendTo('flush', { type: 'CANCEL', reason: event.reason });",
    put: '',
    breaks: 'migrateAll',
  },
  {
    name: 'does not pass STOP on to the registry',
    file: 'migrate-all-machine.ts',
    instead: "enqueue.sendTo('register', { type: 'CANCEL', reason: event.reason });",
    put: '',
    breaks: 'migrateAll',
  },
  {
    name: 'does not wake the waiting ones after a loss',
    file: 'migrate-all-machine.ts',
    instead:
      "sendToTasks(enqueue, 'wait', change.run, change.run.waiting, { type: 'CANCEL', reason });",
    put: '',
    breaks: 'migrateAll',
  },
  {
    name: 'keeps children that have ended',
    file: 'init-all-machine.ts',
    instead: 'enqueue.stopChild(child);',
    put: '',
    breaks: 'initAll',
  },
  {
    name: 'begins one more than the width',
    file: 'step-run.ts',
    instead: 'run.width - run.live.length',
    put: 'run.width - run.live.length + 1',
    breaks: 'migrateAll',
  },
  {
    name: 'gives a slot to two tasks',
    file: 'step-run.ts',
    instead: 'if (!taken.has(slot)) free.push(slot);',
    put: 'free.push(slot);',
    breaks: 'migrateAll',
  },
  {
    name: 'gives a new slot to every task',
    file: 'step-run.ts',
    instead: 'slots[at] ?? 0',
    put: 'run.width + at + 1',
    breaks: 'initAll',
  },
  {
    name: 'counts a waiting plugin as gone',
    file: 'step-run.ts',
    instead: 'run.live.length === 0 && run.waiting.length === 0',
    put: 'run.live.length === 0',
    breaks: 'migrateAll',
  },
  {
    name: 'begins a plugin before what it needs is done',
    file: 'step-run.ts',
    instead: 'createSchedule(nodes, presets)',
    put: 'createSchedule(nodes.map((node) => ({ ...node, needs: [] })), presets)',
    breaks: 'initAll',
  },
  {
    name: 'begins a plugin before what it comes after has settled',
    file: 'step-run.ts',
    instead: 'createSchedule(nodes, presets)',
    put: 'createSchedule(nodes.map((node) => ({ ...node, after: [] })), presets)',
    breaks: 'initAll',
  },
  {
    name: 'settles everybody twice',
    file: 'apply-change.ts',
    instead: 'of settled)',
    put: 'of [...settled, ...settled])',
    breaks: 'stopAll',
  },
  {
    name: 'forgets those who never had a turn',
    file: 'migrate-all-machine.ts',
    instead: "target: 'flushing', actions: 'abandonRest'",
    put: "target: 'flushing'",
    breaks: 'migrateAll',
  },
  {
    name: 'begins after STOP',
    file: 'step-run.ts',
    instead: 'if (run.halt) return { run, start: [], settled: [] };',
    put: '',
    breaks: 'initAll',
  },
  {
    name: 'calls a canceled phase done',
    file: 'step-run.ts',
    instead: "if (run.halt?.cause === 'stop') return 'canceled';",
    put: "if (run.halt?.cause === 'stop') return 'done';",
    breaks: 'migrateAll',
  },
  {
    name: 'calls the ready hooks while plugins init',
    file: 'init-all-machine.ts',
    instead: "always: { guard: 'isDrained', target: 'readying'",
    put: "always: { target: 'readying'",
    breaks: 'initAll',
  },
  {
    name: 'leaves an init that failed on the way down unstopped',
    file: 'init-all-machine.ts',
    instead: 'change.run.halt === null && cleansUpItself(result)',
    put: 'cleansUpItself(result)',
    breaks: 'initAll',
  },
  {
    name: 'stops in the order of the start',
    file: 'stop-all-machine.ts',
    instead: 'createStepRun(reverseNodes(input.nodes)',
    put: 'createStepRun(input.nodes',
    breaks: 'stopAll',
  },
  {
    name: 'stops what never started',
    file: 'stop-all-machine.ts',
    instead: '!isStarted.has(id)',
    put: 'id === undefined',
    breaks: 'stopAll',
  },
  {
    name: 'inits after migrateAll whatever came of it',
    file: 'launch-machine.ts',
    instead: "{ guard: 'isDone', target: 'initAll' }",
    put: "{ target: 'initAll' }",
    breaks: 'launch',
  },
  {
    name: 'begins the next phase after STOP',
    file: 'launch-machine.ts',
    instead: 'context.reason !== undefined,',
    put: 'context.reason === null,',
    breaks: 'launch',
  },
  {
    name: 'leaves a phase at STOP before it has ended',
    file: 'launch-machine.ts',
    instead: "on: { STOP: { actions: 'stopPhase' } }",
    put: "on: { STOP: { actions: 'stopPhase', target: 'canceled' } }",
    breaks: 'launch',
  },
  {
    name: 'forgets whom to stop when initAll breaks',
    file: 'launch-machine.ts',
    instead: "phase === 'initAll' && {",
    put: "phase === 'sort' && {",
    breaks: 'launch',
  },
  {
    name: 'is ready though it was stopped',
    file: 'boot-machine.ts',
    instead: 'context.reason === null,',
    put: 'true,',
    breaks: 'boot',
  },
  {
    name: 'fails without the way down',
    file: 'boot-machine.ts',
    instead: "{ target: 'stopAll', actions: 'takeLaunch' }",
    put: "{ target: 'failed', actions: 'takeLaunch' }",
    breaks: 'boot',
  },
];

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** Gives `use` a copy of the machines that has this fault. */
export async function withFault<T>(
  fault: Fault,
  use: (machines: MachinesUnderProof) => T,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-fault-'));
  try {
    for (const name of ['src', 'node_modules']) {
      symlinkSync(join(repository, name), join(folder, name));
    }
    cpSync(join(repository, 'machines'), join(folder, 'machines'), { recursive: true });
    const path = join(folder, 'machines', fault.file);
    writeFileSync(path, planted(readFileSync(path, 'utf8'), fault));
    const index = pathToFileURL(join(folder, 'machines', 'index.ts')).href;
    return use((await import(index)) as MachinesUnderProof);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How the proof finds the fault: the broken law, or `null` when it sees nothing. */
export function lawBrokenBy(fault: Fault): Promise<string | null> {
  return withFault(fault, (machines) => {
    try {
      check(machines, fault.breaks);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  });
}

function planted(source: string, { name, file, instead, put }: Fault): string {
  if (source.includes(instead)) return source.replace(instead, put);
  throw new Error(`Cannot plant '${name}': ${file} no longer says ${instead}`);
}
