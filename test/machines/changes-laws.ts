import type * as Machines from '../../machines/index.ts';
import {
  findRemoved,
  toNodes,
  withoutPlugins,
  withPlugins,
  type NamedPlugin,
  type Up,
} from './changing-plugins.ts';
import { begunIn, inputIn, law, nameNews, sentIn, toldIn } from './edge-reading.ts';
import type { Edge } from './explore.ts';

/** What an observer of the changes remembers. Changes that have ended are forgotten: the others decide what follows. */
export interface ChangesMemory {
  readonly up: Up;
  /** What launches can bring. */
  readonly addable: readonly NamedPlugin[];
  /** Asked and not ended yet, in order. The first has begun if something is alive. */
  readonly pending: readonly Machines.Change[];
  readonly alive: 'launch' | 'undo' | 'remove' | null;
  /** How the launch ended whose plugins are stopped again. */
  readonly failed: Machines.LaunchOutput | null;
  readonly asked: number;
  readonly stopSent: boolean;
}

export const widths = { migrateWidth: 2, initWidth: 3 };

/** What has to happen by one transition, decided by the plugins and the changes alone. */
interface Expected {
  readonly after: ChangesMemory;
  readonly news: readonly object[];
  /** The child that begins, with its input. */
  readonly begun: readonly (readonly [child: string, input: object])[];
}

/**
 * Adds one transition to the memory and checks every law of the changes: they take place one at a time and in their order, each
 * ends once, and what is up at the end is exactly what they have left.
 */
export function observeChanges(memory: ChangesMemory, edge: Edge): ChangesMemory {
  const { after, news, begun } = proceed(expectFirst(memory, edge));
  const told = toldIn(edge);
  law(
    JSON.stringify(told.map(plain)) === JSON.stringify(news),
    `tells ${listNews(told)}, expected ${listNews(news as Machines.MachineNews[])}`,
  );
  const children = begunIn(edge);
  const expected = begun.map(([child]) => child).join();
  law(children.join() === expected, `begins ${children.join()}, expected is ${expected}`);
  const [first] = begun;
  if (first) {
    const [input, wanted] = [JSON.stringify(inputIn(edge)), JSON.stringify(first[1])];
    law(input === wanted, `${first[0]} begins with ${input}, not ${wanted}`);
  }
  const alive = Object.keys(edge.to.children).join();
  law(alive === (after.alive ?? ''), `keeps ${alive}`);
  const sent = sentIn(edge).map(({ to, event }) => `${to} ${event.type}`);
  const hears = edge.event.type === 'STOP' && memory.alive === 'launch';
  law(
    sent.join() === (hears ? 'launch STOP' : ''),
    `sends ${sent.join() || 'nothing'} to its child at ${edge.event.type}`,
  );
  const isOver = after.stopSent && !after.alive;
  law((edge.to.status === 'done') === isOver, isOver ? 'does not end' : 'ends too early');
  if (isOver) checkOutput(after.up, edge.to.output);
  return after;
}

function checkOutput({ plugins, started }: Up, output: Machines.UpPlugins): void {
  const [nodes, expected] = [JSON.stringify(output.nodes), JSON.stringify(toNodes(plugins))];
  law(nodes === expected, `leaves ${nodes}, up are ${expected}`);
  const toStop = output.started.toSorted().join();
  law(toStop === started.toSorted().join(), `leaves ${toStop} to stop, up are ${started.join()}`);
}

/** What the event itself does, before the next change has its turn. */
function expectFirst(memory: ChangesMemory, { event }: Edge): Expected {
  if (event.type === 'STOP') return only({ ...memory, stopSent: true });
  if (event.type === 'ADD' || event.type === 'REMOVE') {
    const pending = [...memory.pending, event as Machines.Change];
    return only({ ...memory, pending, asked: memory.asked + 1 });
  }
  if (memory.alive === null) return only(memory);
  const ended = { ...memory, alive: null };
  const { output } = event as { readonly output?: unknown };
  if (memory.alive === 'launch') return endLaunch(ended, output as Machines.LaunchOutput);
  const [change, ...pending] = memory.pending;
  const [failure] = (output as Machines.StopAllOutput).failures;
  const outcome = failure ? 'failed' : 'done';
  if (change?.type === 'REMOVE') {
    const plugins = findRemoved(memory.up, change) ?? [];
    const { removal, plugin } = change;
    const end = { type: 'removal.finished', removal, plugin, outcome, plugins };
    const up = withoutPlugins(memory.up, plugins);
    return only({ ...ended, up, pending }, [plain(failure ? { ...end, error: 'broken' } : end)]);
  }
  const undone = { type: 'phase.finished', phase: 'stopAll', launch: change?.launch, outcome };
  return only({ ...ended, pending, failed: null }, [
    plain(failure ? { ...undone, error: 'broken' } : undone),
    launchEnd(memory, memory.failed),
  ]);
}

/** What a launch has started stays when it succeeded, and is left to the way down when STOP canceled it; otherwise it is stopped again. */
function endLaunch(memory: ChangesMemory, output: Machines.LaunchOutput): Expected {
  const pending = memory.pending.slice(1);
  const isLeft = memory.stopSent && output.outcome !== 'failed';
  if (output.outcome === 'launched' || isLeft) {
    const up = join(memory, output);
    return only({ ...memory, up, pending }, [launchEnd(memory, output)]);
  }
  const { nodes, started } = output;
  const [change] = memory.pending;
  const launch = change?.type === 'ADD' ? change.launch : 0;
  return {
    after: { ...memory, alive: 'undo', failed: output },
    news: [plain({ type: 'phase.started', phase: 'stopAll', launch })],
    begun: [['undo', { nodes, started }]],
  };
}

function launchEnd(
  { pending: [change], stopSent }: ChangesMemory,
  output: Machines.LaunchOutput | null,
): object {
  const launch = change?.type === 'ADD' ? change.launch : 0;
  const isUp = output?.outcome === 'launched' && !stopSent;
  const isFailed = output?.outcome === 'failed';
  const good = output?.degraded ? 'degraded' : 'ready';
  const outcome = isFailed ? 'failed' : isUp ? good : 'canceled';
  return plain({ type: 'launch.finished', launch, outcome, ...(isFailed && { error: 'broken' }) });
}

/** Which changes have their turn now: they are refused until one can begin, and after STOP all are canceled. */
function proceed(expected: Expected): Expected {
  const { after, news, begun } = expected;
  const [change, ...pending] = after.pending;
  if (after.alive || !change) return expected;
  if (after.stopSent) {
    const end = plain(canceled(change));
    return proceed({ after: { ...after, pending }, news: [...news, end], begun });
  }
  if (change.type === 'ADD') {
    const { launch } = change;
    return {
      after: { ...after, alive: 'launch' },
      news: [...news, plain({ type: 'launch.started', launch })],
      begun: [...begun, ['launch', { launch, until: 'ready', ...widths }]],
    };
  }
  const { removal, plugin } = change;
  const plugins = findRemoved(after.up, change);
  if (!plugins) {
    const end = plain({
      type: 'removal.finished',
      removal,
      plugin,
      outcome: 'refused',
      plugins: [],
      because: 'told',
    });
    return proceed({ after: { ...after, pending }, news: [...news, end], begun });
  }
  const removed = after.up.plugins.filter(({ id }) => plugins.includes(id));
  return {
    after: { ...after, alive: 'remove' },
    news: [...news, plain({ type: 'removal.started', removal, plugin, plugins })],
    begun: [...begun, ['remove', { nodes: toNodes(removed), started: plugins }]],
  };
}

function canceled(change: Machines.Change): object {
  if (change.type === 'ADD') {
    return { type: 'launch.finished', launch: change.launch, outcome: 'canceled' };
  }
  const { removal, plugin } = change;
  return { type: 'removal.finished', removal, plugin, outcome: 'canceled', plugins: [] };
}

function join({ up, addable }: ChangesMemory, { nodes, started }: Machines.LaunchOutput): Up {
  const added = addable.filter((plugin) => nodes.some(({ id }) => id === plugin.id));
  return withPlugins(up, added, started);
}

function only(after: ChangesMemory, news: readonly object[] = []): Expected {
  return { after, news, begun: [] };
}

function listNews(news: readonly Machines.MachineNews[]): string {
  return news.map(nameNews).join(', ') || 'nothing';
}

/** One order of keys, and no texts. */
function plain(news: object): object {
  const entries = Object.entries(news).map(([key, value]) => [
    key,
    key === 'because' ? 'told' : (value as unknown),
  ]);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}
