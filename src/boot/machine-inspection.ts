import type { AnyActorRef } from 'xstate';
import type { MachineObserver, MachineRecord } from '../core/machine-records.ts';
import { guardListener } from '../telemetry/bus.ts';
import { LiveActors } from './live-actors.ts';

interface InspectionParts {
  /** The time since `start()`, in ms. */
  readonly elapsed: () => number;
  /** Called with each failure of an observer, and the type of the record. Its own errors are dropped. */
  readonly report: (error: Error, type: string) => void;
}

type Observe = (record: MachineRecord) => void;

/** The observers of the machines of a boot. XState is asked to report only while there is one. */
export class MachineInspection {
  readonly #parts: InspectionParts;
  readonly #queue: { readonly record: MachineRecord; readonly to: readonly Observe[] }[] = [];
  #observers: readonly Observe[] = [];
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
  add(observer: MachineObserver): () => void {
    const observe = guardListener(observer, (error, { type }) => this.#parts.report(error, type));
    if (this.#root && !this.#actors) {
      this.#actors = this.#follow(this.#root);
      this.#actors.add(this.#root);
    }
    const present = this.#actors?.list() ?? [];
    this.#observers = [...this.#observers, observe];
    for (const actor of present) this.#deliver(actor, [observe]);
    return () => this.#remove(observe);
  }

  #remove(observe: Observe): void {
    this.#observers = this.#observers.filter((other) => other !== observe);
    if (this.#observers.length > 0) return;
    this.#actors?.leave();
    this.#actors = undefined;
  }

  #follow(root: AnyActorRef): LiveActors {
    const { elapsed, report } = this.#parts;
    return new LiveActors(root, {
      elapsed,
      report,
      emit: (record) => this.#deliver(record, this.#observers),
    });
  }

  /** Records that an observer causes come after the one that is being delivered, for every observer. */
  #deliver(record: MachineRecord, to: readonly Observe[]): void {
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
  #call(record: MachineRecord, to: readonly Observe[]): void {
    for (const observe of to) {
      if (this.#observers.includes(observe)) observe(record);
    }
  }
}
