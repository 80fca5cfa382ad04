import { problem, type Problem } from '../../core/error-codes.ts';
import { isRepeatable, isSql, type Migration } from '../sources/migration.ts';
import { needsNoTransaction } from '../sql/lone-commands.ts';

/** Finds pending repeatable files that cannot run together with their row of the history. */
export function findRepeatableProblems({
  id,
  pending,
}: {
  readonly id: string;
  readonly pending: readonly Migration[];
}): readonly Problem[] {
  return pending.flatMap((file) => findRepeatableProblem(id, file) ?? []);
}

/** Does the same for one file. */
export function findRepeatableProblem(id: string, file: Migration): Problem | undefined {
  if (!isRepeatable(file) || !isSql(file) || !needsNoTransaction(file.sql)) return undefined;
  const message = `${id}: ${file.name} is repeatable, and has to run outside of a transaction`;
  const hint =
    'Move it to a folder of files that run once: a crash between such a command and its row of the history would run it again.';
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file: file.name, hint });
}
