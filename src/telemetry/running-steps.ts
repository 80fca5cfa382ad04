import { stepIn } from '../core/boot-record.ts';
import { describeBlocker, describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import type { BootEvent, BootEventOf } from '../core/events.ts';
import { groupEdges } from '../core/graph-edges.ts';
import type { Step } from '../core/steps.ts';
import { printableLine } from './display-width.ts';

type LockWait = BootEventOf<'plugin.migrate.waiting'>;
export type Retry = BootEventOf<'plugin.migrate.retrying' | 'plugin.init.retrying'>;
type Statement = BootEventOf<'plugin.migrate.statement'>;

/** A step that runs, or waits. */
export interface Running {
  readonly step: Step;
  readonly sinceMs: number;
  /** The wait that goes on, if it waits. */
  readonly wait?: LockWait | Retry;
  readonly retried?: Retry;
  readonly lastStatement?: Statement;
}

/** A wait of the whole boot. */
export interface BootWait {
  readonly sinceMs: number;
  readonly last: BootEventOf<'boot.waiting'>;
}

/** A wait that has ended. */
interface PastWait {
  /** Left out when the whole boot waited. */
  readonly plugin?: string;
  readonly text: string;
}

/** Tracks what runs, what it waits for and what waits for it, from the events of one boot. */
export class RunningSteps {
  readonly #running = new Map<string, Running>();
  readonly #pending = new Map<string, readonly string[]>();
  readonly #applied = new Map<string, number>();
  readonly #settled: Readonly<Record<Step, Set<string>>> = {
    migrate: new Set(),
    init: new Set(),
    ready: new Set(),
    stop: new Set(),
  };
  #dependents: ReadonlyMap<string, readonly string[]> = new Map();
  #dependencies: ReadonlyMap<string, readonly string[]> = new Map();
  #total = 0;
  #bootWait: BootWait | undefined;

  get isEmpty(): boolean {
    return this.#running.size === 0 && this.#bootWait === undefined;
  }
  /** In the order in which they began. */
  get running(): readonly (readonly [plugin: string, Running])[] {
    return [...this.#running];
  }
  get bootWait(): BootWait | undefined {
    return this.#bootWait;
  }
  get total(): number {
    return this.#total;
  }

  settledCount(step: Step): number {
    return this.#settled[step].size;
  }

  /** Returns the plugins whose step cannot begin before this one has ended. */
  waitingFor(plugin: string, step: Step): readonly string[] {
    const next = step === 'stop' ? this.#dependencies : this.#dependents;
    return (next.get(plugin) ?? []).filter((id) => !this.#settled[step].has(id));
  }

  /** Returns the pending files of a plugin, and how many of them are applied so far. */
  files(plugin: string): { readonly pending: readonly string[]; readonly applied: number } {
    return {
      pending: this.#pending.get(plugin) ?? [],
      applied: this.#applied.get(plugin) ?? 0,
    };
  }

  /** @returns The wait that this event ends, if it ends one. */
  add(event: BootEvent): PastWait | undefined {
    switch (event.type) {
      case 'graph.sorted':
        this.#total = event.order.length;
        this.#dependents = groupEdges(event.edges, 'from');
        this.#dependencies = groupEdges(event.edges, 'to');
        return undefined;
      case 'plugin.migrate.planned':
        this.#pending.set(event.plugin, event.pending);
        return undefined;
      case 'boot.waiting':
        this.#bootWait = { sinceMs: this.#bootWait?.sinceMs ?? event.elapsedMs, last: event };
        return undefined;
      case 'plugin.migrate.waiting':
        return this.#update(event, { wait: event });
      case 'plugin.migrate.retrying':
      case 'plugin.init.retrying':
        return this.#update(event, { wait: event, retried: event });
      case 'plugin.migrate.statement': {
        const past = this.#endLockWait(event);
        this.#update(event, { lastStatement: event });
        return past;
      }
      case 'plugin.migrate.applied':
        this.#applied.set(event.plugin, this.files(event.plugin).applied + 1);
        return this.#endRetries(event);
      case 'plugin.migrate.started':
      case 'plugin.init.started':
      case 'plugin.ready.started':
      case 'plugin.stop.started': {
        const past = this.#endBootWait(event) ?? this.#endLockWait(event);
        this.#running.set(event.plugin, { step: stepIn(event.type), sinceMs: event.elapsedMs });
        return past;
      }
      case 'plugin.migrate.finished':
      case 'plugin.init.finished':
      case 'plugin.ready.finished':
      case 'plugin.stop.finished': {
        const past = event.outcome === 'done' ? this.#endRetries(event) : undefined;
        this.#settled[stepIn(event.type)].add(event.plugin);
        this.#running.delete(event.plugin);
        return past;
      }
      case 'phase.finished':
      case 'boot.finished':
        return this.#endBootWait(event);
      default:
        return undefined;
    }
  }

  #update(event: LockWait | Retry | Statement, change: Partial<Running>): undefined {
    const sinceMs = event.elapsedMs - ('waitedMs' in event ? event.waitedMs : 0);
    const known = this.#running.get(event.plugin) ?? { step: stepIn(event.type), sinceMs };
    this.#running.set(event.plugin, { ...known, ...change });
  }

  #endBootWait({ elapsedMs }: BootEvent): PastWait | undefined {
    const wait = this.#bootWait;
    this.#bootWait = undefined;
    if (!wait) return undefined;
    const waited = formatDuration(elapsedMs - wait.sinceMs);
    return { text: `waited ${waited}: ${printableLine(wait.last.reason)}` };
  }

  #endLockWait({ plugin, elapsedMs }: { plugin: string; elapsedMs: number }): PastWait | undefined {
    const { wait, ...running } = this.#running.get(plugin) ?? {};
    if (!wait || !('holder' in wait)) return undefined;
    this.#running.set(plugin, running as Running);
    const waited = formatDuration(elapsedMs - wait.elapsedMs + wait.waitedMs);
    return { plugin, text: `waited ${waited} for ${printableLine(describeHolder(wait.holder))}` };
  }

  #endRetries({ plugin }: { plugin: string }): PastWait | undefined {
    const { wait: _, retried, ...running } = this.#running.get(plugin) ?? {};
    if (!retried) return undefined;
    this.#running.set(plugin, running as Running);
    const what = 'file' in retried ? `${printableLine(retried.file)} took` : 'took';
    const why = printableLine(retried.error.message);
    return { plugin, text: `${what} ${retried.attempt + 1} attempts: ${why}` };
  }
}

/** `; in the way: psql (pid 4711)`, or nothing when no session is known to be. */
export function describeBlockers(retry: Retry): string {
  const blockers = 'blockers' in retry ? (retry.blockers ?? []) : [];
  if (blockers.length === 0) return '';
  return `; in the way: ${blockers.map((each) => printableLine(describeBlocker(each))).join('; ')}`;
}
