import { roundMs } from '../core/duration.ts';
import { toPlainError, type ErrorRecord } from '../core/error-record.ts';
import type { RemovalOutcome } from '../core/steps.ts';
import type { Span } from './file-runs.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { AnyEvent, EventOf } from './recorded-event.ts';

/** The facts of the beginning of a boot. */
export type StartFacts = Omit<
  EventOf<'boot.started'>,
  'type' | 'bootId' | 'seq' | 'at' | 'elapsedMs' | 'launch'
>;

/** The record of one launch. */
interface Fold {
  find(plugin: string): PluginRecord | undefined;
  add(event: AnyEvent): void;
}

/**
 * A launch into a boot that was up. Its record is that of a boot of its own, which has only its plugins and begins at 0.
 */
export interface LaunchRecord<Facts> {
  /** 2, 3, …: the boot itself is launch 1. */
  readonly number: number;
  /** When it began, in ms from the start of the boot. */
  readonly startedAtMs: number;
  /** Its first event. */
  readonly seq: number;
  /** Its last event, when it has failed: then all that it had started is down. */
  failedSeq?: number;
  /** The ids of the plugins that it was to add. */
  readonly plugins: readonly string[];
  /** The numbers of the removals of its plugins. A later launch may have added a plugin of the same id. */
  readonly removals: Set<number>;
  readonly record: Facts;
}

/** A removal of a plugin from a boot that was up. */
export interface RemovalRecord extends Span {
  readonly removal: number;
  readonly plugin: string;
  /** The plugins that were stopped. */
  readonly plugins: readonly string[];
  outcome: RemovalOutcome | 'running';
  error?: ErrorRecord;
  because?: string;
}

/** The plugins that came and went while a boot was up. */
export class ChangesRecord<Facts extends Fold> {
  readonly launches: LaunchRecord<Facts>[] = [];
  readonly removals: RemovalRecord[] = [];
  readonly #boot: Facts;
  readonly #createRecord: (launch: number) => Facts;
  #start: StartFacts | undefined;

  /** @param boot The record of the launch that every boot begins with. */
  constructor(boot: Facts, createRecord: (launch: number) => Facts) {
    this.#boot = boot;
    this.#createRecord = createRecord;
  }

  begin(start: StartFacts): void {
    this.#start = start;
  }

  find(number: number): LaunchRecord<Facts> | undefined {
    return this.launches.findLast((launch) => launch.number === number);
  }

  /** Finds the launch that has added a plugin; `undefined` for those of the boot itself. */
  findLaunchOf(plugin: string): number | undefined {
    return this.#findOwner(plugin)?.number;
  }

  /** Adds an event of a launch, or one of the boot that concerns the plugins of launches. */
  add(event: AnyEvent): void {
    if (event.type === 'launch.started' || event.type === 'launch.finished') {
      this.#addLaunch(event);
    }
    if (event.type === 'removal.started' || event.type === 'removal.finished') {
      this.#assignRemoval(event);
    }
    const { launches } = this;
    for (let at = launches.length - 1; at >= 0; at -= 1) {
      const launch = launches[at];
      const own = launch && this.#start && toLaunchEvent(event, launch, this.#start);
      if (own) launch.record.add(own);
      if (event.launch === launch?.number) break;
    }
    if (event.type === 'launch.finished' && event.outcome === 'failed') {
      const failed = this.find(event.launch);
      if (failed) failed.failedSeq = event.seq;
    }
    if (event.type === 'removal.started') this.#beginRemoval(event);
    if (event.type === 'removal.finished') this.#endRemoval(event);
  }

  /** A launch whose turn never came ends without having begun. */
  #addLaunch(event: EventOf<'launch.started' | 'launch.finished'>): void {
    if (this.find(event.launch)) return;
    this.launches.push({
      number: event.launch,
      startedAtMs: event.elapsedMs,
      seq: event.seq,
      plugins: 'plugins' in event ? event.plugins : [],
      removals: new Set(),
      record: this.#createRecord(event.launch),
    });
  }

  /** A removal concerns the launches that its plugins have come with; one that is refused begins with its end. */
  #assignRemoval({ removal, plugins }: EventOf<'removal.started' | 'removal.finished'>): void {
    if (this.removals.findLast((each) => each.removal === removal)) return;
    for (const id of plugins) this.#findOwner(id)?.removals.add(removal);
  }

  #beginRemoval({ removal, plugin, plugins, elapsedMs }: EventOf<'removal.started'>): void {
    this.removals.push({ removal, plugin, plugins, startMs: elapsedMs, outcome: 'running' });
    for (const id of plugins) {
      const owner = this.#findOwner(id);
      const known = (owner?.record ?? this.#boot).find(id);
      if (known) known.removedAtMs ??= elapsedMs - (owner?.startedAtMs ?? 0);
    }
  }

  #endRemoval(event: EventOf<'removal.finished'>): void {
    const { removal, plugin, plugins, elapsedMs, outcome, error, because } = event;
    let known = this.removals.findLast((each) => each.removal === removal);
    if (!known) {
      known = { removal, plugin, plugins, startMs: elapsedMs, outcome };
      this.removals.push(known);
    }
    Object.assign(known, {
      endMs: elapsedMs,
      outcome,
      ...(error && { error: toPlainError(error) }),
      ...(because !== undefined && { because }),
    });
  }

  #findOwner(plugin: string): LaunchRecord<Facts> | undefined {
    return this.launches.findLast(
      ({ failedSeq, record }) => failedSeq === undefined && record.find(plugin) !== undefined,
    );
  }
}

/** Whether an event of the boot concerns a launch, because it ends what that has started. */
function endsLaunch(
  event: AnyEvent,
  { seq, failedSeq = Number.POSITIVE_INFINITY, removals }: LaunchRecord<Fold>,
): boolean {
  if (event.seq <= seq || event.seq >= failedSeq) return false;
  switch (event.type) {
    case 'boot.stopping':
    case 'boot.stopped':
      return true;
    case 'phase.started':
    case 'phase.finished':
      return event.phase === 'stopAll';
    case 'removal.started':
    case 'removal.finished':
      return removals.has(event.removal);
    default:
      return false;
  }
}

/**
 * Turns an event of a boot into the event of one of its launches, as if that were a boot of its own. Returns `undefined` when it
 * does not concern that launch.
 *
 * @param start The facts of the boot.
 */
export function toLaunchEvent<Event extends AnyEvent>(
  event: Event,
  of: LaunchRecord<Fold>,
  start: StartFacts,
): Event | undefined {
  const { launch, ...rest } = event;
  const isOwn = launch === undefined ? endsLaunch(event, of) : launch === of.number;
  if (!isOwn) return undefined;
  const own = { ...rest, elapsedMs: roundMs(event.elapsedMs - of.startedAtMs) };
  if (event.type === 'launch.started') {
    return { ...own, ...start, type: 'boot.started', until: 'ready' } as Event;
  }
  return (event.type === 'launch.finished' ? { ...own, type: 'boot.finished' } : own) as Event;
}
