import type { MachineNews } from '../../machines/index.ts';
import { stepIn, steps, type Step } from '../core/steps.ts';
import { BootRecord } from '../insight/boot-record.ts';
import type { PluginRecord } from '../insight/plugin-record.ts';
import type { Clock } from '../core/clock.ts';
import { roundMs } from '../core/duration.ts';
import { toError } from '../core/error-record.ts';
import { getTenant } from '../core/tenants.ts';
import type { BootEvent, Emit, UnstampedEvent } from '../core/events.ts';
import type { StatementCount } from './around/statement-count.ts';

interface RelayParts {
  readonly bootId: string;
  readonly clock: Clock;
  /** Called with each event, after the record has it. */
  readonly deliver: (event: BootEvent) => void;
  readonly sent: StatementCount;
}

/** How many events are kept whole: some tens of megabytes. */
const mostEvents = 100_000;

type Unstamped = UnstampedEvent | MachineNews;

/** Emits what machines and tasks report as events: adds stamp and duration, and keeps the record. */
export class Relay {
  readonly record: BootRecord;
  readonly #events: BootEvent[] = [];
  readonly #parts: RelayParts;
  readonly #begun = new Map<string, number>();
  #sentBefore = 0;
  readonly #queue: BootEvent[] = [];
  #isDelivering = false;
  #seq = 0;
  #start: number | undefined;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.record = new BootRecord(parts.bootId);
  }

  readonly emit = (unstamped: Unstamped): void => {
    this.#stamp(unstamped, this.#findLaunch(unstamped));
  };

  /** Returns a function that emits the events of a launch into a boot that is up; `undefined` is the boot itself. */
  emitIn(launch: number | undefined): Emit {
    return (unstamped) => this.#stamp(unstamped, launch);
  }

  #stamp(unstamped: Unstamped, launch: number | undefined): void {
    const now = this.#parts.clock.elapsed();
    this.#start ??= now;
    this.#seq += 1;
    const stamp = {
      bootId: this.#parts.bootId,
      seq: this.#seq,
      at: this.#parts.clock.now(),
      elapsedMs: roundMs(now - this.#start),
    };
    // Fields that are written behind a spread cost several times as much as a second spread.
    const event = { ...unstamped, ...this.#measure(unstamped, now), ...stamp } as BootEvent;
    // Nearly all events are those of the boot itself, and have no launch.
    if (launch !== undefined) Object.assign(event, { launch });
    this.record.add(event);
    this.#keep(event);
    this.#queue.push(event);
    this.#deliver();
  }

  /** Finds the launch that the machines name, or the one that has added the plugin of the event. */
  #findLaunch(unstamped: Unstamped): number | undefined {
    if ('launch' in unstamped) return unstamped.launch;
    if (!('plugin' in unstamped) || unstamped.plugin === undefined) return undefined;
    return 'removal' in unstamped ? undefined : this.record.findLaunchOf(unstamped.plugin);
  }

  /** Every event so far; after very many of them, without those of single statements. */
  get events(): readonly BootEvent[] {
    return this.#events;
  }

  /** Keeps the events of statements only as long as there are not too many: a file may have any number of them. */
  #keep(event: BootEvent): void {
    const isDetail = event.type.startsWith('plugin.migrate.execut');
    if (this.#events.length < mostEvents || !isDetail) this.#events.push(event);
  }

  /** The time since the first event, in ms. */
  get elapsedMs(): number {
    return this.#start === undefined ? 0 : roundMs(this.#parts.clock.elapsed() - this.#start);
  }

  /** Settles the steps that a boot never reached, so that each step of each plugin ends exactly once. */
  closeOpenSteps(because: string): void {
    this.#closeSteps(this.record.plugins, this.emitIn(undefined), because, steps);
    for (const { number } of this.record.launches) this.closeLaunch(number, because, steps);
  }

  /** Settles the steps that a launch into a boot that is up never reached. */
  closeLaunch(number: number, because: string, open: readonly Step[]): void {
    const launch = this.record.findLaunch(number);
    this.#closeSteps(launch?.record.plugins ?? [], this.emitIn(number), because, open);
  }

  #closeSteps(
    plugins: readonly PluginRecord[],
    emit: Emit,
    because: string,
    open: readonly Step[],
  ): void {
    for (const { id: plugin, steps: own } of plugins) {
      for (const step of open) {
        if (own[step].outcome !== undefined) continue;
        const end = { outcome: 'notReached', durationMs: 0, because } as const;
        emit({ type: `plugin.${step}.finished`, plugin, ...end });
      }
    }
  }

  /** Events that a listener emits come after the event that is being delivered, for every listener. */
  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      for (let event = this.#queue.shift(); event; event = this.#queue.shift()) {
        this.#parts.deliver(event);
      }
    } finally {
      this.#isDelivering = false;
    }
  }

  /** Notes when a phase, a step or a change begins. At its end, returns further fields of the event. */
  #measure(unstamped: Unstamped, now: number): object | undefined {
    const span = findSpan(unstamped);
    if (!span) return undefined;
    if (span.begins) {
      this.#begun.set(span.key, now);
      return undefined;
    }
    const durationMs = roundMs(now - (this.#begun.get(span.key) ?? now));
    this.#begun.delete(span.key);
    const hasFailed = 'error' in unstamped && unstamped.error !== undefined;
    return {
      durationMs,
      ...(hasFailed && { error: toError(unstamped.error) }),
      ...(unstamped.type === 'phase.finished' && this.#countSent()),
    };
  }

  #countSent(): { readonly statements?: number } {
    const statements = this.#parts.sent.total - this.#sentBefore;
    this.#sentBefore += statements;
    return statements === 0 ? {} : { statements };
  }
}

/** Finds the phase, the step or the change that an event begins or ends. */
function findSpan(
  event: Unstamped,
): { readonly key: string; readonly begins: boolean } | undefined {
  // Tenants say themselves how long they took.
  if (getTenant(event) !== undefined) return undefined;
  switch (event.type) {
    case 'phase.started':
    case 'phase.finished':
      return {
        key: `${event.phase} ${event.launch ?? ''}`,
        begins: event.type === 'phase.started',
      };
    case 'launch.started':
    case 'launch.finished':
      return { key: `launch ${event.launch}`, begins: event.type === 'launch.started' };
    case 'removal.started':
    case 'removal.finished':
      return { key: `removal ${event.removal}`, begins: event.type === 'removal.started' };
    case 'plugin.migrate.started':
    case 'plugin.init.started':
    case 'plugin.ready.started':
    case 'plugin.stop.started':
      return { key: `${stepIn(event.type)} ${event.plugin}`, begins: true };
    case 'plugin.migrate.finished':
    case 'plugin.init.finished':
    case 'plugin.ready.finished':
    case 'plugin.stop.finished':
      return { key: `${stepIn(event.type)} ${event.plugin}`, begins: false };
    default:
      return undefined;
  }
}
