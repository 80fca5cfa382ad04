import type { Migration } from './migration.ts';

/** A plugin with the migrations it brings. */
export interface MigrationTarget {
  /** The plugin's id. */
  readonly id: string;
  readonly schema: string;
  /**
   * The schema of the history table.
   *
   * @default the same as `schema`
   */
  readonly historySchema?: string | undefined;
  /** The schemas that it may have had under earlier ids. */
  readonly previousSchemas?: readonly string[] | undefined;
  readonly files: readonly Migration[];
}

/** The schema of a target's objects, and that of its history. */
export function schemasOf({
  schema,
  historySchema = schema,
}: Pick<MigrationTarget, 'schema' | 'historySchema'>): readonly [string, string] {
  return [schema, historySchema];
}
