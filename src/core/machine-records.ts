interface OfActor {
  /** An id that is unique in this boot: `x:3`. */
  readonly ref: string;
  /** Since `start()`, in ms. */
  readonly elapsedMs: number;
}

/** A machine or a task has begun. An observer that comes later gets one for each that is alive. */
export interface MachineActor extends OfActor {
  readonly type: 'machine.actor';
  /** The `ref` of the machine that began it; left out for the machine `boot`. */
  readonly parent?: string;
  /** The name below its parent: `migrate.catalog`. */
  readonly id: string;
  /** The name of the machine or task: `migrateAll`, `migrate`. */
  readonly src: string;
  /** The state that a machine is in; left out for a task. */
  readonly state?: string;
}

/** A machine has taken a transition. `from` and `to` may be the same state. */
export interface MachineTransition extends OfActor {
  readonly type: 'machine.transition';
  /** The name of the event, never its data: `STOP`, `done.migrate.catalog`, `always`. */
  readonly event: string;
  /** The `ref` of the actor that sent the event; left out when it came from outside, and for `always`. */
  readonly source?: string;
  readonly from: string;
  readonly to: string;
  /** The actions that ran, in their order: on leaving `from`, of the transition, on entering `to`. */
  readonly actions: readonly string[];
}

/** A machine or a task has ended. */
export interface MachineEnded extends OfActor {
  readonly type: 'machine.ended';
  /** `error` is a defect: a task that fails in an expected way is `done`. */
  readonly status: 'done' | 'error' | 'stopped';
}

/**
 * A change of the machines and tasks of a boot. Records hold names only, never data. Together they tell at any moment which
 * actors are alive, and the state of each machine.
 */
export type MachineRecord = MachineActor | MachineTransition | MachineEnded;

/** Receives machine records. When it throws or rejects, the error is logged and affects nothing else. */
export type MachineObserver = (record: MachineRecord) => unknown;

/** What an observer of the machines gets. */
export interface InspectOptions {
  /**
   * Whether it gets records of tasks, too. Most actors of a boot are tasks, of which the events tell more. Without them, a
   * transition by which a task ends has no `source`, and makes no record when its machine stays where it is.
   *
   * @default true
   */
  readonly tasks?: boolean;
}

/**
 * Returns our name of an event of XState: `done.migrate.catalog` for `xstate.done.actor.migrate.catalog`, and `always` for a
 * transition that needs no event.
 */
export function nameMachineEvent(type: string): string {
  if (type === '') return 'always';
  for (const end of ['done', 'error']) {
    const prefix = `xstate.${end}.actor.`;
    if (type.startsWith(prefix)) return `${end}.${type.slice(prefix.length)}`;
  }
  return type;
}

/** Returns the name of an action as XState has it in a definition. */
export function nameAction(action: unknown): string {
  if (typeof action === 'string') return action;
  const { type, name } = action as { readonly type?: string; readonly name?: string };
  return type ?? name ?? 'anonymous';
}

/** A machine as plain JSON. */
export interface MachineDescription {
  /** The `src` of its actor in machine records. */
  readonly id: string;
  readonly initial: string;
  readonly states: readonly StateDescription[];
  /** The tasks that its actions begin, one for each plugin; left out when there are none. */
  readonly spawns?: readonly string[];
}

/** A state. Empty lists are left out. */
export interface StateDescription {
  readonly name: string;
  readonly isFinal?: true;
  /** The names of the actions on entering it. */
  readonly entry?: readonly string[];
  /** The names of the actions on leaving it. */
  readonly exit?: readonly string[];
  /** The actors that live as long as the machine is in this state. */
  readonly invokes?: readonly InvokeDescription[];
  /** Of several for one event, the first whose guard holds is taken. */
  readonly transitions?: readonly TransitionDescription[];
}

/** An actor that a state begins. `src` is the id of a machine, or the name of a task. */
export interface InvokeDescription {
  readonly id: string;
  readonly src: string;
}

/** A transition of a state. */
export interface TransitionDescription {
  /** Named as in machine records; `*` at the end stands for any plugin: `done.migrate.*`. */
  readonly event: string;
  /** The next state; left out when the machine stays in this one. */
  readonly target?: string;
  readonly guard?: string;
  /** The names of the actions between the exit and the entry. */
  readonly actions?: readonly string[];
}
