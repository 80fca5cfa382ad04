import type { AnyActorRef } from 'xstate';
import type { InspectOptions, MachineObserver, MachineRecord } from '../core/machine-records.ts';
import { guardListener } from '../telemetry/bus.ts';
import { LiveActors } from './live-actors.ts';

interface InspectionParts {
  /** The time since `start()`, in ms. */
  readonly elapsed: () => number;
  /** Called with each failure of an observer, and the type of the record. Its own errors are dropped. */
  readonly report: (error: Error, type: string) => void;
}

interface Observer {
  readonly observe: (record: MachineRecord) => void;
  readonly withTasks: boolean;
}

/** The observers of the machines of a boot. XState is asked to report only while there is one. */
export class MachineInspection {
  readonly #parts: InspectionParts;
  readonly #queue: { readonly record: MachineRecord; readonly to: readonly Observer[] }[] = [];
  #observers: readonly Observer[] = [];
  #isDelivering = false;
  #root: AnyActorRef | undefined;
  #actors: LiveActors | undefined;

  constructor(parts: InspectionParts) {
    this.#parts = parts;
  }

  /** Follows a machine that has not been started. */
  watch(root: AnyActorRef): void {
    this.#root = root;
    if (this.#observers.length > 0) this.#actors = this.#follow(root);
  }

  /** Adds an observer, which first gets a record of each actor that is alive. Returns a function that removes it. */
  add(observer: MachineObserver, { tasks: withTasks = true }: InspectOptions = {}): () => void {
    const guarded = guardListener(observer, (error, { type }) => this.#parts.report(error, type));
    const added = { observe: withTasks ? guarded : withoutTasks(guarded), withTasks };
    this.#observers = [...this.#observers, added];
    if (this.#root && !this.#actors) {
      this.#actors = this.#follow(this.#root);
      this.#actors.addPresent();
    } else {
      this.#actors?.followTasks(this.#wantsTasks);
    }
    for (const actor of this.#actors?.list() ?? []) this.#deliver(actor, [added]);
    return () => this.#remove(added);
  }

  #remove(removed: Observer): void {
    this.#observers = this.#observers.filter((other) => other !== removed);
    this.#actors?.followTasks(this.#wantsTasks);
    if (this.#observers.length > 0) return;
    this.#actors?.leave();
    this.#actors = undefined;
  }

  get #wantsTasks(): boolean {
    return this.#observers.some(({ withTasks }) => withTasks);
  }

  #follow(root: AnyActorRef): LiveActors {
    const { elapsed, report } = this.#parts;
    return new LiveActors(root, {
      elapsed,
      withTasks: this.#wantsTasks,
      report,
      emit: (record) => this.#deliver(record, this.#observers),
    });
  }

  /** Records that an observer causes come after the one that is being delivered, for every observer. */
  #deliver(record: MachineRecord, to: readonly Observer[]): void {
    if (this.#isDelivering) {
      this.#queue.push({ record, to });
      return;
    }
    this.#isDelivering = true;
    this.#call(record, to);
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      this.#call(next.record, next.to);
    }
    this.#isDelivering = false;
  }

  /** An observer that was removed meanwhile gets nothing more. */
  #call(record: MachineRecord, to: readonly Observer[]): void {
    for (const observer of to) {
      if (this.#observers.includes(observer)) observer.observe(record);
    }
  }
}

/** Leaves out tasks, and transitions by which a task ends and its machine stays where it is. A task is known by having no state. */
function withoutTasks(observe: Observer['observe']): Observer['observe'] {
  const machines = new Set<string>();
  return (record) => {
    if (record.type === 'machine.actor' && record.state !== undefined) machines.add(record.ref);
    if (!machines.has(record.ref)) return;
    if (record.type !== 'machine.transition' || record.source === undefined) {
      observe(record);
    } else if (machines.has(record.source)) {
      observe(record);
    } else if (record.from !== record.to) {
      const { source: _task, ...rest } = record;
      observe(rest);
    }
  };
}
