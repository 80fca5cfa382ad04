import type { Problem, Warning } from './error-codes.ts';
import type { BootOutcome, Outcome, Phase, PhaseOutcome, Step } from './steps.ts';

/** The holder of a migration lock. Unknown parts are left out; `ageMs` is the age of its connection. */
export interface LockHolder {
  readonly pid?: number;
  readonly applicationName?: string;
  readonly host?: string;
  readonly ageMs?: number;
}

/** A session that was in the way of a migration. Unknown parts are left out. */
export interface LockBlocker {
  readonly pid: number;
  readonly applicationName?: string;
  /** The relation that it has locked. */
  readonly relation?: string;
  /** The state that PostgreSQL reports: `active`, `idle in transaction` … */
  readonly state?: string;
  /** The age of its transaction. */
  readonly transactionMs?: number;
}

/** The server, and how much was sent to it before the first init. */
export interface DatabaseFacts {
  /** The version, such as `18.4`. */
  readonly server: string;
  /** Whether a pooler is between the migrations and the server. */
  readonly pooler: boolean;
  /** Messages of SQL. */
  readonly statements: number;
}

/** An edge of the graph, for people: `reason` reads `catalog needs auth.api from auth`. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'needs' | 'order';
  readonly reason: string;
}

/** A step that is running, and for how long. */
export interface RunningStep {
  readonly plugin: string;
  readonly step: Step;
  readonly forMs: number;
}

/** The package of a discovered plugin. */
export interface PluginSource {
  /** The name of its package. */
  readonly package: string;
  /** The folder of the package, behind all symbolic links. */
  readonly path: string;
}

interface OfPlugin {
  readonly plugin: string;
}

/** The end of one step of a plugin. */
interface StepFinished extends OfPlugin {
  readonly outcome: Outcome;
  /** From `started` to now; 0 when the step never ran. */
  readonly durationMs: number;
  readonly error?: Error;
  /** Why a step did not run: `auth failed to migrate`. */
  readonly because?: string;
}

/**
 * Every event with what it carries besides the {@link EventStamp}. The table is closed: machines, emitter, log and docs
 * use these names and no others.
 */
export interface BootEvents {
  'boot.started': { readonly until: 'ready' | 'migrated' };
  'boot.waiting': {
    readonly reason: string;
    readonly attempt: number;
    readonly nextInMs: number;
    /** Why PostgreSQL could not be reached; absent when something else is waited for. */
    readonly error?: Error;
  };
  'boot.warning': Warning;
  'boot.progress': {
    readonly phase: Phase;
    /** How many steps of this phase have ended, and how many there are; initAll has two for each plugin. */
    readonly settled: number;
    readonly total: number;
    readonly running: readonly RunningStep[];
  };
  'boot.finished': {
    readonly outcome: BootOutcome;
    readonly durationMs: number;
    readonly error?: Error;
  };
  'boot.stopping': { readonly reason: string };
  'boot.stopped': {
    readonly reason: string;
    readonly durationMs: number;
    readonly errors: readonly Error[];
  };
  'phase.started': { readonly phase: Phase };
  'phase.finished': {
    readonly phase: Phase;
    readonly outcome: PhaseOutcome;
    readonly durationMs: number;
    readonly error?: Error;
    /** Messages of SQL that Slipway itself has sent in this phase; left out when there were none. */
    readonly statements?: number;
  };
  'plugin.discovered': OfPlugin & {
    readonly version?: string;
    readonly required: boolean;
    /** False when it is disabled in the registry. */
    readonly enabled: boolean;
    /** Left out for a plugin that is listed in the options. */
    readonly source?: PluginSource;
  };
  'graph.sorted': {
    readonly order: readonly string[];
    readonly edges: readonly GraphEdge[];
    readonly warnings: readonly Warning[];
  };
  'survey.finished': Omit<DatabaseFacts, 'statements'> & {
    /** How many plugins have migrations. */
    readonly plugins: number;
    readonly durationMs: number;
  };
  'plugin.migrate.planned': OfPlugin & {
    readonly schema: string;
    /** The files that are applied already, and those that are not, in their order. */
    readonly applied: readonly string[];
    readonly pending: readonly string[];
    /** The plugin's schema of an earlier id, which is renamed to `schema` first; left out when there is none. */
    readonly renameFrom?: string;
  };
  /** Emitted in the survey, right after `planned`. */
  'plugin.migrate.warning': OfPlugin & Problem;
  'plugin.migrate.waiting': OfPlugin & { readonly waitedMs: number; readonly holder: LockHolder };
  'plugin.migrate.renamed': OfPlugin & {
    readonly from: string;
    readonly to: string;
    readonly durationMs: number;
  };
  'plugin.migrate.started': OfPlugin;
  'plugin.migrate.statement': OfPlugin & {
    readonly file: string;
    readonly statement: number;
    /** How many the file has; left out for a function, which does not say. */
    readonly statements?: number;
    readonly durationMs: number;
  };
  'plugin.migrate.retrying': OfPlugin & {
    readonly file: string;
    readonly attempt: number;
    readonly nextInMs: number;
    readonly error: Error;
    /** The sessions that may hold what the file waited for; left out when none is known. */
    readonly blockers?: readonly LockBlocker[];
  };
  'plugin.migrate.applied': OfPlugin & { readonly file: string; readonly durationMs: number };
  'plugin.migrate.finished': StepFinished;
  'plugin.init.started': OfPlugin;
  'plugin.init.retrying': OfPlugin & {
    readonly attempt: number;
    readonly nextInMs: number;
    readonly error: Error;
  };
  'plugin.init.finished': StepFinished;
  'plugin.ready.started': OfPlugin;
  'plugin.ready.finished': StepFinished;
  'plugin.stop.started': OfPlugin;
  'plugin.stop.finished': StepFinished;
}

/** The name of an event. */
export type BootEventName = keyof BootEvents;

/** The fields of every event. */
interface EventStamp {
  readonly bootId: string;
  /** Counts from 1 without gaps. */
  readonly seq: number;
  /** Wall-clock time, in ms since 1970. */
  readonly at: number;
  /** Since `start()`, monotonic. */
  readonly elapsedMs: number;
}

/** The event of one name, with its stamp. */
export type BootEventOf<Name extends BootEventName> = {
  readonly [N in Name]: { readonly type: N } & EventStamp & BootEvents[N];
}[Name];

/** Any event, told apart by `type`. */
export type BootEvent = BootEventOf<BootEventName>;

/** An event before it is stamped. */
export type UnstampedEvent = {
  readonly [N in BootEventName]: { readonly type: N } & BootEvents[N];
}[BootEventName];

/** Stamps an event and emits it. Never throws. */
export type Emit = (event: UnstampedEvent) => void;

/** Every event in one line, in the order of a boot. */
export const eventMeanings = {
  'boot.started': 'start() or migrate() was called',
  'boot.waiting':
    'the boot waits for PostgreSQL, for a client of the pool, or for migrations that another process applies',
  'boot.warning': 'a problem that does not stop the boot',
  'boot.progress': 'a heartbeat: what is still running, and for how long',
  'boot.finished': 'the launch has ended: ready, degraded, migrated, failed or canceled',
  'boot.stopping': 'the boot begins to stop',
  'boot.stopped': 'everything has stopped',
  'phase.started': 'a phase begins',
  'phase.finished': 'a phase has ended, and released all it held',
  'plugin.discovered': 'a plugin was found',
  'graph.sorted': 'the order and its reasons are known',
  'survey.finished': 'the one look at the database is over, before anything is changed',
  'plugin.migrate.planned': 'the survey knows what is pending for this plugin',
  'plugin.migrate.warning':
    'the history of this plugin does not quite fit its folder; the boot goes on',
  'plugin.migrate.waiting': 'another process holds the migration lock of this plugin',
  'plugin.migrate.renamed': 'the schema of an earlier id of this plugin has its new name',
  'plugin.migrate.started': 'the lock is held and the pinned client ready',
  'plugin.migrate.statement': 'a statement of a migration has run',
  'plugin.migrate.retrying':
    'a file was rolled back for a temporary reason, and will be tried again',
  'plugin.migrate.applied': 'a migration file is committed',
  'plugin.migrate.finished': 'the migrations of a plugin have settled',
  'plugin.init.started': 'init is called',
  'plugin.init.retrying': 'init failed and will be tried again',
  'plugin.init.finished': 'init has settled',
  'plugin.ready.started': 'the ready hook is called',
  'plugin.ready.finished': 'the ready hook has settled',
  'plugin.stop.started': 'the stop handlers are called',
  'plugin.stop.finished': 'the plugin has stopped',
} as const satisfies Record<BootEventName, string>;

/** The names of all events. */
export const bootEventNames = Object.keys(eventMeanings) as readonly BootEventName[];
