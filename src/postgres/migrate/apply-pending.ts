import { problemError } from '../../core/errors.ts';
import type { LockHolder } from '../../core/events.ts';
import type { HistoryRow } from '../history/migration-history.ts';
import { planMigrations } from '../history/migration-plan.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import type { MigrationTarget } from '../sources/migration-target.ts';
import { refuseMissingExtensionSchema } from '../survey/extension-problems.ts';
import { findPooledFileProblem } from '../survey/pooled-files.ts';
import { findRenamed } from '../survey/rename-marker.ts';
import { renamedAway } from '../survey/rename-problems.ts';
import { prepareFunctionText } from './function-text.ts';
import { retryPassingFailures } from './migration-retry.ts';
import type { MigrationRun } from './migration-run.ts';
import type { TurnAttempt, Turns } from './migration-turns.ts';
import type { MigrationWork } from './migration-work.ts';
import { prepareWork } from './prepare-work.ts';
import { runWork } from './run-work.ts';

/**
 * `applied` names the files that were committed. `locked` may come between two files where the lock is one of each
 * transaction.
 */
export type MigrateResult =
  | { readonly status: 'done'; readonly applied: readonly string[] }
  | { readonly status: 'locked'; readonly holder: LockHolder }
  | { readonly status: 'canceled'; readonly applied: readonly string[] };

/** Applies, one after the other, the files that are pending once the lock is held. */
export async function applyPending(run: MigrationRun): Promise<MigrateResult> {
  const { target, settings, turns, progress } = run;
  const { signal, windDown, tell } = settings;
  const first = await takeTurn(turns, target);
  if (!first.acquired) return { status: 'locked', holder: first.holder };
  tell({ type: 'plugin.migrate.started', plugin: target.id });

  const { rows } = first.history;
  progress.isInstall = rows.length === 0;
  const { pending } = planMigrations(target.files, rows, target.schema);
  for (const file of pending) {
    if (signal.aborted || windDown.aborted) {
      return { status: 'canceled', applied: progress.applied };
    }
    // In an upgrade there is data at stake that others write meanwhile; its files are few.
    const isFollowed = progress.isInstall && file !== pending.at(-1);
    const outcome = await applyFile(run, file, { rowsAtFirst: rows.length, isFollowed });
    if (outcome.status === 'canceled') return { ...outcome, applied: progress.applied };
    if (outcome.status === 'locked') return outcome;
  }
  return { status: 'done', applied: progress.applied };
}

/** Where a file stands among those of its run. */
interface FilePlace {
  /** How many rows the history had before the first file of the run. */
  readonly rowsAtFirst: number;
  /** Whether a later file of the same run makes it durable. */
  readonly isFollowed: boolean;
}

type FileOutcome =
  | { readonly status: 'applied' | 'skipped' }
  | { readonly status: 'locked'; readonly holder: LockHolder };

async function applyFile(
  run: MigrationRun,
  file: Migration,
  place: FilePlace,
): Promise<FileOutcome | { readonly status: 'canceled' }> {
  const { client, target, settings, extensions, progress } = run;
  const { now, tell } = settings;
  const startedAt = now();
  const work = await prepareWork(file, {
    ...settings,
    schema: target.schema,
    broken: client.broken,
    extensions: extensions.facts,
    rewrite: (sql, migration) => prepareFunctionText(run, migration, sql),
  });
  const outcome = await retryPassingFailures(client, work, progress, settings, () =>
    attemptFile(run, work, place),
  );
  if (outcome.status === 'applied') {
    const durationMs = now() - startedAt;
    tell({ type: 'plugin.migrate.applied', plugin: target.id, file: file.name, durationMs });
  }
  return outcome;
}

/** One attempt at a file, in the turn that lasts still or in a new one. */
async function attemptFile(
  run: MigrationRun,
  work: MigrationWork,
  { rowsAtFirst, isFollowed }: FilePlace,
): Promise<FileOutcome> {
  const { target, settings, turns, extensions, progress } = run;
  const { file } = work;
  const turn = await takeTurn(turns, target);
  if (!turn.acquired) return { status: 'locked', holder: turn.holder };
  // Between two turns another replica may have been here.
  const { rows } = turn.history;
  const isOursAlone = rows.length <= rowsAtFirst + progress.applied.length;
  if (!isOursAlone && !isPending(file, target, rows)) return { status: 'skipped' };
  // The survey says so before the first DDL; this is for a file that became pending since.
  const unfit = settings.keepsSession ? undefined : findPooledFileProblem(target.id, file);
  if (unfit) throw problemError(unfit, 'migrateAll');
  if (isSql(file)) {
    const sent = { file: file.name, sql: file.sql, inTransaction: true };
    const rules = { setting: extensions.question.setting, strayObjects: settings.strayObjects };
    refuseMissingExtensionSchema(target, sent, extensions.facts, rules);
  }
  await runWork(run, work, { ...turn, isFollowed });
  return { status: 'applied' };
}

function isPending(
  file: Migration,
  { files, schema }: MigrationTarget,
  rows: readonly HistoryRow[],
): boolean {
  return planMigrations(files, rows, schema).pending.includes(file);
}

/**
 * Whoever waited for the lock of a schema that was renamed meanwhile would make an empty one in its place.
 *
 * @throws BootError `MIGRATION_RENAMED`
 */
async function takeTurn(turns: Turns, { id, schema }: MigrationTarget): Promise<TurnAttempt> {
  const turn = await turns.take();
  const isThere = !turn.acquired || turn.history.shape !== undefined;
  const now = isThere ? undefined : findRenamed(schema, turn.history.renamed);
  if (now) throw problemError(renamedAway(id, schema, now), 'migrateAll');
  return turn;
}
