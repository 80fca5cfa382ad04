import {
  createActor,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
} from 'xstate';

/** What one transition asks the world to do, as XState's pure transitions tell it. */
export interface Effect {
  readonly type: string;
  readonly params?: unknown;
}

/** One transition. The first has no event's past: `from` is null. */
export interface Edge {
  readonly from: AnyMachineSnapshot | null;
  readonly event: AnyEventObject;
  readonly to: AnyMachineSnapshot;
  readonly effects: readonly Effect[];
}

/**
 * A machine, the world around it, and an observer. The observer remembers in `Memory` what it saw on the way, and throws
 * when a law is broken; it never looks into the machine's context.
 */
export interface Model<Memory> {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly memory: Memory;
  observe(memory: Memory, edge: Edge): Memory;
  /** What the world may do now. */
  events(snapshot: AnyMachineSnapshot, memory: Memory): readonly AnyEventObject[];
  /** What tells two states apart; whatever cannot change the future may be left out. */
  view(snapshot: AnyMachineSnapshot, memory: Memory): string;
}

export interface Explored {
  readonly states: number;
  readonly edges: number;
}

/** A state that was reached, and from where. */
interface Node {
  readonly cameFrom: number;
  readonly by: AnyEventObject;
  readonly isEnd: boolean;
  readonly before: number[];
}

/**
 * Walks breadth first over everything that can happen, and proves that every state can reach an end.
 *
 * @param walked The views of other models whose futures are known to keep the laws and to reach an end. The walk does not go on
 * from them, and adds its own.
 */
export function explore<Memory>(model: Model<Memory>, walked?: Set<string>): Explored {
  const step = pureSteps(model);
  const indexOf = new Map<string, number>();
  const nodes: Node[] = [];
  // Only the rim of the walk is kept whole: a hundred thousand snapshots cost more than the walk.
  const rim = new Map<number, { readonly snapshot: AnyMachineSnapshot; readonly memory: Memory }>();
  let edges = 0;

  const visit = (edge: Edge, memory: Memory, cameFrom: number): void => {
    edges += 1;
    const seen = watch(model, edge, memory, () => pathTo(nodes, cameFrom, edge.event));
    const key = model.view(edge.to, seen);
    let index = indexOf.get(key);
    if (index === undefined) {
      index = nodes.length;
      indexOf.set(key, index);
      const isEnd = edge.to.status === 'done' || walked?.has(key) === true;
      nodes.push({ cameFrom, by: edge.event, isEnd, before: [] });
      if (!isEnd) rim.set(index, { snapshot: edge.to, memory: seen });
    }
    nodes[index]?.before.push(cameFrom);
  };

  visit(step.first(), model.memory, -1);
  // The rim grows while it is walked, in the order of discovery.
  for (const [index, { snapshot, memory }] of rim) {
    rim.delete(index);
    for (const event of model.events(snapshot, memory)) {
      visit(step.next(snapshot, event), memory, index);
    }
  }
  proveEnds(nodes);
  if (walked) for (const key of indexOf.keys()) walked.add(key);
  return { states: nodes.length, edges };
}

function watch<Memory>(
  model: Model<Memory>,
  edge: Edge,
  memory: Memory,
  path: () => string,
): Memory {
  try {
    if (edge.to.status === 'error') throw edge.to.error;
    return model.observe(memory, edge);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\n  after ${path()}\n  with ${JSON.stringify(model.input)}`, {
      cause: error,
    });
  }
}

function proveEnds(nodes: readonly Node[]): void {
  const canEnd = new Set<number>();
  const queue = [...nodes.keys()].filter((index) => nodes[index]?.isEnd);
  for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
    if (index < 0 || canEnd.has(index)) continue;
    canEnd.add(index);
    queue.push(...(nodes[index]?.before ?? []));
  }
  const stuck = [...nodes.keys()].find((index) => !canEnd.has(index));
  if (stuck !== undefined) throw new Error(`No way to an end\n  after ${pathTo(nodes, stuck)}`);
}

function pathTo(nodes: readonly Node[], end: number, last?: AnyEventObject): string {
  const events = last ? [nameOf(last)] : [];
  for (let node = nodes[end]; node; node = nodes[node.cameFrom]) events.push(nameOf(node.by));
  return events.toReversed().join(' → ');
}

function nameOf(event: AnyEventObject): string {
  const { output } = event as { output?: { status?: string } };
  const name = event.type.replace(/^xstate\.(done\.)?(actor\.)?/, '');
  return output?.status ? `${name} ${output.status}` : name;
}

/**
 * A machine's transitions without their effects. One inert scope serves the whole walk: XState's own `transition()` makes a
 * new actor for every step, which is twenty times slower.
 */
function pureSteps<Memory>({ machine, input }: Model<Memory>): {
  first(): Edge;
  next(from: AnyMachineSnapshot, event: AnyEventObject): Edge;
} {
  let effects: Effect[] = [];
  const self = createActor(machine, { input });
  const scope = {
    self,
    system: self.system,
    id: 'model',
    sessionId: 'model',
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: (effect: Effect) => void effects.push(effect),
  } as unknown as Parameters<AnyStateMachine['transition']>[2];
  const taken = (): readonly Effect[] => {
    const all = effects;
    effects = [];
    return all;
  };
  return {
    first: () => {
      const to = machine.getInitialSnapshot(scope, input);
      return { from: null, event: { type: 'begin' }, to, effects: taken() };
    },
    next: (from, event) => {
      const to = machine.transition(from, event, scope);
      return { from, event, to, effects: taken() };
    },
  };
}
