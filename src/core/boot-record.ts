import type { Problem, Warning } from './error-codes.ts';
import { BootError } from './errors.ts';
import type { BootEvent, BootEventOf, DatabaseFacts, GraphEdge, LockHolder } from './events.ts';
import type { BootReport, PluginReport } from './report.ts';
import { steps, type Outcome, type Step } from './steps.ts';

type StepFinishedEvent = BootEventOf<`plugin.${Step}.finished`>;

/** The facts known of one step: its start and its end. */
interface StepRecord {
  readonly startedAtMs?: number;
  readonly finished?: StepFinishedEvent;
}

/** The facts known of one plugin. */
export interface PluginRecord extends Omit<PluginReport, Step> {
  readonly steps: Readonly<Record<Step, StepRecord>>;
}

/** The state of a step. */
export type StepState = Outcome | 'pending' | 'running';

/** The state of every step, by plugin id. */
type StepStates = Readonly<Record<string, Readonly<Record<Step, StepState>>>>;

/** A wait for the migration lock of a plugin, since its first refusal. */
interface LockWait {
  readonly sinceMs: number;
  readonly holder: LockHolder;
}

/**
 * The facts known from the events so far. It starts with every step of every plugin not reached, so that at any moment it is
 * complete.
 */
export class BootRecord {
  readonly bootId: string;
  #startedAt: number | undefined;
  #elapsedMs = 0;
  #finished: BootEventOf<'boot.finished'> | undefined;
  #phases: BootReport['phases'] = [];
  #plugins = new Map<string, PluginRecord>();
  #edges: readonly GraphEdge[] = [];
  #warnings: readonly Warning[] = [];
  #server: Pick<DatabaseFacts, 'server' | 'pooler'> | undefined;
  #statements = 0;
  #database: DatabaseFacts | undefined;
  #isStopping = false;
  #databaseWait: string | undefined;
  #lockWaits = new Map<string, LockWait>();
  #stepStates: StepStates | undefined;

  constructor(bootId: string) {
    this.bootId = bootId;
  }

  /** Wall-clock time of the first event, in ms since 1970; `undefined` before it. */
  get startedAt(): number | undefined {
    return this.#startedAt;
  }
  /** The time of the last event, in ms since the start. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }
  get finished(): BootEventOf<'boot.finished'> | undefined {
    return this.#finished;
  }
  get phases(): BootReport['phases'] {
    return this.#phases;
  }
  /** In the order of the graph, or as discovered before it is known. */
  get plugins(): readonly PluginRecord[] {
    return [...this.#plugins.values()];
  }
  get edges(): readonly GraphEdge[] {
    return this.#edges;
  }
  get warnings(): readonly Warning[] {
    return this.#warnings;
  }
  get database(): DatabaseFacts | undefined {
    return this.#database;
  }
  /** Whether the way down has begun. */
  get isStopping(): boolean {
    return this.#isStopping;
  }
  /** Why the boot waits for PostgreSQL; `undefined` while it does not. */
  get databaseWait(): string | undefined {
    return this.#databaseWait;
  }
  /** The waits for a migration lock that go on now, by plugin id. */
  get lockWaits(): ReadonlyMap<string, LockWait> {
    return this.#lockWaits;
  }
  /** The same object until the next event: a host may ask with every request. */
  get stepStates(): StepStates {
    this.#stepStates ??= Object.fromEntries(
      this.plugins.map((plugin) => [
        plugin.id,
        Object.fromEntries(steps.map((step) => [step, readStep(plugin.steps[step])])),
      ]),
    ) as StepStates;
    return this.#stepStates;
  }
  get problems(): readonly Problem[] {
    const error = this.#finished?.error;
    return error instanceof BootError ? (error.problems ?? []) : [];
  }

  add(event: BootEvent): void {
    if (event.seq === 1) this.#startedAt = event.at;
    this.#elapsedMs = event.elapsedMs;
    this.#stepStates = undefined;
    switch (event.type) {
      case 'boot.finished':
        this.#finished = event;
        break;
      case 'boot.warning':
      case 'plugin.migrate.warning':
        this.#warnings = [...this.#warnings, warningIn(event)];
        break;
      case 'boot.waiting':
        this.#databaseWait = event.reason;
        break;
      case 'boot.stopping':
        this.#isStopping = true;
        break;
      case 'phase.started':
        this.#startPhase(event);
        break;
      case 'phase.finished':
        this.#finishPhase(event);
        break;
      case 'plugin.discovered':
        this.#plugins.set(event.plugin, unreached(event));
        break;
      case 'graph.sorted':
        this.#sort(event);
        break;
      case 'survey.finished':
        this.#databaseWait = undefined;
        this.#server = { server: event.server, pooler: event.pooler };
        break;
      case 'plugin.migrate.planned':
        this.#update(event.plugin, () => ({ schema: event.schema }));
        break;
      case 'plugin.migrate.waiting':
        this.#lockWaits.set(event.plugin, {
          sinceMs: event.elapsedMs - event.waitedMs,
          holder: event.holder,
        });
        break;
      case 'plugin.migrate.statement':
        // A wait between two files is over.
        this.#lockWaits.delete(event.plugin);
        break;
      case 'plugin.migrate.applied':
        this.#update(event.plugin, ({ applied }) => ({ applied: [...applied, event.file] }));
        break;
      case 'plugin.migrate.started':
      case 'plugin.init.started':
      case 'plugin.ready.started':
      case 'plugin.stop.started':
        this.#endWait(event);
        this.#step(event.plugin, stepIn(event.type), { startedAtMs: event.elapsedMs });
        break;
      case 'plugin.migrate.finished':
      case 'plugin.init.finished':
      case 'plugin.ready.finished':
      case 'plugin.stop.finished':
        this.#endWait(event);
        this.#step(event.plugin, stepIn(event.type), { finished: event });
        break;
      default:
    }
  }

  #endWait({ type, plugin }: StepFinishedEvent | BootEventOf<`plugin.${Step}.started`>): void {
    if (stepIn(type) === 'migrate') this.#lockWaits.delete(plugin);
  }

  #startPhase({ phase, elapsedMs }: BootEventOf<'phase.started'>): void {
    const begun = { phase, outcome: 'running', startedAtMs: elapsedMs, durationMs: 0 } as const;
    this.#phases = [...this.#phases, begun];
  }

  #finishPhase({ phase, outcome, durationMs, statements }: BootEventOf<'phase.finished'>): void {
    this.#phases = this.#phases.map((known) =>
      known.phase === phase ? { ...known, outcome, durationMs } : known,
    );
    this.#databaseWait = undefined;
    this.#statements += statements ?? 0;
    if (phase !== 'migrateAll' || !this.#server) return;
    this.#database = { ...this.#server, statements: this.#statements };
  }

  #sort({ order, edges, warnings }: BootEventOf<'graph.sorted'>): void {
    const sorted = order.flatMap((id) => this.#plugins.get(id) ?? []);
    // Disabled plugins come last: they have no place in the order.
    this.#plugins = new Map([
      ...sorted.map((plugin) => [plugin.id, plugin] as const),
      ...[...this.#plugins].filter(([id]) => !order.includes(id)),
    ]);
    this.#edges = edges;
    this.#warnings = [...this.#warnings, ...warnings];
  }

  #step(id: string, step: Step, change: StepRecord): void {
    this.#update(id, (known) => ({
      steps: { ...known.steps, [step]: { ...known.steps[step], ...change } },
    }));
  }

  #update(id: string, change: (plugin: PluginRecord) => Partial<PluginRecord>): void {
    const plugin = this.#plugins.get(id);
    if (plugin) this.#plugins.set(id, { ...plugin, ...change(plugin) });
  }
}

function readStep({ finished, startedAtMs }: StepRecord): StepState {
  return finished?.outcome ?? (startedAtMs === undefined ? 'pending' : 'running');
}

/** A warning without the stamp of its event. */
function warningIn(event: BootEventOf<'boot.warning' | 'plugin.migrate.warning'>): Warning {
  const { type: _type, bootId: _id, seq: _seq, at: _at, elapsedMs: _ms, ...warning } = event;
  return warning;
}

/** The step that a step event's name speaks of. */
export function stepIn(name: `plugin.${Step}.${string}`): Step {
  return name.split('.')[1] as Step;
}

function unreached(event: BootEventOf<'plugin.discovered'>): PluginRecord {
  return {
    id: event.plugin,
    ...(event.version === undefined ? {} : { version: event.version }),
    required: event.required,
    applied: [],
    steps: { migrate: {}, init: {}, ready: {}, stop: {} },
  };
}
