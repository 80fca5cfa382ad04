import type { MigrationFunction } from '../../core/migration-source.ts';

/** What tells one migration from another, in messages and in the history. */
export interface MigrationIdentity {
  /** As messages call it: `0000_init.sql`, `20240102030405_init/migration.sql`, or the name of a function. */
  readonly name: string;
  /** The `name` of its history row in the table of Drizzle 1.x: `20240102030405_init`. */
  readonly historyName: string;
  /** The `created_at` of its history row, in ms since 1970: when it was generated, or a number that stands for its name. */
  readonly when: number;
  /** SHA-256 of the text, as Drizzle computes it; of a function, a number that stands for its name. */
  readonly hash: string;
  /** The Drizzle whose history it would begin. */
  readonly format: '0.x' | '1.x';
}

/** A migration that is a text. */
export interface SqlMigration extends MigrationIdentity {
  readonly text: string;
  /** What of the text's `"public".` is the plugin's own; undefined: all of it. */
  readonly snapshotNames?: ReadonlySet<string>;
  /** Where drizzle-kit keeps what the schema is after this migration; the file may be missing. */
  readonly snapshotPath?: string;
}

/** A migration that is a function. */
export interface CodeMigration extends MigrationIdentity {
  readonly run: MigrationFunction['run'];
  readonly transaction: boolean;
}

/** Whatever a plugin's schema is made with. */
export type Migration = SqlMigration | CodeMigration;

export function isSql(migration: Migration): migration is SqlMigration {
  return 'text' in migration;
}
