import type { ErrorCode } from './error-codes.ts';
import type { ErrorRecord } from './error-record.ts';
import type { TenantOutcome } from './report.ts';

/** The part of a fleet that one process migrates. */
export interface FleetShard {
  /** Counts from 0, as `JOB_COMPLETION_INDEX` of Kubernetes does. */
  readonly index: number;
  readonly count: number;
}

/** A migration file of a plugin. */
export interface PluginFile {
  readonly plugin: string;
  readonly file: string;
}

/** The migrations of one database of a fleet. */
export interface DatabaseReport {
  readonly name: string;
  /** Whether it was migrated before all others; left out when it was not. */
  readonly canary?: true;
  readonly outcome: TenantOutcome;
  /** In ms. */
  readonly durationMs: number;
  /** The files that were applied, plugin by plugin. */
  readonly applied: readonly PluginFile[];
  /** Without stacks. */
  readonly error?: ErrorRecord;
}

/** Something that is wrong in the same way in one database or in many. */
export interface FleetFinding {
  /** Left out for an error of other code, and for a warning without a code. */
  readonly code?: ErrorCode;
  readonly plugin?: string;
  readonly file?: string;
  /** As it reads for the first of the databases. */
  readonly message: string;
  /** What to do about it; left out where that is not known. */
  readonly hint?: string;
  /** The names of the databases. */
  readonly databases: readonly string[];
}

/** The report of a fleet, or of one shard of it, also of a run that failed. Plain JSON. */
export interface FleetReport {
  /** `failed` when a database failed, `canceled` when the run was stopped from outside before all were done. */
  readonly outcome: 'done' | 'failed' | 'canceled';
  /** Left out when the run had the whole fleet. */
  readonly shard?: FleetShard;
  /** How many databases the list has, in all shards together. */
  readonly listed: number;
  /** In ms. */
  readonly durationMs: number;
  /** How many databases of this run ended in which way. */
  readonly counts: Readonly<Record<TenantOutcome, number>>;
  /** The failures, each kind once, in the order in which they came. */
  readonly failures: readonly FleetFinding[];
  /** Every database of this run: the canaries first, then the others in the order of the list. */
  readonly databases: readonly DatabaseReport[];
}

/** A database of a fleet in a plan. */
export interface DatabasePlan {
  readonly name: string;
  /** `failed` when it cannot be looked at, or a boot would refuse to migrate it. */
  readonly outcome: 'upToDate' | 'behind' | 'failed';
  /** The files that would be applied, plugin by plugin. */
  readonly pending: readonly PluginFile[];
}

/** What a run over a fleet, or over one shard of it, would do. Plain JSON. */
export interface FleetPlan {
  /** Left out when the run has the whole fleet. */
  readonly shard?: FleetShard;
  /** How many databases the list has, in all shards together. */
  readonly listed: number;
  /** How many databases of this run are in which state. */
  readonly counts: Readonly<Record<DatabasePlan['outcome'], number>>;
  /** The databases that are behind, grouped by the files that they lack. */
  readonly behind: readonly {
    readonly databases: readonly string[];
    /** Empty when only a schema is to be made or renamed. */
    readonly pending: readonly PluginFile[];
  }[];
  /** What would keep databases from being migrated, each kind once. */
  readonly failures: readonly FleetFinding[];
  /** Warnings, each kind once. */
  readonly warnings: readonly FleetFinding[];
  /** Every database of this run: the canaries first, then the others in the order of the list. */
  readonly databases: readonly DatabasePlan[];
}

/** What happens in a run over a fleet. */
export type FleetEvent =
  | {
      readonly type: 'fleet.started';
      /** How many databases this run has. */
      readonly databases: number;
      /** How many of them are canaries. */
      readonly canaries: number;
      /** How many databases the list has, in all shards together. */
      readonly listed: number;
      readonly shard?: FleetShard;
    }
  | { readonly type: 'database.started'; readonly database: string; readonly canary: boolean }
  | ({ readonly type: 'database.applying'; readonly database: string } & PluginFile)
  | { readonly type: 'database.finished'; readonly database: DatabaseReport }
  /** No further database begins. Those that run are finished, or stopped when the run was stopped from outside. */
  | { readonly type: 'fleet.stopping'; readonly because: string }
  | { readonly type: 'fleet.finished'; readonly report: FleetReport };
