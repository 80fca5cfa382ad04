import { EventEmitter } from 'eventemitter3';
import { toError } from '../core/error-record.ts';
import type { BootEvent, BootEventName, BootEventOf } from '../core/events.ts';
import { hearRejection } from '../core/foreign-value.ts';

/** Receives events. When it throws or rejects, the error is reported and affects nothing else. */
export type Listener<Event> = (event: Event) => unknown;

/** Adds and removes listeners. */
export interface EventSource {
  /** Calls the listener for every event of this name, in the order in which listeners were added. */
  on<Name extends BootEventName>(name: Name, listener: Listener<BootEventOf<Name>>): () => void;
  /** Calls the listener for the next event of this name only. */
  once<Name extends BootEventName>(name: Name, listener: Listener<BootEventOf<Name>>): () => void;
  off<Name extends BootEventName>(name: Name, listener: Listener<BootEventOf<Name>>): void;
  /** Calls the listener for every event, after those that listen to its name. */
  onAny(listener: Listener<BootEvent>): () => void;
}

type ReportListenerError = (error: Error, event: BootEvent) => void;

const any = Symbol('any event');
type AnyListener = (event: never) => unknown;
type Guarded = (event: BootEvent) => void;
type Channel = BootEventName | typeof any;

/** An emitter whose listeners cannot harm the emitting code, neither by throwing nor by rejecting. */
export class EventBus implements EventSource {
  readonly #emitter = new EventEmitter<Record<Channel, Guarded>>();
  readonly #guarded = new Map<Channel, Map<AnyListener, Guarded>>();
  readonly #report: ReportListenerError;

  /** @param report Is called for each listener that failed. Its own errors are dropped. */
  constructor(report: ReportListenerError) {
    this.#report = report;
  }

  on<Name extends BootEventName>(name: Name, listener: Listener<BootEventOf<Name>>): () => void {
    return this.#join(name, listener);
  }

  once<Name extends BootEventName>(name: Name, listener: Listener<BootEventOf<Name>>): () => void {
    return this.#join(name, listener, true);
  }

  off<Name extends BootEventName>(name: Name, listener: Listener<BootEventOf<Name>>): void {
    this.#leave(name, listener);
  }

  onAny(listener: Listener<BootEvent>): () => void {
    return this.#join(any, listener);
  }

  emit(event: BootEvent): void {
    this.#emitter.emit(event.type, event);
    this.#emitter.emit(any, event);
  }

  #join(channel: Channel, listener: AnyListener, isOnce = false): () => void {
    const known = this.#guarded.get(channel) ?? new Map<AnyListener, Guarded>();
    this.#guarded.set(channel, known);
    if (!known.has(listener)) {
      const call = this.#guard(listener);
      const guarded: Guarded = isOnce
        ? (event) => {
            this.#leave(channel, listener);
            call(event);
          }
        : call;
      known.set(listener, guarded);
      this.#emitter.on(channel, guarded);
    }
    return () => this.#leave(channel, listener);
  }

  #leave(channel: Channel, listener: AnyListener): void {
    const guarded = this.#guarded.get(channel)?.get(listener);
    if (!guarded) return;
    this.#guarded.get(channel)?.delete(listener);
    this.#emitter.off(channel, guarded);
  }

  #guard(listener: AnyListener): Guarded {
    return guardListener(listener as Listener<BootEvent>, this.#report);
  }
}

/** Wraps a listener: when it throws or rejects, `report` gets the error, and the caller never does. */
export function guardListener<Event>(
  listener: Listener<Event>,
  report: (error: Error, event: Event) => void,
): (event: Event) => void {
  const reportSafely = (thrown: unknown, event: Event): void => {
    try {
      report(toError(thrown), event);
    } catch {
      // A logger that throws must not end the boot either.
    }
  };
  return (event) => {
    try {
      hearRejection(listener(event), (thrown) => reportSafely(thrown, event));
    } catch (thrown) {
      reportSafely(thrown, event);
    }
  };
}
