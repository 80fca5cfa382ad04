import type { AnyEventObject } from 'xstate';
import type * as Machines from '../../machines/index.ts';
import type { Edge, Model } from './explore.ts';
import { begunIn, inputIn, law, toldIn } from './phase-laws.ts';

/** What an observer of a boot remembers. */
export interface BootMemory {
  readonly begun: readonly string[];
  readonly alive: string | null;
  readonly isStarted: boolean;
  /** Before the way down; after that it says nothing new. */
  readonly stopSent: boolean;
  /** How the launch ended; `defect` when its machine broke. */
  readonly launch: string | null;
  readonly isDefect: boolean;
  readonly told: readonly string[];
}

const nodes = [{ id: 'a', required: true, needs: [], after: [] }];
const launchOutcomes = ['launched', 'migrated', 'failed', 'canceled'] as const;

/** The boot machine alone: its launch and its way down end in every way they can. */
export function bootModel({
  bootMachine,
}: Pick<typeof Machines, 'bootMachine'>): Model<BootMemory> {
  return {
    machine: bootMachine,
    input: { migrateWidth: 2, initWidth: 2 },
    memory: {
      begun: [],
      alive: null,
      isStarted: false,
      stopSent: false,
      launch: null,
      isDefect: false,
      told: [],
    },
    observe: observeBoot,
    events: (_, { alive }) => [
      { type: 'START', until: 'ready' },
      { type: 'STOP', reason: 'SIGTERM' },
      ...(alive ? endingsOf(alive) : []),
    ],
    view: ({ value, context }, memory) => JSON.stringify([value, context, memory]),
  };
}

function endingsOf(child: string): readonly AnyEventObject[] {
  const failed = [{ plugin: 'a', error: 'broken' }];
  const outputs =
    child === 'launch'
      ? launchOutcomes.map((outcome) => ({
          outcome,
          degraded: false,
          failures: outcome === 'failed' ? failed : [],
          nodes,
          started: ['a'],
          phase: 'initAll',
        }))
      : [{ failures: [] }, { failures: failed }];
  const done = outputs.map((output) => ({
    type: `xstate.done.actor.${child}`,
    actorId: child,
    output,
  }));
  return [...done, { type: `xstate.error.actor.${child}`, actorId: child, error: 'defect' }];
}

function observeBoot(memory: BootMemory, edge: Edge): BootMemory {
  const after = remember(memory, edge);
  const children = Object.keys(edge.to.children);
  law(children.join() === (after.alive ?? ''), `keeps ${children.join()}`);
  checkBegin(memory, after, edge);

  if (edge.event.type === 'STOP' && memory.alive === 'launch') {
    const sent = edge.effects.find(({ type }) => type === 'xstate.sendTo')?.params;
    const { to, event } = (sent ?? {}) as { to?: { id: string }; event?: AnyEventObject };
    law(to?.id === 'launch' && event?.type === 'STOP', 'the launch does not hear of STOP');
  }
  if (edge.to.matches('ready')) {
    law(after.launch === 'launched', `ready after ${after.launch}`);
    law(!after.stopSent, 'ready after STOP');
  }
  law(new Set(after.told).size === after.told.length, `tells twice: ${after.told.join()}`);
  if (edge.to.status === 'done') checkEnd(after, edge.to.output);
  return after;
}

function remember(memory: BootMemory, edge: Edge): BootMemory {
  const { event } = edge;
  const begun = begunIn(edge);
  const hasEnded = event.type.startsWith('xstate.');
  const isError = event.type.startsWith('xstate.error.');
  const { output } = event as { output?: { outcome?: string } };
  const isLaunchOver = hasEnded && memory.alive === 'launch';
  return {
    begun: [...memory.begun, ...begun],
    alive: begun[0] ?? (hasEnded ? null : memory.alive),
    isStarted: memory.isStarted || (event.type === 'START' && !memory.stopSent),
    stopSent: memory.stopSent || (event.type === 'STOP' && memory.alive !== 'stopAll'),
    launch: isLaunchOver ? (output?.outcome ?? 'defect') : memory.launch,
    isDefect: memory.isDefect || isError,
    told: [
      ...memory.told,
      ...toldIn(edge).map((news) => `${news.type} ${'phase' in news ? news.phase : news.plugin}`),
    ],
  };
}

function checkBegin(memory: BootMemory, after: BootMemory, edge: Edge): void {
  const begun = after.begun.slice(memory.begun.length);
  law(begun.length <= 1, `begins ${begun.join()} at once`);
  law(new Set(after.begun).size === after.begun.length, `begins ${begun.join()} a second time`);
  if (begun[0] === 'launch') {
    law(edge.event.type === 'START' && !memory.stopSent, 'launches though nobody asked');
  }
  if (begun[0] === 'stopAll') {
    law(after.launch !== null, 'stops plugins while the launch is at work');
    const input = inputIn(edge) as Machines.StopAllInput;
    const expected = after.launch === 'defect' ? [] : ['a'];
    law(String(input.started) === String(expected), `stops ${input.started.join()}`);
    law(String(input.nodes.map(({ id }) => id)) === String(expected), 'forgets plugins');
  }
}

function checkEnd(after: BootMemory, output: Machines.BootOutput): void {
  law(after.alive === null, `ends while ${after.alive} is alive`);
  law(after.isStarted === after.begun.includes('launch'), 'START was not heard');
  law(after.isStarted === after.begun.includes('stopAll'), 'ends without the way down');
  const hasFailed = after.launch === 'failed' || after.isDefect;
  law(output.outcome === (hasFailed ? 'failed' : 'stopped'), `says ${output.outcome}`);
  law((output.reason !== null) === after.stopSent, 'the reason is wrong');
  law((output.defect !== undefined) === after.isDefect, 'hides a defect');
  const isLaunched = output.launch?.outcome === 'launched';
  law(!isLaunched || after.told.length === 0 || after.stopSent, 'goes down though nobody asked');
  if (!after.isStarted) return;
  law(after.told.includes('phase.started stopAll'), 'does not tell that stopAll started');
}
