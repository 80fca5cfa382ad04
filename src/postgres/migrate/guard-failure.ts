import { BootError, problemError } from '../../core/errors.ts';
import { listNames } from '../../core/printable.ts';
import { readGuardFailure, type SessionFacts } from '../connection/session-guard.ts';
import { isLockFreed } from '../locks/advisory-lock.ts';
import { isSql } from '../sources/migration.ts';
import { readTakenMeanwhile } from '../survey/further-schemas.ts';
import { straysIn } from '../survey/stray-objects.ts';
import { unquotedPublicAdvice } from '../sql/public-names.ts';
import { splitName } from '../sql/sql-names.ts';
import type { Migrating } from './migrating.ts';
import { isCommandRolledBack, migrationFailed, whatIsKept } from './migration-error.ts';
import type { HeldMigrationLock } from './migration-lock.ts';

/** The error for a guard or a look around that failed; `undefined` for any other error. */
export function explainGuard(
  run: Migrating,
  held: HeldMigrationLock,
  error: unknown,
): BootError | undefined {
  const elsewhere = readGuardFailure(error);
  if (elsewhere) return wrongSession(run, held, elsewhere);
  if (isLockFreed(error)) return lockFreed(run);
  const taken = readTakenMeanwhile(run.plugin, error);
  if (taken) return problemError(taken, 'migrateAll');
  const strays = straysIn(error);
  return strays && strayObjects(run, strays);
}

/** The error for a statement that ran on another backend, in another transaction or with another schema in front. */
export function wrongSession(
  run: Migrating,
  { backendPid }: HeldMigrationLock,
  found: Pick<SessionFacts, 'pid' | 'schema'> | undefined,
): BootError {
  if (found?.pid !== backendPid) {
    return wrongSchema(
      run,
      `backend ${found?.pid} answered, and backend ${backendPid} holds the lock`,
    );
  }
  return found.schema === run.plugin.schema
    ? transactionEnded(run)
    : wrongSchema(
        run,
        `new objects would go to schema ${found.schema}, not ${run.plugin.schema}`,
        `${run.progress.open?.commands ? whatIsKept(run.progress) : 'Nothing of this file was kept.'} Remove SET search_path from it, and see that the role has USAGE on the schema.`,
      );
}

function wrongSchema(
  { plugin: { id: plugin }, progress: { open } }: Migrating,
  found: string,
  hint?: string,
): BootError {
  const where = open ? `${open.file.name}: ` : '';
  return new BootError(
    'MIGRATION_WRONG_SCHEMA',
    `${plugin} could not be migrated: ${where}${found}`,
    { plugin, phase: 'migrateAll', position: open && { file: open.file.name }, hint },
  );
}

/** The error for a file that has ended the transaction which Slipway opened for it. */
export function transactionEnded(run: Migrating): BootError {
  return migrationFailed(
    run,
    new Error('the transaction that Slipway opened for this file was ended by the file itself'),
    'Remove BEGIN, COMMIT and ROLLBACK from it: each file is one transaction anyway. The statements before them may be committed: look at the schema before you start again.',
  );
}

/** The error for a file outside of a transaction that has begun one and not ended it. */
export function transactionLeftOpen(run: Migrating): BootError {
  return migrationFailed(
    run,
    new Error('it has left a transaction open'),
    'Make sure that each BEGIN in it has its COMMIT or ROLLBACK. What came after the last BEGIN is not kept.',
  );
}

/** The error for an index whose name another table's index has. */
export function indexTaken(run: Migrating, name: string | undefined, table: string): BootError {
  return migrationFailed(
    run,
    new Error(`there is an index ${name} already, on ${table}`),
    'Give the new index a name of its own: two in one schema cannot have the same.',
  );
}

/** A file that ran without the lock at its end: another replica may have run it too. */
function lockFreed(run: Migrating): BootError {
  const advice =
    'Remove from it what releases the lock: pg_advisory_unlock_all(), DISCARD ALL, or a function that calls them. If it has none of these, look for a pooler that resets sessions.';
  const { progress } = run;
  const kept =
    progress.open?.inTransaction === true || isCommandRolledBack(progress)
      ? whatIsKept(run.progress)
      : 'It runs outside of a transaction: its work stays, it counts as not applied, and another replica may have run it at the same time. Look at the data before you start again.';
  return migrationFailed(
    run,
    new Error('the migration lock was released while it ran'),
    `${advice} ${kept}`,
  );
}

/** The error for a file that has made something outside of its plugin's schema. */
export function strayObjects(run: Migrating, names: readonly string[]): BootError {
  const plugin = run.plugin.id;
  const file = run.progress.open?.file.name ?? '';
  // An extension is a stray only in the plugin's own schema.
  const isExtension = names.every((name) => name.startsWith('extension '));
  const harm = isExtension ? ', where no other plugin finds it' : " outside of the plugin's schema";
  return new BootError(
    'MIGRATION_STRAY_OBJECTS',
    `${plugin} could not be migrated: ${file} makes ${listNames(names)}${harm}`,
    {
      plugin,
      phase: 'migrateAll',
      position: { file },
      hint: `${inPublicAdvice(run, names) ?? strayAdvice(names)} If it is intended, add the line "-- slipway: allow-outside" to the file. ${whatIsKept(run.progress)}`,
    },
  );
}

/** The commonest reason: `public.` without quotes. */
function inPublicAdvice(
  { progress: { open } }: Migrating,
  names: readonly string[],
): string | undefined {
  const found = names.flatMap((name) => / public\.(.+?)(?:\(.*)?$/.exec(name)?.[1] ?? []);
  const plain = found.flatMap((name) => splitName(name).at(0) ?? []);
  return open && isSql(open.file) ? unquotedPublicAdvice(open.file, plain) : undefined;
}

function strayAdvice(names: readonly string[]): string {
  const schemas = names.flatMap((name) => (name.startsWith('schema ') ? name.slice(7) : []));
  const advice = adviceByKind(names);
  return schemas.length === 0
    ? advice
    : `If ${listNames(schemas)} belongs to the plugin alone, list it in the schemas of the plugin. If not: ${advice}`;
}

function adviceByKind(names: readonly string[]): string {
  const areAll = (kind: string): boolean => names.every((name) => name.startsWith(`${kind} `));
  if (areAll('schema')) {
    return 'Remove CREATE SCHEMA from the file, because Slipway makes the schema that it runs in.';
  }
  return areAll('extension')
    ? 'Write CREATE EXTENSION … SCHEMA with your schema for extensions.'
    : "Remove the schema's name from the file.";
}
