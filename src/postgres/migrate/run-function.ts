import { toCause } from '../../core/error-record.ts';
import { problemError } from '../../core/errors.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { untilAborted } from '../../core/patience.ts';
import { isConnectionLost } from '../connection/connection-error.ts';
import type { CodeMigration } from '../sources/migration.ts';
import { schemaEdits } from '../sql/schema-commands.ts';
import { applyEdits, type SqlEdit } from '../sql/sql-edits.ts';
import type { SqlText } from '../sql/sql-text.ts';
import { refuseMissingExtensionSchema } from '../survey/extension-problems.ts';
import {
  extensionEdits,
  extensionsWithoutSchema,
  type ExtensionFacts,
} from '../survey/extension-schemas.ts';
import { findTextPaths } from '../survey/file-problems.ts';
import { FunctionClient } from './function-client.ts';
import type { FileStatement, Migrating, PreparedFile } from './migrating.ts';

/**
 * Makes a function ready to run. `sendEach` runs it to its end, and sees that it is the end: no query of it is still on its
 * way, and its client is dead. Its `signal` is aborted when the migration is cancelled or the connection breaks. A cut or a
 * broken connection ends the wait for it, because nothing that it goes on with could be kept.
 *
 * In a transaction the first failed query is what has failed, whatever the function made of it: PostgreSQL keeps nothing
 * after that, and its COMMIT would be a silent ROLLBACK.
 */
export function prepareFunction(run: Migrating, file: CodeMigration): PreparedFile {
  const { schema } = run.plugin;
  const { broken } = run.client;
  return {
    file,
    inTransaction: file.transaction,
    mayReachOut: false,
    async sendEach(send) {
      const client = new FunctionClient(
        async (statement, sql) => send(await rewriteStatement(run, file, statement, sql)),
        { inTransaction: file.transaction, keepsSession: run.keepsSession },
      );
      const handedOut = client.handOut();
      const signal = AbortSignal.any([run.signal, broken]);
      const left = AbortSignal.any([broken, ...(run.cut ? [run.cut] : [])]);
      const outcome = await settle(async () => file.run(handedOut, { signal, schema }), left);
      const isLate = client.isBusy();
      await client.close();
      if (file.transaction && client.failure) throw client.failure.error;
      if ('thrown' in outcome) {
        throw signal.aborted
          ? signal.reason
          : client.failure
            ? outcome.thrown
            : own(outcome.thrown);
      }
      if (isLate) {
        throw new Error('run() ended while a query of it was still running: await every query');
      }
    },
  };
}

/** Where no query has failed, it is another connection that broke: to a service, or to another database. */
function own(thrown: unknown): unknown {
  return isConnectionLost(thrown) ? new Error(readMessage(thrown), { cause: thrown }) : thrown;
}

async function settle(
  run: () => Promise<unknown>,
  left: AbortSignal,
): Promise<{ readonly thrown?: unknown }> {
  try {
    await untilAborted(run(), left);
    return {};
  } catch (thrown) {
    return { thrown: toCause(thrown) };
  }
}

/**
 * Does for a statement that a function sends what the survey and the script do for a file: reports what leads out of the
 * plugin's schema, and gives extensions their schema. Errors point at the text that the function's author wrote.
 *
 * @throws BootError `EXTENSION_SCHEMA_MISSING` or `MIGRATION_FUNCTION_PATH`
 */
async function rewriteStatement(
  run: Migrating,
  migration: CodeMigration,
  { query, origin, ...statement }: FileStatement,
  sql: SqlText,
): Promise<FileStatement> {
  judgePaths(run, migration, sql);
  const { text, toOriginal } = applyEdits(sql.text, [
    ...schemaEdits(sql, run.plugin.furtherSchemas),
    ...(await findExtensionEdits(run, migration, sql)),
  ]);
  return {
    ...statement,
    query: { ...query, text },
    origin: (index) => origin(index === undefined ? undefined : toOriginal(index)),
  };
}

/** @throws BootError `MIGRATION_FUNCTION_PATH` where the policy says so. */
function judgePaths(
  { plugin, settings, extensions, emit }: Migrating,
  { name: file }: CodeMigration,
  sql: SqlText,
): void {
  for (const found of findTextPaths(plugin, extensions.schemasOnPath, file, sql)) {
    if (settings.functionSearchPath === 'error') throw problemError(found, 'migrateAll');
    emit({ type: 'boot.warning', message: found.message, plugin: plugin.id });
  }
}

/**
 * Gives each `CREATE EXTENSION` in a statement of a function its schema, as a file gets it. What a function sends is known only
 * when it sends it, so the database is asked then, and knows what the function itself has made before.
 */
async function findExtensionEdits(
  { client, plugin, settings, extensions }: Migrating,
  { name: file, transaction: inTransaction }: CodeMigration,
  sql: SqlText,
): Promise<readonly SqlEdit[]> {
  const wanted = extensionsWithoutSchema(sql);
  if (wanted.length === 0) return [];
  const { rows } = await client.query<{ facts: string }>(
    `select ${extensions.factsSql(wanted)}::text as facts`,
  );
  const facts = JSON.parse(rows[0]?.facts ?? '{}') as ExtensionFacts;
  refuseMissingExtensionSchema(plugin, { file, sql, inTransaction }, facts, settings);
  return extensionEdits(sql, facts);
}
