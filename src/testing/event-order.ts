import { AssertionError } from 'node:assert';
import type { BootEvent } from '../core/events.ts';
import { checkLine, isMeant, writeLine } from './event-lines.ts';

/** With more events than these, a message shows only those that it is about. */
const mostShown = 60;

/** The function that a test has called, which the stack trace begins behind. */
type Caller = (...args: never) => unknown;

/** @throws AssertionError unless the events have these lines in this order; others may come in between. */
export function assertOrder(
  events: readonly BootEvent[],
  expected: readonly string[],
  caller: Caller,
): void {
  expected.forEach(checkLine);
  const places: number[] = [];
  for (const [index, line] of expected.entries()) {
    const after = places.at(-1) ?? -1;
    const place = events.findIndex((event, number) => number > after && isMeant(event, line));
    if (place < 0) {
      throw failure(events, {
        message: describeBreak(events, expected, places, index),
        concerned: expected,
        expected,
        caller,
      });
    }
    places.push(place);
  }
}

/** @throws AssertionError unless all events of one line came before any of another, and there are both. */
export function assertAllBefore(
  events: readonly BootEvent[],
  [first, then]: readonly [first: string, then: string],
  caller: Caller,
): void {
  [first, then].forEach(checkLine);
  for (const line of [first, then]) {
    if (events.some((event) => isMeant(event, line))) continue;
    throw failure(events, {
      message: `No ${line} came, so nothing can be said of its order.`,
      concerned: [first, then],
      expected: [first, then],
      caller,
    });
  }
  const last = events.findLastIndex((event) => isMeant(event, first));
  const early = events.findIndex((event) => isMeant(event, then));
  if (last < early) return;
  throw failure(events, {
    message: `Expected every ${first} before any ${then}, but ${at(events, early)} came before ${at(events, last)}.`,
    concerned: [first, then],
    expected: events
      .filter((event) => isMeant(event, first) || isMeant(event, then))
      .toSorted((a, b) => Number(isMeant(a, then)) - Number(isMeant(b, then)))
      .map(writeLine),
    caller,
  });
}

/** @throws AssertionError when there is an event of this line. */
export function assertNone(events: readonly BootEvent[], line: string, caller: Caller): void {
  checkLine(line);
  const found = events.findIndex((event) => isMeant(event, line));
  if (found < 0) return;
  throw failure(events, {
    message: `Expected no ${line}, but ${at(events, found)} came.`,
    concerned: [line],
    expected: [],
    caller,
  });
}

/** Lists events with their numbers, and marks those that the message is about. */
export function listEvents(events: readonly BootEvent[], concerned: readonly string[]): string {
  const isConcerned = (event: BootEvent): boolean => concerned.some((line) => isMeant(event, line));
  const isShown = (event: BootEvent, index: number): boolean =>
    events.length <= mostShown || isConcerned(event) || index >= events.length - 5;
  const lines = events.flatMap((event, index) =>
    isShown(event, index)
      ? [
          `  ${isConcerned(event) ? '>' : ' '} ${String(index + 1).padStart(5)}  ${writeLine(event)}`,
        ]
      : [],
  );
  const left = events.length - lines.length;
  const total = `${events.length} event${events.length === 1 ? '' : 's'}`;
  const heading = `The boot has emitted ${total}${left > 0 ? `, ${left} of them not shown` : ''}`;
  return [`${heading}${lines.length > 0 ? ':' : '.'}`, ...lines].join('\n');
}

function describeBreak(
  events: readonly BootEvent[],
  expected: readonly string[],
  places: readonly number[],
  broken: number,
): string {
  const width = Math.max(...expected.map((line) => line.length));
  const lines = expected.map((line, index) => {
    const place = places[index];
    if (place !== undefined) return `  ok  ${line.padEnd(width)}  event ${place + 1}`;
    if (index > broken) return `      ${line}`;
    return `  ->  ${line.padEnd(width)}  ${describeMissing(events, line)}`;
  });
  return ['Expected events in this order:', ...lines].join('\n');
}

function describeMissing(events: readonly BootEvent[], line: string): string {
  const place = events.findIndex((event) => isMeant(event, line));
  return place < 0 ? 'did not come' : `came earlier, as event ${place + 1}`;
}

function at(events: readonly BootEvent[], index: number): string {
  const event = events[index];
  return event ? `${writeLine(event)} (event ${index + 1})` : '';
}

interface Failure {
  readonly message: string;
  /** The lines that are marked among the events; the difference shows them alone. */
  readonly concerned: readonly string[];
  readonly expected: readonly string[];
  readonly caller: Caller;
}

function failure(events: readonly BootEvent[], { message, ...rest }: Failure): AssertionError {
  return new AssertionError({
    message: `${message}\n\n${listEvents(events, rest.concerned)}\n`,
    actual: events
      .filter((event) => rest.concerned.some((line) => isMeant(event, line)))
      .map(writeLine),
    expected: [...rest.expected],
    operator: rest.caller.name,
    stackStartFn: rest.caller,
  });
}
