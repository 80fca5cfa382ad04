import type { GraphEdge } from '../core/events.ts';
import { groupEdges } from '../core/graph-edges.ts';
import { steps, type Step } from '../core/steps.ts';
import type { BootRecord } from './boot-record.ts';
import type { PluginRecord, StepRecord } from './plugin-record.ts';

interface Neighbours {
  readonly before: ReadonlyMap<string, readonly string[]>;
  readonly after: ReadonlyMap<string, readonly string[]>;
}

/** The edges of a boot never change, but its moments are many. */
const neighbours = new WeakMap<readonly GraphEdge[], Neighbours>();

function findNeighbours(edges: readonly GraphEdge[]): Neighbours {
  const known = neighbours.get(edges) ?? {
    before: groupEdges(edges, 'to'),
    after: groupEdges(edges, 'from'),
  };
  neighbours.set(edges, known);
  return known;
}

/** The moment when a step gave its slot back: it ended, or it found its lock taken. */
interface Release {
  readonly plugin: string;
  readonly atMs: number;
}

/**
 * The times of every step of a boot, and the order that the graph gives them. Made once for a moment, because every question
 * about a wait needs them.
 */
export class StepTimes {
  readonly record: BootRecord;
  /** The moment that all of it is seen from, in ms from the start of the boot. */
  readonly nowMs: number;
  readonly #releases = new Map<Step, readonly Release[]>();
  readonly #gates = new Map<Step, number | undefined>();
  readonly #lists = new Map<string, readonly string[]>();

  constructor(record: BootRecord, nowMs: number) {
    this.record = record;
    this.nowMs = nowMs;
  }

  find(plugin: string, step: Step): StepRecord | undefined {
    return this.record.find(plugin)?.steps[step];
  }

  /** Lists the plugins whose step has to end before this one begins; on the way down those that depend on it. */
  listBefore(plugin: string, step: Step): readonly string[] {
    return (
      findNeighbours(this.record.edges)[step === 'stop' ? 'after' : 'before'].get(plugin) ?? []
    );
  }

  /** Lists the plugins whose step cannot begin before this one has ended. */
  listAfter(plugin: string, step: Step): readonly string[] {
    return (
      findNeighbours(this.record.edges)[step === 'stop' ? 'before' : 'after'].get(plugin) ?? []
    );
  }

  /** When the step could have begun as far as the plugin itself goes: its step before it had ended, or its phase began. */
  findBegin({ steps: own }: PluginRecord, step: Step): number | undefined {
    switch (step) {
      case 'migrate':
        return this.record.findPhase('migrateAll')?.startMs;
      case 'init':
        return own.migrate.finishedAtMs;
      case 'ready':
        return own.init.finishedAtMs;
      default:
        return this.record.stopping?.atMs;
    }
  }

  /** When nothing but the graph and the slots kept a step from beginning; `undefined` while the gate is closed. */
  findGate(step: Step): number | undefined {
    if (!this.#gates.has(step)) this.#gates.set(step, this.#lookForGate(step));
    return this.#gates.get(step);
  }

  #lookForGate(step: Step): number | undefined {
    switch (step) {
      case 'migrate':
        return this.record.survey?.atMs ?? this.#firstSettled('migrate');
      case 'init':
        return this.record.findPhase('initAll')?.startMs;
      case 'ready':
        return this.#lastSettled('init');
      default:
        return this.record.findPhase('stopAll')?.startMs;
    }
  }

  /** Lists the plugins that keep the gate of a step closed. */
  listGateKeepers(step: Step): readonly string[] {
    const before = step === 'init' ? 'migrate' : step === 'ready' ? 'init' : undefined;
    if (before === undefined) return [];
    return this.#listOnce(`gate ${before}`, (own) => own[before].finishedAtMs === undefined);
  }

  /** Lists the plugins that have a slot for this step now. */
  listHolders(step: Step): readonly string[] {
    return this.#listOnce(`slot ${step}`, (own) => holdsSlot(own[step]));
  }

  #listOnce(key: string, isIt: (own: PluginRecord['steps']) => boolean): readonly string[] {
    const known =
      this.#lists.get(key) ??
      this.record.plugins.filter((plugin) => isIt(plugin.steps)).map(({ id }) => id);
    this.#lists.set(key, known);
    return known;
  }

  /** The last slot of this step that was given back in a time, and the plugin that had it. */
  findRelease(step: Step, afterMs: number, untilMs: number): Release | undefined {
    if (afterMs >= untilMs) return undefined;
    const releases = this.#listReleases(step);
    const at = countUntil(releases, untilMs) - 1;
    const release = releases[at];
    return release && release.atMs > afterMs ? release : undefined;
  }

  #listReleases(step: Step): readonly Release[] {
    const known = this.#releases.get(step);
    if (known) return known;
    const releases = this.record.plugins
      .flatMap(({ id, steps: own }) =>
        listReleaseTimes(own[step]).map((atMs) => ({ plugin: id, atMs })),
      )
      .toSorted((a, b) => a.atMs - b.atMs);
    this.#releases.set(step, releases);
    return releases;
  }

  /** Without migrations there is no survey: then the first step to settle says that the gate is open. */
  #firstSettled(step: Step): number | undefined {
    let first: number | undefined;
    for (const { steps: own } of this.record.plugins) {
      const { spawnedAtMs, finishedAtMs } = own[step];
      const atMs = spawnedAtMs ?? finishedAtMs;
      if (atMs !== undefined) first = Math.min(first ?? atMs, atMs);
    }
    return first;
  }

  #lastSettled(step: Step): number | undefined {
    let last = 0;
    for (const { steps: own } of this.record.plugins) {
      const { finishedAtMs } = own[step];
      if (finishedAtMs === undefined) return undefined;
      last = Math.max(last, finishedAtMs);
    }
    return last;
  }
}

/** Counts the releases that are not later than a time, by halving. */
function countUntil(releases: readonly Release[], untilMs: number): number {
  let low = 0;
  let high = releases.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((releases[middle]?.atMs ?? 0) <= untilMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a step has a slot now: it has begun, and neither ended nor found its lock taken. */
export function holdsSlot({ spawnedAtMs, finishedAtMs, pauses }: StepRecord): boolean {
  const last = pauses.at(-1);
  const isSuspended = last?.kind === 'lock' && last.endMs === undefined;
  return spawnedAtMs !== undefined && finishedAtMs === undefined && !isSuspended;
}

function listReleaseTimes({ spawnedAtMs, finishedAtMs, pauses }: StepRecord): readonly number[] {
  if (spawnedAtMs === undefined) return [];
  const suspended = pauses.filter(({ kind }) => kind === 'lock').map(({ startMs }) => startMs);
  return finishedAtMs === undefined ? suspended : [...suspended, finishedAtMs];
}

/** The steps in the order in which a launch takes them. */
export const launchSteps = steps.filter((step) => step !== 'stop');
