import { AssertionError } from 'node:assert';
import type { Boot } from '../boot/boot.ts';
import { formatDuration, toMilliseconds, type Duration } from '../core/duration.ts';
import type { BootEvent } from '../core/events.ts';
import { checkLine, isMeant, writeLine, type EventLine, type EventOf } from './event-lines.ts';
import { assertAllBefore, assertNone, assertOrder, listEvents } from './event-order.ts';

/** The options of {@link recordEvents}. */
export interface RecordEventsOptions {
  /**
   * How long `next()` waits for an event. In ms, or a string such as `'10s'`.
   *
   * @default '10s'
   */
  readonly within?: Duration;
  /**
   * Records only the events of one launch: 1 is the boot itself, 2 the first `boot.add()`.
   *
   * @default every event
   */
  readonly launch?: number;
}

/** The events of a boot, with assertions on their order. Each assertion throws an `AssertionError` of `node:assert`. */
export interface EventRecorder {
  /** Every event so far. */
  readonly events: readonly BootEvent[];
  /** Returns the events in one line each, such as `plugin.init.started catalog`: all, or those that begin with a prefix. */
  lines(prefix?: string): readonly string[];
  /** Returns the events of a line. */
  of<Line extends EventLine>(line: Line): readonly EventOf<Line>[];
  /**
   * Resolves with the next event of a line for which `match` returns true. An event that has come before the call counts too,
   * and none is returned twice.
   *
   * @throws AssertionError with the events that came instead: after `within`, or as soon as the boot has stopped
   * @example const { holder } = await recorder.next('plugin.migrate.waiting catalog');
   */
  next<Line extends EventLine>(
    line: Line,
    match?: (event: EventOf<Line>) => boolean,
  ): Promise<EventOf<Line>>;
  /**
   * Asserts that events of these lines came in this order. Others may have come in between.
   *
   * @example recorder.assertOrder(['plugin.migrate.finished catalog', 'plugin.init.started auth']);
   */
  assertOrder(expected: readonly EventLine[]): void;
  /**
   * Asserts that every event of one line came before any of another. It fails also when one of them did not come at all.
   *
   * @example recorder.assertAllBefore('plugin.migrate.finished', 'plugin.init.started');
   */
  assertAllBefore(first: EventLine, then: EventLine): void;
  /** Asserts that no event of this line has come so far. */
  assertNone(line: EventLine): void;
}

/** The boot itself. */
const firstLaunch = 1;

/** The timer of the process, whatever a test puts in its place later. */
const startTimer = setTimeout;

/**
 * Records the events of a boot, those included that it has emitted already.
 *
 * @example
 * const recorder = recordEvents(boot);
 * const started = boot.start();
 * await recorder.next('plugin.init.started catalog');
 * await started;
 * recorder.assertAllBefore('plugin.migrate.finished', 'plugin.init.started');
 */
export function recordEvents(
  boot: Pick<Boot, 'events' | 'onAny' | 'state'>,
  options: RecordEventsOptions = {},
): EventRecorder {
  const { within = '10s', launch } = options;
  const isRecorded = (event: BootEvent): boolean =>
    launch === undefined || (event.launch ?? firstLaunch) === launch;
  return new Recorder(boot, toMilliseconds(within, 'recordEvents within'), isRecorded);
}

/** A call of `next()` that has no event yet. */
interface Waiting {
  /** Whether this is the event. It may throw, because `match` is the test's own. */
  isFor(event: BootEvent): boolean;
  resolve(event: BootEvent): void;
  reject(error: unknown): void;
}

class Recorder implements EventRecorder {
  readonly #boot: Pick<Boot, 'state'>;
  readonly #withinMs: number;
  readonly #events: BootEvent[];
  readonly #returned = new Set<BootEvent>();
  readonly #waiting = new Set<Waiting>();

  constructor(
    boot: Pick<Boot, 'events' | 'onAny' | 'state'>,
    withinMs: number,
    isRecorded: (event: BootEvent) => boolean,
  ) {
    this.#boot = boot;
    this.#withinMs = withinMs;
    this.#events = boot.events.filter(isRecorded);
    boot.onAny((event) => {
      if (isRecorded(event)) this.#add(event);
    });
  }

  get events(): readonly BootEvent[] {
    return this.#events;
  }

  lines(prefix = ''): readonly string[] {
    return this.#events.filter(({ type }) => type.startsWith(prefix)).map(writeLine);
  }

  of<Line extends EventLine>(line: Line): readonly EventOf<Line>[] {
    checkLine(line);
    return this.#events.filter((event): event is EventOf<Line> => isMeant(event, line));
  }

  async next<Line extends EventLine>(
    line: Line,
    match: (event: EventOf<Line>) => boolean = () => true,
  ): Promise<EventOf<Line>> {
    checkLine(line);
    const isFor = (event: BootEvent): event is EventOf<Line> =>
      isMeant(event, line) && !this.#returned.has(event) && match(event as EventOf<Line>);
    const found = this.#events.find(isFor);
    if (found) return this.#take(found);
    const fail = (why: string): AssertionError => this.#describeAbsence(line, why);
    if (this.#events.at(-1)?.type === 'boot.stopped') throw fail('before the boot stopped');
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        isFor,
        resolve: (event) => {
          end();
          resolve(this.#take(event as EventOf<Line>));
        },
        reject: (error) => {
          end();
          reject(error ?? fail('before the boot stopped'));
        },
      };
      const timer = startTimer(
        () => waiting.reject(fail(`within ${formatDuration(this.#withinMs)}`)),
        this.#withinMs,
      );
      this.#waiting.add(waiting);
    });
  }

  // Functions, so that the stack trace of a failure begins at the test that calls them.
  readonly assertOrder: EventRecorder['assertOrder'] = (expected) =>
    assertOrder(this.#events, expected, this.assertOrder);

  readonly assertAllBefore: EventRecorder['assertAllBefore'] = (first, then) =>
    assertAllBefore(this.#events, [first, then], this.assertAllBefore);

  readonly assertNone: EventRecorder['assertNone'] = (line) =>
    assertNone(this.#events, line, this.assertNone);

  #add(event: BootEvent): void {
    this.#events.push(event);
    this.#offer(event);
    if (event.type === 'boot.stopped') for (const each of this.#waiting) each.reject(undefined);
  }

  /** Gives the event to the one that has waited longest for such an event. */
  #offer(event: BootEvent): void {
    for (const each of this.#waiting) {
      try {
        if (!each.isFor(event)) continue;
        each.resolve(event);
        return;
      } catch (error) {
        each.reject(error);
      }
    }
  }

  #take<Event extends BootEvent>(event: Event): Event {
    this.#returned.add(event);
    return event;
  }

  #describeAbsence(line: string, when: string): AssertionError {
    const same = this.#events.filter((event) => isMeant(event, line));
    const returned = same.filter((event) => this.#returned.has(event)).length;
    const others = [
      returned > 0 ? `${returned} of that line had been returned before` : '',
      same.length > returned ? `${same.length - returned} did not match` : '',
    ].filter((part) => part !== '');
    const headline = this.#boot.state().headline;
    const message = [
      `No ${line} came ${when}${others.length > 0 ? ` (${others.join(', ')})` : ''}.`,
      `State of the boot: ${headline}`,
      '',
      listEvents(this.#events, [line]),
      '',
    ].join('\n');
    return new AssertionError({ message, operator: 'next' });
  }
}
