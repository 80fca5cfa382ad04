import { expect } from 'vitest';
import { describeMachines, type TransitionDescription } from '../../machines/index.ts';
import type { MachineDescription } from '../../src/core/machine-records.ts';
import type { MachineRecord } from '../../src/index.ts';

/** An actor as the records tell of it. */
interface Replayed {
  readonly id: string;
  readonly src: string;
  readonly parent?: string;
  readonly state?: string;
}

type Machines = ReadonlyMap<string, MachineDescription>;

/** What has become of the machines, by the records alone. */
export interface MachineReplay {
  /** The actors that are alive, by `ref`. */
  readonly alive: ReadonlyMap<string, Replayed>;
  /** The last state of each machine, by its name. */
  readonly states: Readonly<Record<string, string>>;
  /** The names of machines and tasks that began. */
  readonly began: ReadonlySet<string>;
}

/**
 * Replays records over a description of the machines, such as that of an older recording. Fails at a record that the
 * description does not allow.
 */
export function replayMachines(
  records: readonly MachineRecord[],
  described: readonly MachineDescription[] = describeMachines(),
): MachineReplay {
  const machines = new Map(described.map((machine) => [machine.id, machine]));
  const alive = new Map<string, Replayed>();
  const states: Record<string, string> = {};
  const began = new Set<string>();
  for (const record of records) {
    const place = JSON.stringify(record);
    const actor = alive.get(record.ref);
    switch (record.type) {
      case 'machine.actor': {
        const { ref, id, src, parent, state } = record;
        expect(actor, place).toBeUndefined();
        expect(state !== undefined, place).toBe(machines.has(src));
        if (state !== undefined) expect(namesIn(machines, src), place).toContain(state);
        if (parent === undefined) expect([id, src], place).toEqual(['boot', 'boot']);
        else expect(isBegunBy(machines, alive.get(parent), id, src), place).toBe(true);
        alive.set(ref, record);
        began.add(src);
        if (state !== undefined) states[src] = state;
        break;
      }
      case 'machine.transition': {
        const { from, to, source } = record;
        expect(actor?.state, place).toBe(from);
        expect(findTransition(machines, actor?.src ?? '', record), place).toBeDefined();
        if (source !== undefined) expect(source, place).toMatch(/^x:\d+$/);
        if (actor) alive.set(record.ref, { ...actor, state: to });
        if (actor) states[actor.src] = to;
        break;
      }
      case 'machine.ended': {
        expect(actor, place).toBeDefined();
        const { src = '', state } = actor ?? {};
        const isFinal = stateNamed(machines, src, state)?.isFinal ?? !machines.has(src);
        if (record.status === 'done') expect(isFinal, place).toBe(true);
        alive.delete(record.ref);
        break;
      }
    }
  }
  return { alive, states, began };
}

function namesIn(machines: Machines, machine: string): readonly string[] {
  return machines.get(machine)?.states.map(({ name }) => name) ?? [];
}

function stateNamed(machines: Machines, machine: string, state: string | undefined) {
  return machines.get(machine)?.states.find(({ name }) => name === state);
}

function isBegunBy(
  machines: Machines,
  parent: Replayed | undefined,
  id: string,
  src: string,
): boolean {
  if (!parent) return false;
  const invokes = stateNamed(machines, parent.src, parent.state)?.invokes ?? [];
  if (invokes.some((invoke) => invoke.id === id && invoke.src === src)) return true;
  const isSpawned = machines.get(parent.src)?.spawns?.includes(src) ?? false;
  return isSpawned && id.startsWith(`${src}.`);
}

function findTransition(
  machines: Machines,
  machine: string,
  { event, from, to, actions }: MachineRecord & { readonly type: 'machine.transition' },
): TransitionDescription | undefined {
  const state = stateNamed(machines, machine, from);
  return state?.transitions?.find((transition) => {
    const { target = from } = transition;
    const isLeft = transition.target !== undefined;
    const all = [
      ...((isLeft && state.exit) || []),
      ...(transition.actions ?? []),
      ...((isLeft && stateNamed(machines, machine, target)?.entry) || []),
    ];
    const isNamed = transition.event.endsWith('*')
      ? event.startsWith(transition.event.slice(0, -1))
      : event === transition.event;
    return isNamed && target === to && String(all) === String(actions);
  });
}

/** An observer that keeps every record. */
export function collect() {
  const records: MachineRecord[] = [];
  return { records, observe: (record: MachineRecord): void => void records.push(record) };
}

/** A record in one line, with the id of its actor in place of the `ref`. */
export function write(records: readonly MachineRecord[]): readonly string[] {
  const ids = new Map<string | undefined, string>();
  return records.map((record) => {
    if (record.type === 'machine.actor') {
      const { ref, id, state } = record;
      ids.set(ref, id);
      return `${id} begins${state === undefined ? '' : `: ${state}`}`;
    }
    const id = ids.get(record.ref) ?? '?';
    if (record.type === 'machine.ended') return `${id} ends: ${record.status}`;
    const { event, source, from, to, actions } = record;
    const sender = source === undefined ? '' : ` from ${ids.get(source) ?? '?'}`;
    return `${id}: ${event}${sender}, ${from} → ${to} [${actions.join()}]`;
  });
}
