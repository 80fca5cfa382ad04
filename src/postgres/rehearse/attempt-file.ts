import type { Clock } from '../../core/clock.ts';
import { roundMs } from '../../core/duration.ts';
import { toErrorRecord } from '../../core/error-record.ts';
import { describeStatement } from '../../core/format-error.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { listNames } from '../../core/printable.ts';
import { readSqlState } from '../connection/connection-error.ts';
import { pairUnfinished } from '../history/unfinished-file.ts';
import { findBlockers } from '../locks/advisory-lock.ts';
import { findAdvice } from '../migrate/failure-lookup.ts';
import { explainGuard } from '../migrate/guard-failure.ts';
import { explainFailure } from '../migrate/migration-error.ts';
import type { HeldMigrationLock } from '../migrate/migration-lock.ts';
import { passingReason } from '../migrate/migration-retry.ts';
import type { Migrating } from '../migrate/migrating.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { needsNoTransaction } from '../sql/lone-commands.ts';
import { limitsSql } from './rehearsal-limits.ts';
import { rehearseFile, type FileBefore } from './rehearse-file.ts';
import type { RehearsedFile } from './rehearsed-plugin.ts';

/** A file in its turn. */
interface FileAttempt {
  readonly run: Migrating;
  readonly held: HeldMigrationLock;
  readonly file: Migration;
  readonly before: FileBefore;
  /** The files that were left out before it, and that it may build on. */
  readonly leftOut: readonly string[];
}

interface AttemptOptions {
  readonly clock: Clock;
  readonly functions: boolean;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly late: AbortSignal;
}

/**
 * Rehearses one file under a savepoint. One that PostgreSQL refuses is undone, and what it has locked is free again.
 *
 * @throws the reason of the signal, or why the connection broke
 */
export async function attemptFile(
  attempt: FileAttempt,
  { clock, functions, withinMs, signal, late }: AttemptOptions,
): Promise<RehearsedFile> {
  const { run, held, file, before } = attempt;
  const because = findReasonToLeaveOut(attempt, functions);
  if (because !== undefined) return { file: file.name, outcome: 'leftOut', because };
  const startedAt = clock.elapsed();
  const measure = (): number => roundMs(clock.elapsed() - startedAt);
  try {
    await run.client.query('savepoint slipway_file');
    const limits = limitsSql(run.settings, withinMs);
    const facts = await rehearseFile(run, held, file, before, limits);
    await run.client.query('release savepoint slipway_file');
    return { file: file.name, outcome: 'done', durationMs: measure(), ...facts };
  } catch (error) {
    const durationMs = measure();
    signal.throwIfAborted();
    if (run.client.lost) throw error;
    // The server's own limit may come a moment before ours.
    const isLate = late.aborted || (readSqlState(error) === '57014' && durationMs >= withinMs);
    if (isLate) return { file: file.name, outcome: 'late', durationMs, because: sayWhere(run) };
    return {
      file: file.name,
      durationMs,
      ...(await explain(attempt, explainGuard(run, held, error) ?? error)),
    };
  }
}

/** A file that would not be rolled back, or that PostgreSQL does not run in this transaction, is not run. */
function findReasonToLeaveOut(
  { run, held, file }: FileAttempt,
  functions: boolean,
): string | undefined {
  if (!isSql(file) && !functions) {
    return 'it is a function, which may act outside of the database: allow it with functions, or rehearse on a copy';
  }
  const isUnfinished = pairUnfinished(run.progress.pending, held.done ?? []).files.has(file);
  const isInTransaction = isSql(file)
    ? !needsNoTransaction(file.sql) && !isUnfinished
    : file.transaction;
  return isInTransaction
    ? undefined
    : 'it runs outside of a transaction, and cannot be rolled back: rehearse on a copy';
}

function sayWhere({ progress: { statement } }: Migrating): string {
  if (!statement) return 'the time was up';
  const line = statement.line === undefined ? [] : [`line ${statement.line}`];
  const { number, count } = statement;
  const which = describeStatement({
    file: '',
    statement: number,
    ...(count !== undefined && { statements: count }),
  });
  return `the time was up in ${listNames([...which, ...line])}`;
}

async function explain(
  { run, file, before, leftOut }: FileAttempt,
  error: unknown,
): Promise<Pick<RehearsedFile, 'outcome' | 'because' | 'error' | 'blockers'>> {
  const { client, plugin, progress } = run;
  await client.finish('rollback to savepoint slipway_file');
  const reason = passingReason(error);
  const text = progress.statement?.query.text ?? '';
  if (reason === 'lock') {
    progress.blockers = (await tryInside(run, () => findBlockers(client, text, error))) ?? [];
  } else {
    progress.advice = await tryInside(run, () => findAdvice(run, error));
  }
  await tryInside(run, () => before.meter.skip(client));
  const record = toErrorRecord(explainFailure({ plugin, progress }, error));
  const { blockers } = progress;
  const doubt = findDoubt(file, error, leftOut);
  if (reason === 'lock') {
    return { outcome: 'locked', error: record, ...(blockers.length > 0 && { blockers }) };
  }
  if (reason === 'race') {
    const because = 'another session changed the same in this moment: a boot tries again';
    return { outcome: 'locked', because, error: record };
  }
  return doubt === undefined
    ? { outcome: 'failed', error: record }
    : { outcome: 'unsure', because: doubt, error: record };
}

/** Why a failure may be one of the rehearsal alone. */
function findDoubt(
  file: Migration,
  error: unknown,
  leftOut: readonly string[],
): string | undefined {
  if (isValueOfEarlierFile(file, error)) {
    return 'a value of an enum can be used only after the COMMIT of the file that adds it: rehearse on a copy';
  }
  return leftOut.length === 0
    ? undefined
    : `this may be because ${listNames(leftOut)} was left out: rehearse on a copy`;
}

/** PostgreSQL refuses a value that the same transaction has added. In a boot, only a file that adds it itself fails so. */
function isValueOfEarlierFile(file: Migration, error: unknown): boolean {
  if (readSqlState(error) !== '55P04') return false;
  const value = /"([^"]*)"/.exec(readMessage(error))?.[1];
  if (value === undefined || !isSql(file)) return true;
  const adding = `add\\s+value\\s+(?:if\\s+not\\s+exists\\s+)?'${value.replaceAll(/[^\w\s]/g, '.')}'`;
  return !new RegExp(adding, 'i').test(file.sql.text);
}

/** Asks the database something that may fail, without harm to the transaction. */
async function tryInside<T>({ client }: Migrating, ask: () => Promise<T>): Promise<T | undefined> {
  await client.finish('savepoint slipway_look');
  try {
    return await ask();
  } catch {
    return undefined;
  } finally {
    if (!client.lost) await client.finish('rollback to savepoint slipway_look');
  }
}
