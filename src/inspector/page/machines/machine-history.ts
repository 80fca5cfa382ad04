import type {
  MachineDescription,
  MachineEnded,
  MachineRecord,
  MachineTransition,
  StateDescription,
  TransitionDescription,
} from '../../../core/machine-records.ts';

/** The time that a machine spent in a state. */
export interface Visit {
  readonly state: string;
  readonly enteredMs: number;
  leftMs?: number;
}

/** How often a machine went from one state to another; both may be the same. */
export interface Trace {
  count: number;
  /** The last event that took it there. */
  event: string;
  atMs: number;
}

/** The life of a machine, by its records. */
export interface MachineHistory {
  /** The name by which the machine that has begun it knows it. */
  readonly id: string;
  /** The machine that has begun it; left out for the first one. */
  readonly parent?: string;
  /** How many of its kind have begun so far, with itself. */
  readonly run: number;
  /** The current state, or the last one. */
  state: string;
  readonly beganMs: number;
  ended?: { readonly status: MachineEnded['status']; readonly atMs: number };
  readonly visits: Visit[];
  /** By {@link nameEdge}. */
  readonly traces: Map<string, Trace>;
  readonly transitions: MachineTransition[];
  /** The last edge that led from one state to another. */
  lastEdge?: string;
}

/** The name of all transitions from one state to another. */
export function nameEdge(from: string, to: string): string {
  return `${from} ${to}`;
}

/** Replays the records of machines: the history of each that has begun, by its `src`. */
export function replayRecords(
  records: readonly MachineRecord[],
): ReadonlyMap<string, MachineHistory> {
  const sources = new Map<string, string>();
  const byRef = new Map<string, MachineHistory>();
  const bySrc = new Map<string, MachineHistory>();
  for (const record of records) {
    if (record.type === 'machine.actor') {
      const { ref, src, id, parent, state, elapsedMs } = record;
      // A task has no state.
      if (state === undefined) continue;
      const parentSrc = parent === undefined ? undefined : sources.get(parent);
      const history: MachineHistory = {
        id,
        ...(parentSrc !== undefined && { parent: parentSrc }),
        run: (bySrc.get(src)?.run ?? 0) + 1,
        state,
        beganMs: elapsedMs,
        visits: [{ state, enteredMs: elapsedMs }],
        traces: new Map(),
        transitions: [],
      };
      sources.set(ref, src);
      byRef.set(ref, history);
      bySrc.set(src, history);
      continue;
    }
    const history = byRef.get(record.ref);
    if (!history) continue;
    if (record.type === 'machine.transition') addTransition(history, record);
    else endHistory(history, record);
  }
  return bySrc;
}

function addTransition(history: MachineHistory, record: MachineTransition): void {
  const { from, to, event, elapsedMs: atMs } = record;
  const edge = nameEdge(from, to);
  const trace = history.traces.get(edge);
  if (trace) Object.assign(trace, { count: trace.count + 1, event, atMs });
  else history.traces.set(edge, { count: 1, event, atMs });
  history.transitions.push(record);
  if (from === to) return;
  leave(history, atMs);
  history.visits.push({ state: to, enteredMs: atMs });
  history.state = to;
  history.lastEdge = edge;
}

function endHistory(history: MachineHistory, { status, elapsedMs: atMs }: MachineEnded): void {
  history.ended = { status, atMs };
  leave(history, atMs);
}

function leave({ visits }: MachineHistory, atMs: number): void {
  const last = visits.at(-1);
  if (last) last.leftMs ??= atMs;
}

/** The state that a machine is in now; `undefined` before it begins and after it has ended. */
export function findLitState(history: MachineHistory | undefined): string | undefined {
  return history && !history.ended ? history.state : undefined;
}

/** How long a machine was in a state, in ms; `undefined` when it never was. */
export function sumVisits(
  history: MachineHistory | undefined,
  state: string,
  nowMs: number,
): number | undefined {
  const visits = history?.visits.filter((visit) => visit.state === state) ?? [];
  if (visits.length === 0) return undefined;
  return visits.reduce((sum, { enteredMs, leftMs = nowMs }) => sum + leftMs - enteredMs, 0);
}

/** A way out of a state, for people: all transitions by the same event to the same target. */
export interface WayOut {
  readonly event: string;
  /** Left out when the machine stays in this state. */
  readonly target?: string;
  /** The conditions, one of which has to hold; empty when there is none. */
  readonly guards: readonly string[];
  readonly actions: readonly string[];
  readonly count: number;
}

/** Lists the ways out of a state, and how often each was taken. */
export function listWaysOut(
  { name, transitions = [] }: StateDescription,
  history: MachineHistory | undefined,
): readonly WayOut[] {
  const ways = new Map<string, WayOut>();
  for (const transition of transitions) {
    const { event, target, guard, actions = [] } = transition;
    const key = `${event} ${target ?? ''}`;
    const known = ways.get(key);
    // Without a guard it is what happens else, so that the guards before it say when it happens surely.
    const guards = [...(known?.guards ?? []), guard ?? (known ? 'else' : [])].flat();
    const count = history?.transitions.filter((each) => isTaken(each, name, transition)).length;
    ways.set(key, {
      event,
      ...(target !== undefined && { target }),
      guards,
      actions,
      count: count ?? 0,
    });
  }
  return [...ways.values()];
}

function isTaken(
  { event, from, to }: MachineTransition,
  state: string,
  { event: pattern, target = state }: TransitionDescription,
): boolean {
  const isNamed = pattern.endsWith('*')
    ? event.startsWith(pattern.slice(0, -1))
    : event === pattern;
  return isNamed && from === state && to === target;
}

/** A machine, and the state of another one in which it runs. */
export interface MachinePlace {
  readonly machine: MachineDescription;
  readonly depth: number;
  readonly parent?: { readonly machine: string; readonly state: string };
}

/** Names where the machine of a history runs; `undefined` without a history that says it. */
export function findPlace(
  machines: readonly MachineDescription[],
  history: MachineHistory | undefined,
): MachinePlace['parent'] {
  const parent = machines.find(({ id }) => id === history?.parent);
  const state = parent?.states.find(({ invokes = [] }) =>
    invokes.some(({ id }) => id === history?.id),
  );
  return parent && state && { machine: parent.id, state: state.name };
}

/** Lists machines in the order in which they run, each behind the one that begins it. */
export function nestMachines(machines: readonly MachineDescription[]): readonly MachinePlace[] {
  const begun = new Map<string, MachinePlace['parent']>();
  for (const { id: machine, states } of machines) {
    for (const { name: state, invokes = [] } of states) {
      for (const { src } of invokes) if (!begun.has(src)) begun.set(src, { machine, state });
    }
  }
  const places = new Map<string, MachinePlace>();
  const add = (machine: MachineDescription, depth: number): void => {
    if (places.has(machine.id)) return;
    const parent = begun.get(machine.id);
    places.set(machine.id, { machine, depth, ...(parent && { parent }) });
    for (const { invokes = [] } of machine.states) {
      for (const { src } of invokes) {
        const child = machines.find(({ id }) => id === src);
        // A machine that runs in several places stands in the first one.
        if (child && begun.get(src)?.machine === machine.id) add(child, depth + 1);
      }
    }
  };
  for (const machine of machines) if (!begun.has(machine.id)) add(machine, 0);
  for (const machine of machines) add(machine, 0);
  return [...places.values()];
}
