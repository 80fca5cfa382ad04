import { toPlainError, type ErrorRecord } from '../core/error-record.ts';
import type { BootEvent, BootEventName } from '../core/events.ts';

type Plain<T> = T extends Error
  ? ErrorRecord
  : T extends readonly (infer Item)[]
    ? readonly Plain<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Plain<T[Key]> }
      : T;

/** An event as plain JSON: its errors are records. */
export type RecordedEvent = Plain<BootEvent>;

/** An event of this process, or of a recording. */
export type AnyEvent = BootEvent | RecordedEvent;
/** The event of one name. */
export type EventOf<Name extends BootEventName> = Extract<AnyEvent, { readonly type: Name }>;

/** Turns the errors of an event into records. */
export function toRecordedEvent(event: AnyEvent): RecordedEvent {
  const { error, errors } = event as { error?: Error; errors?: readonly Error[] };
  if (error === undefined && errors === undefined) return event as RecordedEvent;
  return {
    ...event,
    ...(error === undefined ? {} : { error: toPlainError(error) }),
    ...(errors === undefined ? {} : { errors: errors.map(toPlainError) }),
  } as RecordedEvent;
}
