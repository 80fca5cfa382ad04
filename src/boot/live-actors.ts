import type {
  AnyActorRef,
  AnyTransitionDefinition,
  InspectedEventEvent,
  InspectedMicrostepEvent,
  InspectionEvent,
} from 'xstate';
import {
  nameAction,
  nameMachineEvent,
  type MachineActor,
  type MachineEnded,
  type MachineRecord,
  type MachineTransition,
} from '../core/machine-records.ts';
import { guardListener } from '../telemetry/bus.ts';

interface LiveActorsParts {
  /** The time since `start()`, in ms. */
  readonly elapsed: () => number;
  /**
   * Whether tasks are followed, too. Without them, a transition by which a task ends and its machine stays where it is is passed
   * over.
   */
  readonly withTasks: boolean;
  readonly emit: (record: MachineRecord) => void;
  /** Called with an error of this class itself, with which XState would break the machine. */
  readonly report: (error: Error, type: string) => void;
}

/** An event of one actor to another, and the end of the sender if the event reports it. */
interface Sent {
  readonly from: string;
  readonly to: string;
  readonly isFromTask: boolean;
  readonly ending: 'done' | 'error' | undefined;
}

/** The record of an actor, and the state that it is in now. */
interface LiveActor {
  readonly begun: MachineActor;
  state: string | undefined;
}

/**
 * Follows the actors of a boot, and makes records of what XState's `inspect` reports. Of the events, snapshots and actions that
 * XState hands over, only names are read.
 */
export class LiveActors {
  readonly #parts: LiveActorsParts;
  readonly #alive = new Map<string, LiveActor>();
  /** XState makes a machine, and takes its first transitions, before it starts it. */
  readonly #early = new Map<string, MachineTransition[]>();
  /** Events on their way to a machine. A WeakMap with so many keys would cost more than all the rest. */
  readonly #onTheWay = new Map<object, Sent>();
  readonly #actions = new WeakMap<AnyTransitionDefinition, readonly string[]>();
  readonly #root: AnyActorRef;
  readonly #leave: () => void;
  #withTasks: boolean;

  constructor(root: AnyActorRef, parts: LiveActorsParts) {
    this.#root = root;
    this.#parts = parts;
    this.#withTasks = parts.withTasks;
    const inspection = root.system.inspect(
      guardListener(
        (event: InspectionEvent) => this.#take(event),
        (error, { type }) => parts.report(error, type),
      ),
    );
    // The end of the root reaches no parent, and its error is not inspected at all.
    const end = root.subscribe({
      complete: () => this.#end(root.sessionId, 'done'),
      error: () => this.#end(root.sessionId, 'error'),
    });
    this.#leave = () => {
      inspection.unsubscribe();
      end.unsubscribe();
    };
  }

  /** Follows tasks from now on, too, or passes them over. */
  followTasks(isWanted: boolean): void {
    const isNew = isWanted && !this.#withTasks;
    this.#withTasks = isWanted;
    if (isNew) this.addPresent();
  }

  /** Adds the actors that have begun already. */
  addPresent(): void {
    this.#addPresent(this.#root);
  }

  /** Lists the actors that are alive, each with its present state. A parent comes before its children. */
  list(): readonly MachineActor[] {
    const elapsedMs = this.#parts.elapsed();
    return [...this.#alive.values()].map(({ begun, state }) => ({
      ...begun,
      ...(state !== undefined && { state }),
      elapsedMs,
    }));
  }

  leave(): void {
    this.#leave();
  }

  #addPresent(actor: AnyActorRef, parent?: AnyActorRef): void {
    const { status, value, children } = actor.getSnapshot() as Snapshot;
    if (status !== 'active' || this.#passesOver(value)) return;
    if (!this.#alive.has(actor.sessionId)) {
      const begun = describeActor(actor, parent, value, this.#parts.elapsed());
      this.#alive.set(actor.sessionId, { begun, state: value });
    }
    for (const child of Object.values(children ?? {})) this.#addPresent(child, actor);
  }

  /** A task is known by having no state. */
  #passesOver(state: string | undefined): boolean {
    return state === undefined && !this.#withTasks;
  }

  #take(event: InspectionEvent): void {
    switch (event.type) {
      case '@xstate.event':
        this.#takeEvent(event);
        break;
      case '@xstate.microstep':
        this.#takeStep(event);
        break;
      case '@xstate.snapshot':
        if (event.snapshot.status === 'stopped') this.#end(event.actorRef.sessionId, 'stopped');
        break;
      default:
        break;
    }
  }

  #takeEvent({ event, sourceRef, actorRef }: InspectedEventEvent): void {
    if (event.type === 'xstate.init') {
      this.#begin(actorRef as AnyActorRef, sourceRef as AnyActorRef | undefined);
      return;
    }
    if (!sourceRef || sourceRef === actorRef) return;
    const from = sourceRef.sessionId;
    const sent = {
      from,
      to: actorRef.sessionId,
      isFromTask: this.#alive.get(from)?.state === undefined,
      ending: readEnding(event),
    };
    // To a task, or to a machine that has broken.
    if (this.#alive.get(sent.to)?.state === undefined) this.#endSender(sent);
    else this.#onTheWay.set(event, sent);
  }

  #begin(actor: AnyActorRef, parent: AnyActorRef | undefined): void {
    const ref = actor.sessionId;
    if (this.#alive.has(ref)) return;
    const early = this.#early.get(ref) ?? [];
    this.#early.delete(ref);
    const state = early[0]?.from ?? (actor.getSnapshot() as Snapshot).value;
    if (this.#passesOver(state)) return;
    const begun = describeActor(actor, parent, state, this.#parts.elapsed());
    const live: LiveActor = { begun, state };
    this.#alive.set(ref, live);
    this.#parts.emit(begun);
    for (const transition of early) {
      this.#move(live, { ...transition, elapsedMs: this.#parts.elapsed() });
    }
  }

  #takeStep({ actorRef, event, snapshot, _transitions: taken }: InspectedMicrostepEvent): void {
    const sent = this.#onTheWay.get(event);
    this.#onTheWay.delete(event);
    // Only now. An observer that stops the boot at this record would find a machine that does not know of the end.
    if (sent) this.#endSender(sent);
    const [transition] = taken;
    const to = (snapshot as Snapshot).value;
    if (!transition || to === undefined) return;
    const from = transition.source.key;
    if (from === to && sent?.isFromTask && !this.#withTasks) return;
    const actions = this.#nameActions(transition);
    if (from === to && actions.length === 0) return;
    const isAlways = transition.eventType === '';
    const ref = actorRef.sessionId;
    const record: MachineTransition = {
      type: 'machine.transition',
      ref,
      event: nameMachineEvent(isAlways ? '' : event.type),
      ...(sent && !isAlways && { source: sent.from }),
      from,
      to,
      actions,
      elapsedMs: this.#parts.elapsed(),
    };
    const actor = this.#alive.get(ref);
    if (actor) this.#move(actor, record);
    else this.#early.set(ref, [...(this.#early.get(ref) ?? []), record]);
  }

  #move(actor: LiveActor, transition: MachineTransition): void {
    actor.state = transition.to;
    this.#parts.emit(transition);
  }

  #end(ref: string, status: MachineEnded['status']): void {
    if (!this.#alive.delete(ref)) return;
    // What a machine had not taken before it broke.
    for (const [event, sent] of this.#onTheWay) {
      if (sent.to !== ref) continue;
      this.#onTheWay.delete(event);
      this.#endSender(sent);
    }
    this.#parts.emit({ type: 'machine.ended', ref, status, elapsedMs: this.#parts.elapsed() });
  }

  #endSender({ from, ending }: Sent): void {
    if (ending) this.#end(from, ending);
  }

  /** The names are the same for each run of a transition. */
  #nameActions(transition: AnyTransitionDefinition): readonly string[] {
    let names = this.#actions.get(transition);
    if (!names) {
      const { source, actions, reenter } = transition;
      const target = transition.target?.[0];
      const isLeft = target !== undefined && (target !== source || reenter);
      const all = isLeft ? [...source.exit, ...actions, ...target.entry] : actions;
      names = Object.freeze(all.map((action) => nameAction(action)));
      this.#actions.set(transition, names);
    }
    return names;
  }
}

/** Reads from an event whether, and how, its sender has ended. */
function readEnding({ type }: { readonly type: string }): Sent['ending'] {
  if (type.startsWith('xstate.done.actor.')) return 'done';
  return type.startsWith('xstate.error.actor.') ? 'error' : undefined;
}

/** The parts of a snapshot that are read; a task has neither a value nor children. */
interface Snapshot {
  readonly status: string;
  /** The name of the state: no machine has states within states. */
  readonly value?: string;
  readonly children?: Readonly<Record<string, AnyActorRef>>;
}

function describeActor(
  { sessionId, id, src }: AnyActorRef,
  parent: AnyActorRef | undefined,
  state: string | undefined,
  elapsedMs: number,
): MachineActor {
  const name = typeof src === 'string' ? src : 'boot';
  return {
    type: 'machine.actor',
    ref: sessionId,
    ...(parent && { parent: parent.sessionId }),
    id: parent ? id : name,
    src: name,
    ...(state !== undefined && { state }),
    elapsedMs,
  };
}
