import type { AnyEventObject } from 'xstate';
import { isSuccess, type GraphNode } from '../../src/core/schedule.ts';
import type { Outcome } from '../../src/core/steps.ts';
import type * as Machines from '../../machines/index.ts';
import type { Model } from './explore.ts';
import { law } from './edge-reading.ts';
import { viewAhead, viewExactly } from './phase-views.ts';
import { observePhase } from './phase-laws.ts';
import { noMemory, type PhaseMemory, type PhaseRules } from './phase-memory.ts';

/**
 * What the world may do. `everything`: tasks also reject, time out and cancel themselves, and STOP comes twice.
 * `essential`: done, failed, locked, canceled when asked, one STOP.
 */
export type World = 'everything' | 'essential';

type Machine = Pick<typeof Machines, 'migrateAllMachine' | 'initAllMachine' | 'stopAllMachine'>;

export interface PhaseCase {
  readonly nodes: readonly GraphNode[];
  readonly width: number;
  readonly world: World;
  /** `ahead`: states with the same future are one, so that the walks of several graphs can share them. */
  readonly view: 'exact' | 'ahead';
}

export function migrateAllModel(
  { migrateAllMachine }: Machine,
  { nodes, width, world, view }: PhaseCase,
  upToDate: readonly string[],
): Model<PhaseMemory> {
  const rules: PhaseRules = {
    nodes,
    width,
    steps: ['migrate'],
    before: forward(nodes),
    presets: new Map(upToDate.map((id): [string, Outcome] => [id, 'upToDate'])),
    hasFatal: true,
  };
  return {
    machine: migrateAllMachine,
    input: { nodes, width },
    memory: noMemory,
    observe: (memory, edge) => {
      const after = observePhase(rules, memory, edge);
      if (edge.to.status === 'done') checkMigrated(rules, after, edge.to.output);
      return after;
    },
    events: (_, memory) => [
      ...memory.live.flatMap((child) => endingsOf(child, memory, world, upToDate)),
      ...stops(memory, world),
    ],
    view: view === 'ahead' ? (...seen) => viewAhead(rules, ...seen) : viewExactly,
  };
}

function checkMigrated(
  rules: PhaseRules,
  memory: PhaseMemory,
  output: Machines.MigrateAllOutput,
): void {
  law(output.status === verdictOf(memory), `says ${output.status}, was ${verdictOf(memory)}`);
  if (output.status === 'failed') law(output.failures.length > 0, 'failed without a failure');
  if (output.status !== 'done') return;
  const lost = rules.nodes.filter(
    ({ id }) => !isSuccess(memory.settled[`migrate.${id}`] ?? 'failed'),
  );
  law(!lost.some(({ required }) => required), 'done without a required plugin');
  const saysLost = output.plan.lost.map(({ plugin }) => plugin).toSorted();
  law(
    String(saysLost) === String(lost.map(({ id }) => id)),
    `${saysLost.join()} are not who was lost`,
  );
}

/** `lost` must hold all that need a lost one, as migrateAll makes it. */
export function initAllModel(
  { initAllMachine }: Machine,
  { nodes, width, world, view }: PhaseCase,
  lost: readonly string[],
): Model<PhaseMemory> {
  const rules: PhaseRules = {
    nodes,
    width,
    steps: ['init', 'ready'],
    before: forward(nodes),
    presets: new Map(lost.map((id): [string, Outcome] => [id, 'notReached'])),
    hasFatal: true,
  };
  const plan = { nodes, lost: lost.map((plugin) => ({ plugin, because: 'it failed' })) };
  return {
    machine: initAllMachine,
    input: { plan, width },
    memory: noMemory,
    observe: (memory, edge) => {
      const after = observePhase(rules, memory, edge);
      if (edge.to.status === 'done') checkLaunched(rules, after, edge.to.output);
      return after;
    },
    events: (_, memory) => [
      ...memory.live.flatMap((child) => endingsOf(child, memory, world, [])),
      ...stops(memory, world),
    ],
    view: view === 'ahead' ? (...seen) => viewAhead(rules, ...seen) : viewExactly,
  };
}

function checkLaunched(
  rules: PhaseRules,
  memory: PhaseMemory,
  output: Machines.InitAllOutput,
): void {
  law(output.status === verdictOf(memory), `says ${output.status}, was ${verdictOf(memory)}`);
  const ran = memory.ran
    .filter((child) => child.startsWith('init.'))
    .map((child) => child.slice(5));
  const toStop = ran.filter((id) => !memory.cleaned.includes(id));
  law(
    String(output.started.toSorted()) === String(toStop),
    `${output.started.join()} started, to stop are ${toStop.join()}`,
  );
  if (output.status === 'failed') law(output.failures.length > 0, 'failed without a failure');
  if (output.status !== 'done') return;
  const isDown = ({ id }: GraphNode): boolean => memory.settled[`ready.${id}`] !== 'done';
  law(!rules.nodes.some((node) => node.required && isDown(node)), 'done without a required plugin');
  law(output.degraded === rules.nodes.some(isDown), 'degraded is wrong');
}

export function stopAllModel(
  { stopAllMachine }: Machine,
  { nodes, world, view }: PhaseCase,
  started: readonly string[],
): Model<PhaseMemory> {
  const absent = nodes.map(({ id }) => id).filter((id) => !started.includes(id));
  const rules: PhaseRules = {
    nodes,
    width: Infinity,
    steps: ['stop'],
    before: backward(nodes),
    presets: new Map(absent.map((id): [string, Outcome] => [id, 'notReached'])),
    hasFatal: false,
  };
  return {
    machine: stopAllMachine,
    input: { nodes, started },
    memory: noMemory,
    observe: (memory, edge) => {
      // Nothing cuts the way down short: to the laws a STOP never happened.
      const event = edge.event.type === 'STOP' ? { type: 'ignored' } : edge.event;
      const after = observePhase(rules, memory, { ...edge, event });
      if (edge.to.status === 'done') {
        const { failures } = edge.to.output as Machines.StopAllOutput;
        law(failures.length > 0 === after.hasFailure, 'failures are wrong');
        for (const id of started) law(after.ran.includes(`stop.${id}`), `${id} was not stopped`);
      }
      return after;
    },
    events: (_, memory) => [
      ...memory.live.flatMap((child) => endingsOf(child, memory, world, [])),
      { type: 'STOP', reason: 'again' },
    ],
    view: view === 'ahead' ? (...seen) => viewAhead(rules, ...seen) : viewExactly,
  };
}

/** First what it needs, and what comes before it. */
function forward(nodes: readonly GraphNode[]): PhaseRules['before'] {
  const ids = (indices: readonly number[]): string[] => indices.map((i) => nodes[i]?.id ?? '');
  return (node) => ({
    settled: ids([...node.needs, ...node.after]),
    succeeded: ids(node.needs),
  });
}

/** First all that need it or come after it; that they stopped well is not asked. */
function backward(nodes: readonly GraphNode[]): PhaseRules['before'] {
  return (node) => {
    const index = nodes.indexOf(node);
    const above = nodes.filter(({ needs, after }) => [...needs, ...after].includes(index));
    return { settled: above.map(({ id }) => id), succeeded: [] };
  };
}

/** The first cause decides. A phase that lost a required plugin without any failure was canceled from outside. */
function verdictOf({ down, hasFailure }: PhaseMemory): string {
  if (down === null) return 'done';
  return down === 'loss' && hasFailure ? 'failed' : 'canceled';
}

function endingsOf(
  child: string,
  memory: PhaseMemory,
  world: World,
  upToDate: readonly string[],
): readonly AnyEventObject[] {
  const task = child.split('.')[0] ?? '';
  const done = task === 'survey' ? { status: 'done', upToDate } : { status: 'done' };
  const outputs: object[] = [done, { status: 'failed', error: 'broken' }];
  if (task === 'migrate') outputs.push({ status: 'locked' });
  const isAsked = memory.asked[child] !== undefined;
  if (task !== 'stop' && (isAsked || world === 'everything')) outputs.push({ status: 'canceled' });
  if (world === 'everything' && ['init', 'ready', 'stop'].includes(task)) {
    outputs.push({ status: 'timeout', error: 'too late' });
  }
  const events: AnyEventObject[] = outputs.map((output) => ({
    type: `xstate.done.actor.${child}`,
    actorId: child,
    output,
  }));
  if (world === 'everything') {
    events.push({ type: `xstate.error.actor.${child}`, actorId: child, error: 'defect' });
  }
  return events;
}

function stops({ stopSent }: PhaseMemory, world: World): readonly AnyEventObject[] {
  return stopSent && world === 'essential' ? [] : [{ type: 'STOP', reason: 'SIGTERM' }];
}
