import { problem, type Problem } from '../../core/error-codes.ts';
import { readDirectives } from '../sql/migration-directives.ts';
import type { CodeMigration, SqlMigration } from '../sources/migration.ts';
import { findLasting } from '../sql/lasting-commands.ts';
import { readTransactionNeed } from '../sql/outside-transaction.ts';

/**
 * Finds what a file leaves on its session, or runs outside of a transaction. Behind a pooler in transaction mode, the next
 * client would get the session as the file has left it.
 *
 * @example findPooledFileProblem('shop', file)?.code // 'POOLER_UNSUPPORTED'
 */
export function findPooledFileProblem(
  plugin: string,
  file: Pick<SqlMigration, 'name' | 'text'> | Pick<CodeMigration, 'name' | 'transaction'>,
): Problem | undefined {
  const { name } = file;
  const about = { plugin, file: name };
  const through = 'and the pooler in between keeps no session';
  const inTransaction =
    'text' in file
      ? !readTransactionNeed(file.text, readDirectives(file.text).known).lone
      : file.transaction;
  if (!inTransaction) {
    const message = `${plugin}: ${name} runs outside of a transaction, ${through}`;
    return problem('POOLER_UNSUPPORTED', message, about);
  }
  const found = 'text' in file ? findLasting(file.text) : undefined;
  if (!found) return undefined;
  const message = `${plugin}: line ${found.line} has ${found.command}, which outlives its transaction, ${through}`;
  const hint =
    'Make it end with the transaction (SET LOCAL, ON COMMIT DROP, pg_advisory_xact_lock), or give migrationPool a direct connection to PostgreSQL.';
  return problem('POOLER_UNSUPPORTED', message, { ...about, hint });
}
