import { problem, type Problem } from '../../core/error-codes.ts';
import type { CodeMigration, SqlMigration } from '../sources/migration.ts';
import { needsNoTransaction } from '../sql/lone-commands.ts';
import { findLasting } from '../sql/refused-commands.ts';

/**
 * Finds what a file leaves on its session, or runs outside of a transaction. Behind a pooler in transaction mode, the next
 * client would get the session as the file has left it.
 *
 * @example findPooledFileProblem('shop', file)?.code // 'POOLER_UNSUPPORTED'
 */
export function findPooledFileProblem(
  plugin: string,
  file: Pick<SqlMigration, 'name' | 'sql'> | Pick<CodeMigration, 'name' | 'transaction'>,
): Problem | undefined {
  const { name } = file;
  const about = { plugin, file: name };
  const through = 'and the pooler in between keeps no session';
  const inTransaction = 'sql' in file ? !needsNoTransaction(file.sql) : file.transaction;
  if (!inTransaction) {
    const message = `${plugin}: ${name} runs outside of a transaction, ${through}`;
    return problem('POOLER_UNSUPPORTED', message, about);
  }
  const found = 'sql' in file ? findLasting(file.sql) : undefined;
  if (!found) return undefined;
  const message = `${plugin}: line ${found.line} has ${found.command}, which outlives its transaction, ${through}`;
  const hint =
    'Make it end with the transaction (SET LOCAL, ON COMMIT DROP, pg_advisory_xact_lock), or give migrationPool a direct connection to PostgreSQL.';
  return problem('POOLER_UNSUPPORTED', message, { ...about, hint });
}
