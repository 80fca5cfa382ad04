import type { Problem, Warning } from './error-codes.ts';
import type { ErrorRecord } from './error-record.ts';
import type { DatabaseFacts } from './events.ts';
import type { WaitKind } from './waits.ts';
import type {
  BootOutcome,
  LaunchOutcome,
  Outcome,
  Phase,
  PhaseOutcome,
  RemovalOutcome,
  Step,
} from './steps.ts';

/** A lock of a migration that other sessions waited for, as far as that was seen. Times are in ms. */
export interface LockReport {
  readonly file: string;
  /** The statement that took it, where that is known; counts from 1. */
  readonly statement?: number;
  /** The keywords that it begins with. */
  readonly command?: string;
  /** The table; left out when the sessions waited for the transaction of the file. */
  readonly relation?: string;
  /** `ACCESS EXCLUSIVE`; left out for a lock of rows. */
  readonly mode?: string;
  /** From the beginning of the statement that took it to the end of the file; left out when it was never obtained. */
  readonly heldMs?: number;
  /** The most that waited at one moment. */
  readonly sessions: number;
  readonly longestWaitMs: number;
  /** The names of their applications; at most 5. */
  readonly applicationNames: readonly string[];
}

/** The end of one tenant's migrations; `notReached` when they never began. */
export type TenantOutcome = Extract<
  Outcome,
  'done' | 'upToDate' | 'failed' | 'canceled' | 'notReached'
>;

/** The migrations of one tenant that was to be migrated. Times are in ms. */
export interface TenantReport {
  readonly tenant: string;
  /** `upToDate`: another process has migrated it meanwhile. */
  readonly outcome: TenantOutcome;
  readonly durationMs: number;
  /** The files that were applied, in their order. */
  readonly applied: readonly string[];
  readonly error?: ErrorRecord;
}

/** The tenants of a plugin. */
export interface TenantsReport {
  readonly total: number;
  /** How many had nothing to migrate. */
  readonly upToDate: number;
  /** The others, in their order. */
  readonly migrated: readonly TenantReport[];
}

/** One plugin's part of a phase. Times are in ms; `startedAtMs` counts from `start()`. */
export interface StepReport {
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly startedAtMs?: number;
  /** When nothing but a slot was missing. */
  readonly eligibleAtMs?: number;
  /** The slot of its phase that it had; counts from 1. */
  readonly slot?: number;
  /** How long it waited, by reason. Reasons that took no time are left out. */
  readonly waits: Readonly<Partial<Record<WaitKind, number>>>;
  /** The locks of its migrations that kept other sessions waiting; left out when none was seen to. */
  readonly locks?: readonly LockReport[];
  /** The migrations of its tenants; left out for a plugin without the option `tenants`. */
  readonly tenants?: TenantsReport;
  readonly error?: ErrorRecord;
  readonly because?: string;
}

/** A file that counts as applied in place of others. */
export interface ReplacingFile {
  readonly file: string;
  /** How many rows of the history it has replaced. */
  readonly rows: number;
}

/** The report of one plugin, step by step. */
export interface PluginReport extends Readonly<Record<Step, StepReport>> {
  readonly id: string;
  readonly version?: string;
  readonly required: boolean;
  readonly schema?: string;
  /** Migration files that this boot applied; with tenants, to any of them. */
  readonly applied: readonly string[];
  /** Of these, the files that were not run, because the history had what they replace; left out when all were run. */
  readonly replaced?: readonly ReplacingFile[];
}

/** The report of a boot, also of one that failed. Plain JSON; every time is in ms. */
export interface BootReport {
  readonly bootId: string;
  /** ISO 8601; left out before it began. */
  readonly startedAt?: string;
  readonly durationMs: number;
  /** `running` until the launch has come to an end, `idle` before it began. */
  readonly outcome: BootOutcome | 'idle' | 'running';
  /** The duration and the outcome of each phase. */
  readonly phases: readonly {
    readonly phase: Phase;
    readonly outcome: PhaseOutcome | 'running';
    readonly startedAtMs: number;
    readonly durationMs: number;
  }[];
  /** In the order of the boot. */
  readonly plugins: readonly PluginReport[];
  readonly warnings: readonly Warning[];
  readonly problems: readonly Problem[];
  readonly error?: ErrorRecord;
  /** Known once the survey has seen the server. */
  readonly database?: DatabaseFacts & {
    /**
     * When all that the migrations committed was on the disk, in ms from `start()`. Left out when nothing had to be flushed, because
     * each COMMIT had waited for the disk, and where the server has `synchronous_commit = off`. Left out as well when the flush
     * failed; then the boot has an error or a warning.
     */
    readonly durableAtMs?: number;
  };
  /** The work and the waits that decided how long the boot took, one after the other and without gaps. */
  readonly criticalPath: readonly ChainLink[];
  /** The plugins that were added while it was up, one report for each `boot.add()`. */
  readonly launches: readonly LaunchReport[];
  /** The plugins that were removed while it was up, one report for each `boot.remove()`. */
  readonly removals: readonly RemovalReport[];
}

/** The report of plugins that were added to a boot that was up. Its times are in ms from its own start. */
export interface LaunchReport extends Omit<BootReport, 'outcome' | 'launches' | 'removals'> {
  /** 2, 3, …: the boot itself is launch 1. */
  readonly launch: number;
  /** In ms from the start of the boot. */
  readonly launchedAtMs: number;
  readonly outcome: LaunchOutcome | 'running';
}

/** The report of a removal from a boot that was up. */
export interface RemovalReport {
  /** The plugin that was to be removed. */
  readonly plugin: string;
  /** The plugins that were stopped: itself, and with `dependents: 'stop'` all that used it. Empty when it was refused or canceled. */
  readonly plugins: readonly string[];
  /** `failed` when a stop handler failed or timed out: the plugins are removed all the same. */
  readonly outcome: RemovalOutcome | 'running';
  /** In ms from the start of the boot. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly error?: ErrorRecord;
  /** Why it was refused. */
  readonly because?: string;
}

/** A part of the chain that decided how long a boot took. */
export interface ChainLink {
  /** Left out for work that belongs to no plugin. */
  readonly plugin?: string;
  readonly step: Step | Phase | 'survey';
  /** Whether it worked, or the reason why it waited. */
  readonly kind: 'work' | WaitKind;
  /** In ms from the start of the boot. */
  readonly startMs: number;
  readonly endMs: number;
  /** What ended right before, so that this could begin; `start` for the first of the boot, `step` within one step. */
  readonly via: 'start' | 'step' | WaitKind;
}
