import type { AnyEventObject } from 'xstate';
import { phases, type Phase, type Step } from '../../src/core/steps.ts';
import type * as Machines from '../../machines/index.ts';
import type { Edge, Model } from './explore.ts';
import { begunIn, inputIn, law, nameNews, sentIn, toldIn } from './edge-reading.ts';

/** What an observer of a launch remembers. */
export interface LaunchMemory {
  /** In their order. */
  readonly begun: readonly Phase[];
  readonly alive: Phase | null;
  /** How the last phase ended. */
  readonly status: string | null;
  readonly stop: 'none' | 'CANCEL' | 'STOP';
  readonly isMigrated: boolean;
  readonly nodes: readonly string[];
  readonly told: readonly string[];
  readonly outcome: Machines.LaunchEnd | null;
}

const nodes = [{ id: 'a', required: true, needs: [], after: [] }];
const allNodes = [
  { id: 'up', required: true, needs: [], after: [] },
  { id: 'a', required: true, needs: [0], after: [] },
];
const plan = { nodes, lost: [] };
const error = 'broken';
const failures = [{ error }];

/** Everything that each phase can say. */
const outputs: Readonly<Record<string, readonly { readonly status: string }[]>> = {
  discover: [{ status: 'done' }, { status: 'failed', error } as never, { status: 'canceled' }],
  sort: [
    { status: 'done', nodes, allNodes } as never,
    { status: 'failed', error } as never,
    { status: 'canceled' },
  ],
  migrateAll: [
    { status: 'done', plan } as never,
    { status: 'failed', failures } as never,
    { status: 'canceled' },
  ],
  initAll: [
    { status: 'done', degraded: false, started: ['a'] } as never,
    { status: 'done', degraded: true, started: [] } as never,
    { status: 'failed', failures, started: ['a'] } as never,
    { status: 'canceled', started: ['a'] } as never,
  ],
};

type Kind = Pick<Machines.LaunchInput, 'launch' | 'until'>;

/** The launch machine alone: its phases say whatever they can. */
export function launchModel(
  { launchMachine }: Pick<typeof Machines, 'launchMachine'>,
  kind: Kind,
): Model<LaunchMemory> {
  return {
    machine: launchMachine,
    input: { ...kind, migrateWidth: 2, initWidth: 2 },
    memory: {
      begun: [],
      alive: null,
      status: null,
      stop: 'none',
      isMigrated: false,
      nodes: [],
      told: [],
      outcome: null,
    },
    observe: (memory, edge) => observeLaunch(kind, memory, edge),
    events: (_, { alive }) => [
      { type: 'STOP', reason: 'SIGTERM' },
      ...(alive ? endingsOf(alive) : []),
    ],
    view: ({ value, context }, memory) => JSON.stringify([value, context, memory]),
  };
}

function endingsOf(phase: Phase): readonly AnyEventObject[] {
  const done = (outputs[phase] ?? []).map((output) => ({
    type: `xstate.done.actor.${phase}`,
    actorId: phase,
    output,
  }));
  return [...done, { type: `xstate.error.actor.${phase}`, actorId: phase, error: 'defect' }];
}

function observeLaunch(kind: Kind, memory: LaunchMemory, edge: Edge): LaunchMemory {
  const after = remember(kind.until, memory, edge);
  checkPhases(kind, memory, after, edge);
  checkTold(kind, memory, after, edge);
  if (edge.to.status === 'done') checkEnd(after, edge.to.output);
  else law(after.alive !== null, 'no phase is at work');
  return after;
}

function remember(
  until: Machines.LaunchInput['until'],
  memory: LaunchMemory,
  edge: Edge,
): LaunchMemory {
  const { event } = edge;
  const begun = begunIn(edge) as Phase[];
  const hasEnded = event.type.startsWith('xstate.');
  const output = (event as { output?: { status: string } }).output ?? null;
  const status = hasEnded ? (output?.status ?? 'failed') : memory.status;
  const how = sentIn(edge)[0]?.event.type;
  return {
    begun: [...memory.begun, ...begun],
    alive: begun[0] ?? (hasEnded ? null : memory.alive),
    status,
    stop: event.type === 'STOP' ? (how as 'CANCEL') : memory.stop,
    isMigrated: memory.isMigrated || (memory.alive === 'migrateAll' && output?.status === 'done'),
    nodes: output && 'nodes' in output ? nodes.map(({ id }) => id) : memory.nodes,
    told: [...memory.told, ...toldIn(edge).map(nameNews)],
    outcome: hasEnded ? outcomeOf(until, memory, status ?? '') : memory.outcome,
  };
}

/** The first cause decides; a phase that is a machine knows itself which came first. */
function outcomeOf(
  until: Machines.LaunchInput['until'],
  { alive, stop }: LaunchMemory,
  status: string,
): Machines.LaunchEnd | null {
  const isTask = alive === 'discover' || alive === 'sort';
  if (status === 'failed' && !(isTask && stop !== 'none')) return 'failed';
  if (stop !== 'none' || status === 'canceled') return 'canceled';
  if (alive === 'initAll') return 'launched';
  return alive === 'migrateAll' && until === 'migrated' ? 'migrated' : null;
}

function checkPhases(
  { launch, until }: Kind,
  memory: LaunchMemory,
  after: LaunchMemory,
  edge: Edge,
): void {
  const begun = after.begun.slice(memory.begun.length);
  law(begun.length <= 1, `begins ${begun.join()} at once`);
  const inOrder = phases.slice(0, after.begun.length);
  law(String(after.begun) === String(inOrder), `phases come as ${after.begun.join()}`);
  if (begun.length === 0) {
    const children = Object.keys(edge.to.children);
    law(children.join() === (after.alive ?? ''), `keeps ${children.join()}`);
    if (edge.event.type !== 'STOP' || !memory.alive) return;
    const isTask = memory.alive === 'discover' || memory.alive === 'sort';
    law(after.stop === (isTask ? 'CANCEL' : 'STOP'), `${memory.alive} did not hear of STOP`);
    return;
  }
  law(after.stop === 'none', `begins ${begun.join()} after STOP`);
  law(
    memory.alive === null || after.status === 'done',
    `begins ${begun.join()} after ${after.status}`,
  );
  law(edge.event.type !== 'STOP', `leaves ${memory.alive} before it has ended`);
  if (begun[0] === 'discover') {
    const { launch: number } = inputIn(edge) as { readonly launch: number };
    law(number === launch, `discovers launch ${number} in place of ${launch}`);
  }
  if (begun[0] !== 'initAll') return;
  law(after.isMigrated, 'begins initAll with nothing migrated');
  law(until === 'ready', 'begins initAll though nobody asked');
  const input = inputIn(edge) as Machines.InitAllInput;
  law((input.plan as unknown) === plan, 'gives initAll another plan than migrateAll made');
}

function checkTold({ launch }: Kind, memory: LaunchMemory, after: LaunchMemory, edge: Edge): void {
  const ofWhich = launch === 1 ? '' : ` of launch ${launch}`;
  const fresh = after.told.slice(memory.told.length);
  law(new Set(after.told).size === after.told.length, `tells one of ${fresh.join()} twice`);
  for (const phase of after.begun) {
    law(after.told.includes(`started ${phase}${ofWhich}`), `does not tell that ${phase} started`);
    const isOver = phase !== after.alive;
    law(
      after.told.includes(`finished ${phase}${ofWhich}`) === isOver,
      `${phase} is ${isOver ? '' : 'not '}over and tells otherwise`,
    );
  }
  const finished = toldIn(edge).find((news) => news.type === 'phase.finished');
  if (finished) law(finished.outcome === after.status, `tells ${finished.outcome}`);
}

function checkEnd(after: LaunchMemory, output: Machines.LaunchOutput): void {
  law(after.alive === null, `ends while ${after.alive} is alive`);
  law(output.outcome === after.outcome, `says ${output.outcome}, was ${after.outcome}`);
  law(output.outcome !== 'failed' || output.failures.length > 0, 'failed without a failure');
  law(after.outcome !== 'launched' || after.isMigrated, 'launched with nothing migrated');
  law(String(output.nodes.map(({ id }) => id)) === String(after.nodes), 'forgets plugins');
  const all = after.nodes.length > 0 ? allNodes : [];
  law(JSON.stringify(output.allNodes) === JSON.stringify(all), 'forgets those that were up');
  const mayBeUp = after.begun.includes('initAll') && after.status !== 'done';
  law(!mayBeUp || output.started.includes('a'), 'forgets whom to stop');
  const owed: Step[] = [];
  if (!after.begun.includes('migrateAll')) owed.push('migrate');
  if (!after.begun.includes('initAll')) owed.push('init', 'ready');
  for (const id of after.nodes) {
    for (const step of ['migrate', 'init', 'ready']) {
      const isTold = after.told.includes(`plugin.${step}.finished ${id} notReached`);
      law(isTold === owed.includes(step as Step), `${step} of ${id} is not settled once`);
    }
  }
}
