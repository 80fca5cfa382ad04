import { problem, type Problem } from '../../core/error-codes.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { findPsqlCommand, psqlAdvice } from '../sql/psql-commands.ts';

interface PendingPlugin {
  readonly id: string;
  readonly pending: readonly Migration[];
}

/** Finds pending files that were written for psql, such as dumps: PostgreSQL would refuse them only in the middle of a boot. */
export function findPsqlProblems({ id, pending }: PendingPlugin): readonly Problem[] {
  return pending.filter(isSql).flatMap(({ name: file, sql }) => {
    const found = findPsqlCommand(sql);
    if (!found) return [];
    const message = `${id}: line ${found.line} of ${file} has ${found.command}, which only psql understands`;
    const hint = psqlAdvice(found.command, file);
    return [problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, hint })];
  });
}
