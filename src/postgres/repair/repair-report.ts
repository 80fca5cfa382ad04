import type { MovableKind } from '../survey/public-objects.ts';
import type { UsedKind } from './used-objects.ts';
import type { RepairName } from '../../core/repair-call.ts';

/** What a repair is about: a migration file, or something in the database. */
export interface RepairPart {
  readonly kind: 'file' | MovableKind | UsedKind;
  readonly name: string;
}

/** What a repair changes, and how. */
export interface RepairChange extends RepairPart {
  /** For people: `moved from public to plugin_catalog`. */
  readonly change: string;
}

/** What a repair leaves as it is, and why. */
export interface RepairLeft extends RepairPart {
  /** For people: `it is applied already`. */
  readonly because: string;
}

/** What a repair comes to, as it is decided under the lock. */
export interface RepairDecision {
  /** Empty when there is nothing to do. */
  readonly changes: readonly RepairChange[];
  /** What was asked for, or came into question, and stays as it is. */
  readonly left: readonly RepairLeft[];
  /** The SQL, which runs in this order in one transaction. */
  readonly statements: readonly string[];
}

/** What a repair did; of a dry run, what it would have done. Plain JSON. */
export interface RepairReport extends RepairDecision {
  readonly repair: RepairName;
  readonly plugin: string;
  readonly schema: string;
  /** Whether nothing was changed. */
  readonly dryRun: boolean;
}
