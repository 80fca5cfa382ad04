import type { Problem, Warning } from './error-codes.ts';
import type { RunningStep, StatementLook } from './running-steps.ts';
import type {
  BootOutcome,
  LaunchOutcome,
  Outcome,
  Phase,
  PhaseOutcome,
  RemovalOutcome,
} from './steps.ts';
import type { UsualTimes } from './usual-times.ts';
import type { LockHolder, LockBlocker, WaitKind } from './waits.ts';

/** The server, and how much was sent to it before the first init. */
export interface DatabaseFacts {
  /** The version, such as `18.4`. */
  readonly server: string;
  /** Whether a pooler is between the migrations and the server. */
  readonly pooler: boolean;
  /** Messages of SQL. */
  readonly statements: number;
}

/** The place of the migrations. Recordings of earlier versions have none of it. */
export interface DatabasePlace {
  /** The name of the database. */
  readonly database?: string;
  /** The name or the address of the server, as the client was given it; a folder for a Unix socket. */
  readonly address?: string;
  readonly port?: number;
}

/** An edge of the graph, for people: `reason` reads `catalog needs auth.api from auth`. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'needs' | 'order';
  readonly reason: string;
}

/** The name and the version of an application. */
export interface AppName {
  readonly name: string;
  readonly version?: string;
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
interface OfMaybePlugin {
  /** Left out when it concerns every plugin. */
  readonly plugin?: string;
}
/** A migration of a plugin, or of one of its tenants. */
interface OfMigration extends OfPlugin {
  /** The name of the tenant that it is about; left out when it is about the plugin. */
  readonly tenant?: string;
}
interface InSlot extends OfPlugin {
  /** Counts from 1. */
  readonly slot: number;
}
interface OfStatement extends OfMigration {
  readonly file: string;
  /** Counts from 1. */
  readonly statement: number;
  /** How many the file has; left out for a function, which does not say. */
  readonly statements?: number;
}

/** A removal of a plugin. */
interface OfRemoval extends OfPlugin {
  /** Counts from 1. */
  readonly removal: number;
  /** The plugins that are stopped: itself, and those that use it. Empty when it was refused or canceled. */
  readonly plugins: readonly string[];
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
  'boot.started': {
    readonly until: 'ready' | 'migrated';
    /** The versions of Slipway and of Node.js. Those of plugins come with `plugin.discovered`. */
    readonly versions: { readonly slipway: string; readonly node: string };
    readonly pid: number;
    readonly host: string;
    /** How many plugins may migrate at once, and how many may start. */
    readonly slots: { readonly migrate: number; readonly init: number };
    /** The most clients that the pool of the migrations has. */
    readonly poolSize: number;
    /** How long the process had run before: its imports, and all that the host did first. */
    readonly processUptimeMs: number;
    /** Left out when the host has not named itself. */
    readonly hostApp?: AppName;
  };
  'boot.waiting': OfMaybePlugin & {
    readonly kind: Extract<WaitKind, 'database' | 'connection' | 'gate'>;
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
    /** The state of the boot in one sentence. */
    readonly headline: string;
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
  'survey.finished': DatabaseFacts &
    DatabasePlace & {
      /** How many plugins have migrations. */
      readonly plugins: number;
      readonly durationMs: number;
    };
  /** Emitted for each plugin, and for each of its tenants that is to be migrated. */
  'plugin.migrate.planned': OfMigration & {
    /** Left out for a plugin with tenants, which have one each. */
    readonly schema?: string;
    /** The files that are applied already, and those that are not, in their order. With tenants: in all of them, and in any. */
    readonly applied: readonly string[];
    readonly pending: readonly string[];
    /** How many tenants the plugin has, and how many are to be migrated; left out for a plugin without tenants. */
    readonly tenants?: { readonly total: number; readonly pending: number };
    /** The plugin's schema of an earlier id, which is renamed to `schema` first; left out when there is none. */
    readonly renameFrom?: string;
    /** The further schemas of the plugin that are not there yet; left out when there are none. */
    readonly missingSchemas?: readonly string[];
  };
  /** Emitted in the survey, right after `planned`. */
  'plugin.migrate.warning': OfPlugin & Problem;
  /** Emitted once, when the plugin has its slot for the first time. */
  'plugin.migrate.connecting': InSlot;
  /**
   * Emitted at the first refusal, before another plugin gets the slot; then ever less often, and when something else is known of
   * the holder.
   */
  'plugin.migrate.waiting': OfMigration & {
    readonly waitedMs: number;
    readonly holder: LockHolder;
  };
  'plugin.migrate.renamed': OfMigration & {
    readonly from: string;
    readonly to: string;
    readonly durationMs: number;
  };
  /** Emitted once for a plugin, and for each of its tenants that is migrated. */
  'plugin.migrate.started': InSlot &
    OfMigration & {
      /** How long another process had the lock; 0 when it was free. */
      readonly waitedMs: number;
      /** How long the pool took to give a client. */
      readonly connectMs: number;
      /** The session that holds the lock. */
      readonly backendPid: number;
    };
  'plugin.migrate.applying': OfMigration & {
    readonly file: string;
    /** The place of the file among those that are pending; counts from 1. */
    readonly index: number;
    readonly of: number;
    /** How many it has; left out for a function, which does not say. */
    readonly statements?: number;
    /** Whether it runs in a transaction. */
    readonly transaction: boolean;
    /** The statement that it goes on at, because an earlier attempt has done those before it; counts from 1. */
    readonly goesOnAt?: number;
  };
  'plugin.migrate.executing': OfStatement & {
    /** Its first line in the file; left out for a function. */
    readonly line?: number;
    /** The keywords that it begins with, and nothing else of it: `CREATE INDEX CONCURRENTLY`. */
    readonly command: string;
  };
  'plugin.migrate.executed': OfStatement & { readonly durationMs: number };
  /** Emitted when something has changed, at most once a second, for a file that runs longer than that. */
  'plugin.migrate.progress': OfMigration & {
    readonly file: string;
    /** The statement that runs; counts from 1. Left out between two statements. */
    readonly statement?: number;
    /** The keywords that it begins with. */
    readonly command?: string;
  } & StatementLook;
  'plugin.migrate.retrying': OfMigration & {
    readonly file: string;
    readonly attempt: number;
    readonly nextInMs: number;
    readonly error: Error;
    /** The sessions that may hold what the file waited for; left out when none is known. */
    readonly blockers?: readonly LockBlocker[];
  };
  'plugin.migrate.applied': OfMigration & {
    readonly file: string;
    readonly durationMs: number;
    /** How many rows of the history it has replaced instead of being run; left out when it has run. */
    readonly replaced?: number;
  };
  /** The end of one tenant that was to be migrated. The plugin has `finished`, after all of them. */
  'plugin.migrate.settled': OfPlugin & {
    readonly tenant: string;
    /** `upToDate`: another process has migrated it meanwhile. */
    readonly outcome: Extract<Outcome, 'done' | 'upToDate' | 'failed' | 'canceled'>;
    readonly durationMs: number;
    readonly error?: Error;
  };
  'plugin.migrate.finished': StepFinished;
  /**
   * Emitted once every migration has settled, before any init and on whatever outcome, when something was committed without
   * waiting for the disk: by this boot, or maybe by another process.
   */
  'migrations.flushing': {
    /** The number of plugins concerned. */
    readonly plugins: number;
  };
  /** Not emitted when the flush fails, or where the `synchronous_commit` of the server is `off`: then nothing is promised. */
  'migrations.durable': { readonly plugins: number; readonly durationMs: number };
  /**
   * Emitted once, with the option `history`, when the plugins take longer than a second to start, and earlier boots tell how long
   * they take as a rule.
   */
  'history.read': {
    /** How many boots that is known from. */
    readonly boots: number;
    /** How long each plugin takes to start, by its id. */
    readonly usual: Readonly<Record<string, UsualTimes>>;
  };
  'plugin.init.started': InSlot;
  'plugin.init.retrying': OfPlugin & {
    readonly attempt: number;
    readonly nextInMs: number;
    readonly error: Error;
  };
  'plugin.init.finished': StepFinished;
  'plugin.ready.started': InSlot;
  'plugin.ready.finished': StepFinished;
  'plugin.stop.started': InSlot;
  'plugin.stop.finished': StepFinished;
  /** Emitted when it is the turn of `boot.add()`. Every event of this launch carries its number, until its plugins have stopped. */
  'launch.started': {
    readonly launch: number;
    /** The ids of the plugins to add. */
    readonly plugins: readonly string[];
  };
  'launch.finished': {
    readonly launch: number;
    readonly outcome: LaunchOutcome;
    /** From `started` to now; 0 when its turn never came. */
    readonly durationMs: number;
    readonly error?: Error;
  };
  /** Emitted when it is the turn of `boot.remove()`. */
  'removal.started': OfRemoval;
  'removal.finished': OfRemoval & {
    readonly outcome: RemovalOutcome;
    /** From `started` to now; 0 when nothing was stopped. */
    readonly durationMs: number;
    readonly error?: Error;
    /** Why it was refused. */
    readonly because?: string;
  };
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
  /** The launch that it belongs to, for plugins that were added to a boot that was up: 2, 3, …; left out for those of the boot. */
  readonly launch?: number;
}

/** The event of one name, with its stamp. */
export type BootEventOf<Name extends BootEventName> = {
  readonly [N in Name]: { readonly type: N } & EventStamp & BootEvents[N];
}[Name];

/** Any event, told apart by `type`. */
export type BootEvent = BootEventOf<BootEventName>;

/** An event before it is stamped. */
export type UnstampedEvent = {
  readonly [N in BootEventName]: { readonly type: N; readonly launch?: number } & BootEvents[N];
}[BootEventName];

/** Stamps an event and emits it. Never throws. */
export type Emit = (event: UnstampedEvent) => void;
