import type { PinnedClient } from '../connection/pinned-client.ts';
import type { MigrationTarget } from '../sources/migration-target.ts';
import type { KnownExtensions } from '../survey/known-extensions.ts';
import type { MigrateSettings } from './migrate-options.ts';
import type { MigrationProgress } from './migration-progress.ts';
import type { Turns } from './migration-turns.ts';

/** What the migration of one plugin has at hand, from its first turn to its last file. */
export interface MigrationRun {
  readonly client: PinnedClient;
  readonly target: MigrationTarget;
  readonly settings: MigrateSettings;
  readonly turns: Turns;
  readonly extensions: KnownExtensions;
  readonly progress: MigrationProgress;
}
