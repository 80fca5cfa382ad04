import { askUnlessAborted } from '../connection/question.ts';
import { openedGuardSql } from '../connection/session-guard.ts';
import { tryHistorySql } from '../history/migration-history.ts';
import { strayObjects } from '../migrate/guard-failure.ts';
import type { HeldMigrationLock } from '../migrate/migration-lock.ts';
import { beginFile, runStatement, type Migrating } from '../migrate/migrating.ts';
import { prepareFile } from '../migrate/prepare-file.ts';
import { openTransaction, sendGuarded } from '../migrate/run-in-transaction.ts';
import type { Migration } from '../sources/migration.ts';
import { straysSoFarSql, strayObjectsSql } from '../survey/stray-objects.ts';
import { mayReplaceLimits } from './rehearsal-limits.ts';
import { settleConstraintsSql } from './settle-constraints.ts';
import type { FileFacts, FileMeter } from './file-meter.ts';

/** What is kept from one file of a plugin to the next. */
export interface FileBefore {
  readonly meter: FileMeter;
  /** The objects outside of its schemas that the transaction has made so far; undefined when they are not known yet. */
  strays: Set<string> | undefined;
}

/**
 * Runs one file in the open transaction, with all that guards it in a boot, and without its COMMIT and its history row. The
 * caller has set a savepoint, and goes back to it when this fails.
 *
 * @param limits SQL that sets the limits of the rehearsal again, behind a statement that may have replaced them.
 * @throws BootError as a boot does, or what pg threw
 */
export async function rehearseFile(
  run: Migrating,
  held: HeldMigrationLock,
  file: Migration,
  before: FileBefore,
  limits: string,
): Promise<FileFacts | undefined> {
  const { client, settings } = run;
  const prepared = await prepareFile(run, held, file);
  beginFile(run.progress, prepared);
  const opened = await openTransaction(run, held);
  // The plugins before this one have made objects in their own schemas.
  const isLooking = settings.strayObjects !== 'off';
  const strays = before.strays ?? new Set(isLooking ? await readStrays(run) : []);
  await prepared.sendEach((statement) =>
    runStatement(run, statement, async () => {
      const answer = await sendGuarded(run, statement, opened);
      if (mayReplaceLimits(statement.query.text)) await client.query(limits);
      return answer;
    }),
  );
  run.progress.statement = undefined;
  run.progress.isCommitting = true;
  const { found, facts } = await lookAtEnd(run, held, file, before.meter);
  const made = found.filter((name) => !strays.has(name));
  const isRefused = settings.strayObjects === 'error' && !prepared.mayReachOut;
  if (isRefused && made.length > 0) throw strayObjects(run, made);
  before.strays = new Set([...strays, ...found]);
  held.missing = [];
  return facts;
}

/** Checks what a boot checks at the COMMIT of the file, looks for stray objects, and measures. */
async function lookAtEnd(
  { client, plugin, settings, extensions }: Migrating,
  held: HeldMigrationLock,
  file: Migration,
  meter: FileMeter,
): Promise<{ readonly found: readonly string[]; readonly facts: FileFacts | undefined }> {
  let found: readonly string[] = [];
  let facts: FileFacts | undefined;
  const lookForStrays = {
    text: strayObjectsSql(plugin, 'warn'),
    learn: (names: string) => {
      found = read(names);
    },
  };
  await askUnlessAborted(client, [
    { text: tryHistorySql(plugin.historySchema, file, held.shape) },
    ...settleConstraintsSql.map((text) => ({ text })),
    { text: openedGuardSql(held.backendPid, plugin.schema) },
    ...(settings.strayObjects === 'off' ? [] : [lookForStrays]),
    ...extensions.afterFile(file),
    meter.ask((measured) => {
      facts = measured;
    }),
  ]);
  return { found, facts };
}

async function readStrays({ client, plugin }: Migrating): Promise<readonly string[]> {
  const { rows } = await client.query<Readonly<Record<string, string>>>(straysSoFarSql(plugin));
  return read(Object.values(rows[0] ?? {})[0] ?? '[]');
}

function read(names: string): readonly string[] {
  return JSON.parse(names) as readonly string[];
}
