import { problemError } from '../../core/errors.ts';
import { pairUnfinished } from '../history/unfinished-file.ts';
import { isSql, readLongTexts, type Migration } from '../sources/migration.ts';
import { refuseMissingExtensionSchema } from '../survey/extension-problems.ts';
import { findPooledFileProblem, findRefusedFile } from '../survey/file-problems.ts';
import { findRepeatableProblem } from '../survey/repeatable-problems.ts';
import { findChangedCommand } from '../survey/unfinished-problems.ts';
import type { CommandFile, Migrating, PreparedFile } from './migrating.ts';
import type { HeldMigrationLock } from './migration-lock.ts';
import { toScript } from './migration-script.ts';
import { prepareFunction } from './run-function.ts';

/**
 * Makes a file ready to be sent. What the survey refuses before the first DDL is refused here for a file that became pending
 * since.
 *
 * @throws BootError `POOLER_UNSUPPORTED`, `EXTENSION_SCHEMA_MISSING`, `MIGRATION_EDITED` for a command that has run, or
 *   `MIGRATION_FILES_INVALID` for a snapshot that is needed and cannot be read, or a file that cannot run here
 */
export async function prepareFile(
  run: Migrating,
  held: HeldMigrationLock,
  file: Migration,
): Promise<PreparedFile | CommandFile> {
  const { plugin, settings, keepsSession, extensions, progress } = run;
  await readLongTexts([file]);
  const done = pairUnfinished(progress.pending, held.done ?? []).files.get(file) ?? [];
  const isUnfinished = done.length > 0;
  const unfit = keepsSession ? undefined : findPooledFileProblem(plugin.id, file, isUnfinished);
  const changed = isUnfinished ? findChangedCommand(plugin.id, file, done) : undefined;
  const refused =
    findRefusedFile(plugin.id, file) ?? unfit ?? changed ?? findRepeatableProblem(plugin.id, file);
  if (refused) throw problemError(refused, 'migrateAll');
  if (!isSql(file)) return prepareFunction(run, file);
  const sent = { file: file.name, sql: file.sql, inTransaction: true };
  refuseMissingExtensionSchema(plugin, sent, extensions.facts, settings);
  const { schema, furtherSchemas } = plugin;
  const about = { extensions: extensions.facts, furtherSchemas, isUnfinished };
  const script = await toScript(file, schema, settings.rewritePublic, about);
  const { commands } = script;
  return commands ? { ...script, commands, done } : script;
}
