import type {
  BootPlan,
  ChainLink,
  Examination,
  Fleet,
  FleetPlan,
  FleetReport,
  GraphEdge,
  HolderReport,
  KeptBoot,
  Problem,
  RepairReport,
  Warning,
} from '../index.ts';
import type {
  BlameEntry,
  Diff,
  Explanation,
  Finding,
  Timeline,
  Violation,
  WhatIf,
} from '../insight.ts';

/** The answer of `slipway plan --json`. */
export interface PlanDocument extends BootPlan {
  readonly format: 'slipway.plan/1';
}

/** The migrations of one plugin. */
export interface PluginStatus {
  readonly id: string;
  /** Left out for a plugin without migrations, and for one with tenants. */
  readonly schema?: string;
  /** How many tenants it has; left out where there are none. */
  readonly tenants?: { readonly total: number; readonly upToDate: number };
  /** How many files are applied; with tenants, to all of them. */
  readonly applied: number;
  /** The file that was applied last; left out when there is none. */
  readonly last?: string;
  /** The names of the files that are pending. */
  readonly pending: readonly string[];
}

/** The answer of `slipway status --json`. */
export interface StatusDocument {
  readonly format: 'slipway.status/1';
  /** In the order of the boot. */
  readonly plugins: readonly PluginStatus[];
  /** Plugins that take no part, and why. */
  readonly disabled: BootPlan['disabled'];
  readonly warnings: readonly Warning[];
  readonly problems: readonly Problem[];
}

/** The answer of `slipway status --fleet --json`. */
export interface FleetDocument extends Fleet {
  readonly format: 'slipway.fleet/1';
}

/** The answer of `slipway migrate --fleet --json`. */
export interface FleetReportDocument extends FleetReport {
  readonly format: 'slipway.fleet-report/1';
}

/** The answer of `slipway plan --fleet --json`. */
export interface FleetPlanDocument extends FleetPlan {
  readonly format: 'slipway.fleet-plan/1';
}

/** The answer of `slipway doctor --json`. */
export interface DoctorDocument extends Examination {
  readonly format: 'slipway.doctor/1';
}

/** The answer of a repair with `--json`; `dryRun` is true when nothing was changed. */
export interface RepairDocument extends RepairReport {
  readonly format: 'slipway.repair/1';
}

/** The answer of `slipway repair holder --json`, without the SQL of the session. */
export interface HolderDocument extends Omit<HolderReport, 'holder'> {
  readonly format: 'slipway.holder/1';
  /** Left out when the lock is free. */
  readonly holder?: Omit<NonNullable<HolderReport['holder']>, 'query'>;
}

/** The answer of `slipway init --json`. */
export interface InitDocument {
  readonly format: 'slipway.init/1';
  /** The files that were written, relative to the folder. */
  readonly written: readonly string[];
  /** The commands to run next. */
  readonly next: readonly string[];
}

/** The boot that an answer is about. */
interface AboutBoot {
  /** The UUID of the boot. */
  readonly bootId: string;
}

/** The answer of `slipway why --json`. */
export interface WhyDocument extends AboutBoot, Explanation {
  readonly format: 'slipway.why/1';
  /** The plugin that was asked about. */
  readonly plugin: string;
}

/** The answer of `slipway blame --json`. */
export interface BlameDocument extends AboutBoot {
  readonly format: 'slipway.blame/1';
  /** Every step, the one that worked longest first. */
  readonly steps: readonly BlameEntry[];
}

/** The answer of `slipway critical-chain --json`. */
export interface CriticalChainDocument extends AboutBoot {
  readonly format: 'slipway.critical-chain/1';
  /** The end of the boot, or now, in ms from its start. */
  readonly endMs: number;
  readonly links: readonly ChainLink[];
}

/** The answer of `slipway timeline --json`. */
export interface TimelineDocument extends AboutBoot, Timeline {
  readonly format: 'slipway.timeline/1';
}

/** The answer of `slipway what-if --json`. */
export interface WhatIfDocument extends AboutBoot, Omit<WhatIf, 'story'> {
  readonly format: 'slipway.what-if/1';
}

/** The answer of `slipway diff --json`. */
export interface DiffDocument extends Diff {
  readonly format: 'slipway.diff/1';
  /** The UUIDs of the boots. */
  readonly before: string;
  readonly after: string;
}

/** A boot in the history. */
export interface HistoryEntry extends Omit<KeptBoot, 'lines'> {
  /** The three steps that worked longest. */
  readonly slowest: readonly Pick<BlameEntry, 'plugin' | 'step' | 'ownMs'>[];
}

/** The answer of `slipway history --json`. */
export interface HistoryDocument {
  readonly format: 'slipway.history/1';
  /** The latest one first. */
  readonly boots: readonly HistoryEntry[];
}

/** The answer of `slipway findings --json`. */
export interface FindingsDocument extends AboutBoot {
  readonly format: 'slipway.findings/1';
  readonly findings: readonly Finding[];
}

/** The answer of `slipway verify --json`. */
export interface VerifyDocument extends AboutBoot {
  readonly format: 'slipway.verify/1';
  /** Empty when every promise was kept. */
  readonly violations: readonly Violation[];
}

/** The answer of `slipway graph --format json`. */
export interface GraphDocument {
  readonly format: 'slipway.graph/1';
  /** In the order of the boot. */
  readonly plugins: readonly string[];
  readonly edges: readonly GraphEdge[];
}

/** Every document that a command prints. */
export type CommandDocument =
  | PlanDocument
  | StatusDocument
  | FleetDocument
  | FleetReportDocument
  | FleetPlanDocument
  | DoctorDocument
  | RepairDocument
  | HolderDocument
  | InitDocument
  | WhyDocument
  | BlameDocument
  | CriticalChainDocument
  | TimelineDocument
  | WhatIfDocument
  | DiffDocument
  | HistoryDocument
  | FindingsDocument
  | VerifyDocument
  | GraphDocument;
