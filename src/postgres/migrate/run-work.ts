import { searchPath as toSearchPath } from '../sql/search-path.ts';
import { schemasOf } from '../sources/migration-target.ts';
import { runInTransaction } from './migration-transaction.ts';
import type { MigrationRun } from './migration-run.ts';
import type { Turn } from './migration-turns.ts';
import type { MigrationWork } from './migration-work.ts';
import { runOutsideTransaction } from './run-outside-transaction.ts';

/** A turn at one file. */
interface FileTurn extends Turn {
  /** Whether a later file of the same run makes it durable. */
  readonly isFollowed: boolean;
}

/**
 * Runs one migration with its history row, in a transaction or outside of one, as it wants; the first also makes the schema
 * and the history when they are missing.
 *
 * @throws what `runInTransaction` and `runOutsideTransaction` throw
 */
export async function runWork(
  { client, target, settings, extensions, progress }: MigrationRun,
  work: MigrationWork,
  { backendPid, opening, history, isFollowed }: FileTurn,
): Promise<void> {
  const [schema, historySchema] = schemasOf(target);
  const { ddlLockTimeoutMs, strayObjects, tell, now, signal } = settings;
  const context = {
    schema,
    historySchema,
    historyShape: history.shape ?? target.files[0]?.format ?? '0.x',
    searchPath: toSearchPath(schema, extensions.schemasOnPath),
    extensions,
    lockTimeoutMs: ddlLockTimeoutMs,
    strayObjects,
    backendPid,
    opening,
    isFollowed,
    progress,
    tell,
    now,
    signal,
  };
  const isFirst = progress.applied.length === 0;
  const missing = {
    schemas: isFirst ? history.missingSchemas : [],
    history: isFirst && !history.shape,
  };
  const run = work.inTransaction ? runInTransaction : runOutsideTransaction;
  return run(client, work, missing, context);
}
