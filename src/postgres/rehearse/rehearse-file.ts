import { lastRow } from '../connection/connection.ts';
import { askAll } from '../connection/question.ts';
import { openedGuardSql, sessionColumns, type SessionFacts } from '../connection/session-guard.ts';
import { lockTimeoutSql } from '../connection/session-settings.ts';
import { strayObjects, wrongSession } from '../migrate/guard-failure.ts';
import type { HeldMigrationLock } from '../migrate/migration-lock.ts';
import { beginFile, runStatement, type Migrating } from '../migrate/migrating.ts';
import { prepareFile } from '../migrate/prepare-file.ts';
import { sendGuarded } from '../migrate/run-in-transaction.ts';
import { openingSql } from '../migrate/transaction-sql.ts';
import type { Migration } from '../sources/migration.ts';
import { straysSoFarSql, strayObjectsSql } from '../survey/stray-objects.ts';
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
 * @throws BootError as a boot does, or what pg threw
 */
export async function rehearseFile(
  run: Migrating,
  held: HeldMigrationLock,
  file: Migration,
  before: FileBefore,
): Promise<FileFacts | undefined> {
  const { client, plugin, progress, extensions, settings } = run;
  const prepared = await prepareFile(run, held, file);
  beginFile(progress, prepared);
  const opening = openingSql(run, held).map(({ text }) => `${text}; `);
  const opened = lastRow(
    await client.query<SessionFacts>(`${opening.join('')}select ${sessionColumns}`),
  );
  if (!opened || opened.pid !== held.backendPid || opened.schema !== plugin.schema) {
    throw wrongSession(run, held, opened);
  }
  // The plugins before this one have made objects in their own schemas.
  const isLooking = settings.strayObjects !== 'off';
  const strays = before.strays ?? new Set(isLooking ? await readStrays(run) : []);
  await prepared.sendEach((statement) =>
    runStatement(run, statement, async () => {
      const answer = await sendGuarded(run, statement, opened);
      // The file was written for a boot, which may wait longer.
      if (/lock_timeout/i.test(statement.query.text)) await client.query(lockTimeoutSql(settings));
      return answer;
    }),
  );
  progress.statement = undefined;
  let found: readonly string[] = [];
  let facts: FileFacts | undefined;
  await askAll(client, [
    // What is checked at the COMMIT of a boot is checked here.
    ...settleConstraintsSql.map((text) => ({ text })),
    { text: openedGuardSql(held.backendPid, plugin.schema) },
    ...(isLooking
      ? [{ text: strayObjectsSql(plugin, 'warn'), learn: (value: string) => (found = read(value)) }]
      : []),
    ...extensions.afterFile(file),
    before.meter.ask((measured) => {
      facts = measured;
    }),
  ]);
  const made = found.filter((name) => !strays.has(name));
  const isRefused = settings.strayObjects === 'error' && !prepared.mayReachOut;
  if (isRefused && made.length > 0) throw strayObjects(run, made);
  before.strays = new Set([...strays, ...found]);
  held.missing = [];
  return facts;
}

async function readStrays({ client, plugin }: Migrating): Promise<readonly string[]> {
  const { rows } = await client.query<Readonly<Record<string, string>>>(straysSoFarSql(plugin));
  return read(Object.values(rows[0] ?? {})[0] ?? '[]');
}

function read(names: string): readonly string[] {
  return JSON.parse(names) as readonly string[];
}
