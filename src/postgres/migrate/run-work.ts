import { searchPath as toSearchPath } from '../sql/identifier.ts';
import { schemasOf } from '../sources/migration-target.ts';
import type { MissingParts } from '../history/migration-history.ts';
import { missingParts, shapeToWrite } from '../survey/read-history.ts';
import { runInTransaction } from './migration-transaction.ts';
import type { MigrationRun } from './migration-run.ts';
import type { Turn } from './migration-turns.ts';
import type { MigrationWork } from './migration-work.ts';
import { runOutsideTransaction } from './run-outside-transaction.ts';

const nothingMissing: MissingParts = { schemas: [], history: false };

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
  { backendPid, opening, lockGuard, history, isFollowed }: FileTurn,
): Promise<void> {
  const [schema, historySchema] = schemasOf(target);
  const { ddlLockTimeoutMs, strayObjects, tell, now, signal } = settings;
  const context = {
    schema,
    historySchema,
    historyShape: shapeToWrite(history, target.files),
    searchPath: toSearchPath(schema, extensions.schemasOnPath),
    extensions,
    lockTimeoutMs: ddlLockTimeoutMs,
    strayObjects,
    backendPid,
    opening,
    lockGuard,
    isFollowed,
    progress,
    tell,
    now,
    signal,
  };
  const missing = progress.applied.length === 0 ? missingParts(history) : nothingMissing;
  const run = work.inTransaction ? runInTransaction : runOutsideTransaction;
  return run(client, work, missing, context);
}
