import type { PublicObject } from '../survey/stranded-objects.ts';
import type { RepairName } from '../../core/repair-call.ts';

/** The kinds of objects that must be moved along, because PostgreSQL leaves them behind when their user moves. */
export type UsedKind =
  | 'function'
  | 'procedure'
  | 'aggregate'
  | 'operator'
  | 'type'
  | 'sequence'
  | 'collation'
  | 'text search configuration'
  | 'text search dictionary'
  | 'statistics';

/** A migration file, a row of its history, or an object in the database. */
interface RepairPart {
  readonly kind: 'file' | 'row' | PublicObject['kind'] | UsedKind;
  readonly name: string;
}

/** A change of a repair. */
export interface RepairChange extends RepairPart {
  /** For people: `moved from public to plugin_catalog`. */
  readonly change: string;
}

/** Something that a repair does not change, with the reason. */
export interface RepairLeft extends RepairPart {
  /** For people: `it is applied already`. */
  readonly because: string;
}

/** The decision of a repair, which is made under the lock. */
export interface RepairDecision {
  /** Empty when there is nothing to do. */
  readonly changes: readonly RepairChange[];
  /** Things that the caller named, or that could have changed, and do not change. */
  readonly left: readonly RepairLeft[];
  /** The SQL, which runs in this order in one transaction. */
  readonly statements: readonly string[];
}

/** The report of a repair; for a dry run, what it would have done. Plain JSON. */
export interface RepairReport extends RepairDecision {
  readonly repair: RepairName;
  readonly plugin: string;
  readonly schema: string;
  /** Whether nothing was changed. */
  readonly dryRun: boolean;
}
