import type { AnyEventObject } from 'xstate';
import type * as Machines from '../../machines/index.ts';
import type { Edge, Model } from './explore.ts';
import { begunIn, inputIn, law, nameNews, sentIn, toldIn } from './edge-reading.ts';

/** What an observer of a boot remembers. */
export interface BootMemory {
  readonly begun: readonly string[];
  readonly alive: string | null;
  readonly isStarted: boolean;
  /** Before the way down; after that it says nothing new. */
  readonly stopSent: boolean;
  /** How the launch ended; `defect` when its machine broke. */
  readonly launch: string | null;
  /** Whether the changes came to their end, after which other plugins are up. */
  readonly isChanged: boolean;
  readonly isDefect: boolean;
  readonly told: readonly string[];
}

const nodes = [{ id: 'a', required: true, needs: [], after: [] }];
const nodesAfterChanges = [{ id: 'b', required: true, needs: [], after: [] }, ...nodes];
const launchOutcomes = ['launched', 'migrated', 'failed', 'canceled'] as const;

const input = { migrateWidth: 2, initWidth: 2 };

/** The boot machine alone: its launch, its changes and its way down end in every way they can. */
export function bootModel({
  bootMachine,
}: Pick<typeof Machines, 'bootMachine'>): Model<BootMemory> {
  return {
    machine: bootMachine,
    input,
    memory: {
      begun: [],
      alive: null,
      isStarted: false,
      stopSent: false,
      launch: null,
      isChanged: false,
      isDefect: false,
      told: [],
    },
    observe: observeBoot,
    events: (_, { alive, stopSent }) => [
      { type: 'START', until: 'ready' },
      { type: 'STOP', reason: 'SIGTERM' },
      ...changes,
      ...(alive ? endingsOf(alive, stopSent) : []),
    ],
    view: ({ value, context }, memory) => JSON.stringify([value, context, memory]),
  };
}

const changes: readonly Machines.Change[] = [
  { type: 'ADD', launch: 2 },
  { type: 'REMOVE', removal: 1, plugin: 'a', withDependents: true },
];

/** The changes end by themselves only after STOP. */
function outputsOf(child: string, stopSent: boolean): readonly object[] {
  const failed = [{ plugin: 'a', error: 'broken' }];
  if (child === 'changes') return stopSent ? [{ nodes: nodesAfterChanges, started: ['b'] }] : [];
  if (child === 'stopAll') return [{ failures: [] }, { failures: failed }];
  return launchOutcomes.map((outcome) => ({
    outcome,
    degraded: false,
    failures: outcome === 'failed' ? failed : [],
    nodes,
    allNodes: nodes,
    started: ['a'],
    phase: 'initAll',
  }));
}

function endingsOf(child: string, stopSent: boolean): readonly AnyEventObject[] {
  const done = outputsOf(child, stopSent).map((output) => ({
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

  checkSent(memory, edge);
  if (edge.to.matches('ready')) {
    law(after.launch === 'launched', `ready after ${after.launch}`);
    law(memory.alive === 'changes' || !after.stopSent, 'ready after STOP');
  }
  law(new Set(after.told).size === after.told.length, `tells twice: ${after.told.join()}`);
  if (edge.to.status === 'done') checkEnd(after, edge.to.output);
  return after;
}

/** What is asked is passed on as it is, to whom it concerns and to nobody else. */
function checkSent(memory: BootMemory, edge: Edge): void {
  const isChange = edge.event.type === 'ADD' || edge.event.type === 'REMOVE';
  const isStop = edge.event.type === 'STOP';
  const hears =
    (memory.alive === 'changes' && (isChange || isStop)) || (memory.alive === 'launch' && isStop);
  const expected = hears ? [{ to: memory.alive, event: edge.event }] : [];
  const sent = JSON.stringify(sentIn(edge));
  law(sent === JSON.stringify(expected), `${edge.event.type} is passed on as ${sent}`);
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
    isChanged: memory.isChanged || (hasEnded && !isError && memory.alive === 'changes'),
    isDefect: memory.isDefect || isError,
    told: [...memory.told, ...toldIn(edge).map(nameNews)],
  };
}

function checkBegin(memory: BootMemory, after: BootMemory, edge: Edge): void {
  const begun = after.begun.slice(memory.begun.length);
  law(begun.length <= 1, `begins ${begun.join()} at once`);
  law(new Set(after.begun).size === after.begun.length, `begins ${begun.join()} a second time`);
  if (begun[0] === 'launch') {
    law(edge.event.type === 'START' && !memory.stopSent, 'launches though nobody asked');
  }
  if (begun[0] === 'changes') {
    const expected = { nodes, started: ['a'], ...input };
    law(memory.alive === 'launch' && after.launch === 'launched', 'changes what is not up');
    law(JSON.stringify(inputIn(edge)) === JSON.stringify(expected), 'changes something else');
  }
  if (begun[0] === 'stopAll') {
    law(after.launch !== null, 'stops plugins while the launch is at work');
    const expected = findUp(after);
    law(JSON.stringify(inputIn(edge)) === JSON.stringify(expected), 'forgets plugins');
  }
}

/** After a defect of the launch nothing is known to be up; a defect of the changes leaves what was up before. */
function findUp({ launch, isChanged }: BootMemory): Machines.StopAllInput {
  if (isChanged) return { nodes: nodesAfterChanges, started: ['b'] };
  return launch === 'defect' ? { nodes: [], started: [] } : { nodes, started: ['a'] };
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
  law(!isLaunched || after.stopSent || after.isDefect, 'goes down though nobody asked');
  if (!after.isStarted) return;
  law(after.told.includes('started stopAll'), 'does not tell that stopAll started');
}
