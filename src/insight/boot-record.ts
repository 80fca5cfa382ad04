import type { Problem, Warning } from '../core/error-codes.ts';
import { toPlainError, type ErrorRecord } from '../core/error-record.ts';
import type { DatabaseFacts, DatabasePlace, GraphEdge } from '../core/events.ts';
import { groupEdges } from '../core/graph-edges.ts';
import type { WaitKind } from '../core/waits.ts';
import type { BootReport } from '../core/report.ts';
import {
  steps,
  type BootOutcome,
  type Phase,
  type PhaseOutcome,
  type Step,
  type StepState,
} from '../core/steps.ts';
import type { Span } from './file-runs.ts';
import {
  addToPlugin,
  createPluginRecord,
  type PluginRecord,
  type StepRecord,
} from './plugin-record.ts';
import type { AnyEvent, EventOf } from './recorded-event.ts';
import {
  ChangesRecord,
  type LaunchRecord,
  type RemovalRecord,
  type StartFacts,
} from './changes-record.ts';
import { createMoments, type StepMoments } from './step-moments.ts';

/** The facts known of one phase. */
export interface PhaseRecord extends Span {
  readonly phase: Phase;
  outcome: PhaseOutcome | 'running';
  error?: ErrorRecord;
}

/** A wait of the whole boot. */
export interface BootPause extends Span {
  readonly kind: Extract<WaitKind, 'connection' | 'database' | 'gate'>;
  readonly reason: string;
  /** The message of the last attempt's error. */
  error?: string;
  /** When the next attempt is due. */
  untilMs?: number;
}

const notOnDisk = 'the migrations are committed, and not yet on the disk of PostgreSQL';

/**
 * The facts known from the events so far: the one fold from which state, report and every analysis are derived. It begins with
 * every step of every plugin not reached, so that at any moment it is complete.
 */
export class BootRecord {
  readonly bootId: string;
  /** Its number, for a launch into a boot that was up; `undefined` for the boot itself. */
  readonly launch: number | undefined;
  /** The wall-clock time of the first event, in ms since 1970; `undefined` before it. */
  startedAt: number | undefined;
  /** The time of the last event, in ms since the start. */
  elapsedMs = 0;
  start: StartFacts | undefined;
  finished:
    | {
        readonly outcome: BootOutcome;
        readonly atMs: number;
        readonly durationMs: number;
        readonly error?: ErrorRecord;
      }
    | undefined;
  /** The beginning of the way down, and its reason. */
  stopping: { readonly atMs: number; readonly reason: string } | undefined;
  stoppedAtMs: number | undefined;
  readonly phases: PhaseRecord[] = [];
  readonly warnings: Warning[] = [];
  edges: readonly GraphEdge[] = [];
  /** The plugins that come before each plugin. */
  before: ReadonlyMap<string, readonly string[]> = new Map();
  /** The plugins that come after each plugin. */
  after: ReadonlyMap<string, readonly string[]> = new Map();
  survey: (DatabaseFacts & { readonly atMs: number; readonly plugins: number }) | undefined;
  /** Known once the survey has seen the server. */
  place: DatabasePlace = {};
  database: DatabaseFacts | undefined;
  readonly pauses: BootPause[] = [];
  /** The wait for the disk, which is one of the pauses; `undefined` while nothing was flushed. */
  flush: BootPause | undefined;
  /** When all that the migrations committed was on the disk. */
  durableAtMs: number | undefined;
  /** How long the plugins take to start as a rule, by their ids; `undefined` without a history. */
  usual: EventOf<'history.read'>['usual'] | undefined;
  /** The moments of each step of all plugins. */
  readonly moments: Readonly<Record<Step, StepMoments>> = {
    migrate: createMoments(),
    init: createMoments(),
    ready: createMoments(),
    stop: createMoments(),
  };
  /** The version counts the events, so that what is derived can be kept until the next one. */
  version = 0;
  #plugins = new Map<string, PluginRecord>();
  readonly #changes: ChangesRecord<BootRecord> = new ChangesRecord<BootRecord>(
    this,
    (launch) => new BootRecord(this.bootId, launch),
  );
  #statements = 0;
  #stepStates: { readonly version: number; readonly states: StepStates } | undefined;

  constructor(bootId: string, launch?: number) {
    this.bootId = bootId;
    this.launch = launch;
  }

  /** The launches into this boot while it was up, in their order. */
  get launches(): readonly LaunchRecord<BootRecord>[] {
    return this.#changes.launches;
  }
  findLaunch(number: number): LaunchRecord<BootRecord> | undefined {
    return this.#changes.find(number);
  }
  /** Finds the launch that has added a plugin; `undefined` for those that the boot began with. */
  findLaunchOf(plugin: string): number | undefined {
    return this.#changes.findLaunchOf(plugin);
  }
  /** The plugins that were removed while it was up. */
  get removals(): readonly RemovalRecord[] {
    return this.#changes.removals;
  }
  findRemoval(removal: number): RemovalRecord | undefined {
    return this.#changes.removals.findLast((each) => each.removal === removal);
  }
  /** The plugins that it began with. In the order of the graph, or as discovered before it is known; disabled ones come last. */
  get plugins(): readonly PluginRecord[] {
    return [...this.#plugins.values()];
  }
  get pluginCount(): number {
    return this.#plugins.size;
  }
  find(id: string): PluginRecord | undefined {
    return this.#plugins.get(id);
  }
  findPhase(phase: Phase): PhaseRecord | undefined {
    return this.phases.find((known) => known.phase === phase);
  }
  /** The wait of the whole boot that goes on. */
  get pause(): BootPause | undefined {
    const last = this.pauses.at(-1);
    return last?.endMs === undefined ? last : undefined;
  }
  /** Whether the boot was asked for migrations only: then no plugin is meant to start. */
  get onlyMigrates(): boolean {
    return this.start?.until === 'migrated';
  }
  /** The steps that the boot was asked for, in their order. */
  get askedSteps(): readonly Step[] {
    return this.onlyMigrates ? ['migrate'] : steps;
  }
  get problems(): readonly Problem[] {
    return this.finished?.error?.problems ?? [];
  }
  /** The same object until the next event: a host may ask with every request. */
  get stepStates(): StepStates {
    if (this.#stepStates?.version !== this.version) {
      const states = [...this.#listPresent()].map(([id, { steps: own }]) => [
        id,
        Object.fromEntries(steps.map((step) => [step, readStep(own[step])])),
      ]);
      this.#stepStates = {
        version: this.version,
        states: Object.fromEntries(states) as StepStates,
      };
    }
    return this.#stepStates.states;
  }

  /** Each id with the plugin that has it now, or had it last. */
  #listPresent(): ReadonlyMap<string, PluginRecord> {
    const present = new Map(this.#plugins);
    for (const { record, failedSeq } of this.launches) {
      // A launch that has failed leaves everything as it was before.
      if (failedSeq !== undefined) continue;
      for (const plugin of record.plugins) {
        const known = present.get(plugin.id);
        // An id that is up cannot be added: its launch is going to fail.
        if (!known || !isUp(known)) present.set(plugin.id, plugin);
      }
    }
    return present;
  }

  add(event: AnyEvent): void {
    this.version += 1;
    this.startedAt ??= event.at;
    this.elapsedMs = event.elapsedMs;
    if (this.finished) this.#changes.add(event);
    if (event.launch === undefined) this.#addOwn(event);
  }

  #addOwn(event: AnyEvent): void {
    if ('plugin' in event && event.plugin !== undefined && event.type !== 'plugin.discovered') {
      const plugin = this.#plugins.get(event.plugin);
      if (plugin) addToPlugin(plugin, event, this.moments);
    }
    switch (event.type) {
      case 'boot.started': {
        const { type: _type, bootId: _id, seq: _seq, at: _at, elapsedMs: _ms, ...facts } = event;
        this.start = facts;
        this.#changes.begin(facts);
        break;
      }
      case 'boot.waiting':
        if (event.plugin === undefined) this.#waitFor(event);
        break;
      case 'boot.warning':
      case 'plugin.migrate.warning':
        this.warnings.push(warningIn(event));
        break;
      case 'boot.finished': {
        const { outcome, elapsedMs: atMs, durationMs, error } = event;
        const failure = error === undefined ? {} : { error: toPlainError(error) };
        this.finished = { outcome, atMs, durationMs, ...failure };
        // A launch that has failed is down by now. A boot stops afterwards.
        if (this.launch !== undefined && outcome === 'failed') this.stoppedAtMs = atMs;
        break;
      }
      case 'boot.stopping':
        this.stopping = { atMs: event.elapsedMs, reason: event.reason };
        break;
      case 'boot.stopped':
        this.stoppedAtMs = event.elapsedMs;
        break;
      case 'phase.started':
        this.phases.push({ phase: event.phase, outcome: 'running', startMs: event.elapsedMs });
        // A launch that fails stops what it has started, and the boot goes on.
        if (event.phase === 'stopAll') {
          this.stopping ??= { atMs: event.elapsedMs, reason: 'the launch has failed' };
        }
        break;
      case 'phase.finished':
        this.#finishPhase(event);
        break;
      case 'plugin.discovered':
        this.#place(createPluginRecord(event));
        break;
      case 'graph.sorted':
        this.#sort(event);
        break;
      case 'survey.finished': {
        const { server, pooler, statements, plugins, elapsedMs: atMs } = event;
        this.survey = { server, pooler, statements, plugins, atMs };
        const { database, address, port } = event;
        this.place = {
          ...(database !== undefined && { database }),
          ...(address !== undefined && { address }),
          ...(port !== undefined && { port }),
        };
        this.#endPause(atMs);
        break;
      }
      case 'migrations.flushing':
        this.flush = { kind: 'database', reason: notOnDisk, startMs: event.elapsedMs };
        this.#endPause(event.elapsedMs);
        this.pauses.push(this.flush);
        break;
      case 'migrations.durable':
        this.durableAtMs = event.elapsedMs;
        this.#endPause(event.elapsedMs);
        break;
      case 'history.read':
        this.usual = event.usual;
        break;
      default:
    }
  }

  #waitFor({ kind, reason, error, nextInMs, elapsedMs }: EventOf<'boot.waiting'>): void {
    const news = { untilMs: elapsedMs + nextInMs, ...(error && { error: error.message }) };
    const { pause: current } = this;
    if (current?.kind === kind && current.reason === reason) {
      Object.assign(current, news);
      return;
    }
    this.#endPause(elapsedMs);
    this.pauses.push({ kind, reason, startMs: elapsedMs, ...news });
  }

  #endPause(atMs: number): void {
    const { pause } = this;
    if (pause) pause.endMs = atMs;
  }

  #finishPhase({ phase, outcome, error, statements, elapsedMs }: EventOf<'phase.finished'>): void {
    const known = this.phases.findLast((each) => each.phase === phase);
    if (known) {
      known.endMs = elapsedMs;
      known.outcome = outcome;
      if (error !== undefined) known.error = toPlainError(error);
    }
    this.#endPause(elapsedMs);
    this.#statements += statements ?? 0;
    if (phase !== 'migrateAll' || !this.survey) return;
    const { server, pooler } = this.survey;
    this.database = { server, pooler, statements: this.#statements };
  }

  #sort({ order, edges, warnings }: EventOf<'graph.sorted'>): void {
    const inOrder = new Set(order);
    const sorted = order.flatMap((id) => this.#plugins.get(id) ?? []);
    const others = this.plugins.filter(({ id }) => !inOrder.has(id));
    this.#plugins = new Map();
    for (const plugin of [...sorted, ...others]) this.#place(plugin);
    this.edges = edges;
    // A launch into a boot that is up also has edges from plugins that are up.
    const own = edges.filter(({ from, to }) => this.#plugins.has(from) && this.#plugins.has(to));
    this.before = groupEdges(own, 'to');
    this.after = groupEdges(own, 'from');
    this.warnings.push(...warnings);
  }

  #place(plugin: PluginRecord): void {
    plugin.index = this.#plugins.size;
    this.#plugins.set(plugin.id, plugin);
  }
}

/** The state of every step, by plugin id. */
type StepStates = Readonly<Record<string, Readonly<Record<Step, StepState>>>>;

/** Whether it was up, and not removed: then it has its id until the boot ends. */
function isUp({ steps: { ready }, removedAtMs }: PluginRecord): boolean {
  return ready.outcome === 'done' && removedAtMs === undefined;
}

function readStep({ outcome, startedAtMs }: StepRecord): StepState {
  return outcome ?? (startedAtMs === undefined ? 'pending' : 'running');
}

/** A warning without the stamp of its event. */
function warningIn(event: EventOf<'boot.warning' | 'plugin.migrate.warning'>): Warning {
  const { type: _type, bootId: _id, seq: _seq, at: _at, elapsedMs: _ms, ...warning } = event;
  return warning;
}

/** The phases as the report lists them. */
export function listPhases({ phases }: BootRecord): BootReport['phases'] {
  return phases.map(({ phase, outcome, startMs, endMs }) => ({
    phase,
    outcome,
    startedAtMs: startMs,
    durationMs: endMs === undefined ? 0 : endMs - startMs,
  }));
}
