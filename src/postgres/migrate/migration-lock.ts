import { BootError, problemError } from '../../core/errors.ts';
import type { LockHolder } from '../../core/waits.ts';
import { lockGuardSql, tryLock, unlockSql } from '../locks/advisory-lock.ts';
import { beginSql, sendSettings } from '../connection/session-settings.ts';
import type { HistoryRow, HistoryShape } from '../history/migration-history.ts';
import type { ReplacedMarker } from '../history/replaced-marker.ts';
import type { DoneCommand } from '../history/unfinished-file.ts';
import { historyFactsSql, readHistory } from '../survey/read-history.ts';
import { findRenamedAway } from '../survey/schema-names.ts';
import type { Migrating } from './migrating.ts';

/** A plugin's migration lock while we hold it: no other process runs one of its files. */
export interface HeldMigrationLock {
  readonly acquired: true;
  /** The backend that holds it. */
  readonly backendPid: number;
  /** SQL that begins the transaction of a file; empty when that is open already, because the lock is in it. */
  readonly begin: readonly string[];
  /** SQL that fails when the lock is no longer held; empty when nothing can free it before the transaction ends. */
  readonly guard: readonly string[];
  /** The history, read under the lock: the holder before us may have applied what the survey found pending. */
  readonly rows: readonly HistoryRow[];
  /** The comment on the history, and what it says of rows that are gone; written anew with each squash file. */
  comment: string | null;
  replaced: ReplacedMarker;
  /** The shape of the history that is there, or that is made. */
  readonly shape: HistoryShape;
  /** The rows of Slipway's table of unfinished files, with those that this call has written; undefined when there is no such table. */
  done: readonly DoneCommand[] | undefined;
  /** SQL that makes schema and history; empty when both are there, or once a file under this lock has made them. */
  missing: readonly string[];
}

/** A way to hold a plugin's migration lock. */
interface MigrationLock {
  /**
   * Returns the lock that is still held, or takes it and reads the history. Never waits: a refusal names the holder.
   *
   * @throws BootError `MIGRATION_RENAMED`
   */
  take(): Promise<HeldMigrationLock | { readonly acquired: false; readonly holder: LockHolder }>;
  /** Releases the lock now, rather than when the connection closes; also after a refusal. */
  release(): Promise<void>;
}

/** A lock for all files of the plugin, on a session that is ours alone. */
export class SessionLock implements MigrationLock {
  readonly #run: Migrating;
  #held: HeldMigrationLock | undefined;
  #isLocked = false;

  constructor(run: Migrating) {
    this.#run = run;
  }

  async take(): ReturnType<MigrationLock['take']> {
    if (this.#held) return this.#held;
    const { client, plugin } = this.#run;
    const attempt = await this.#try();
    if (!attempt.acquired) return attempt;
    this.#isLocked = true;
    client.markDirty();
    const { backendPid, answer } = attempt;
    if (!client.expectBackend(backendPid)) throw otherBackend(plugin.id);
    this.#held = await readUnderLock(this.#run, backendPid, answer, {
      begin: [beginSql],
      guard: [lockGuardSql(plugin.schema)],
    });
    return this.#held;
  }

  /** In one message: the session is only changed when it gets the lock. */
  #try(): ReturnType<typeof tryLock> {
    const { client, plugin, settings, extensions } = this.#run;
    const questions = [historyFactsSql(plugin, extensions.factsSql()), 'commit'];
    return sendSettings(plugin.id, extensions.searchPath, settings, 'session', async (onTaken) => {
      try {
        return await tryLock(client, plugin.schema, { before: [beginSql], onTaken, questions });
      } catch (error) {
        // The lock of a session outlives its transaction.
        await client.rollBack();
        if (!client.lost) await client.finish(unlockSql(plugin.schema));
        throw error;
      }
    });
  }

  async release(): Promise<void> {
    const { client } = this.#run;
    if (!this.#isLocked || client.lost) return;
    try {
      await client.reset();
    } catch {
      client.markDirty();
    }
  }
}

function otherBackend(plugin: string): BootError {
  return new BootError(
    'POOLER_UNSUPPORTED',
    `${plugin} could not be migrated: another backend answers on the connection than before`,
    { plugin, phase: 'migrateAll' },
  );
}

/**
 * A lock for each file, because only a transaction is ours alone: a pooler gives each one whatever session is free. So the
 * lock and every setting end with the transaction of the file, and nothing stays on a session that other clients get next.
 */
export class TransactionLock implements MigrationLock {
  readonly #run: Migrating;
  #held: HeldMigrationLock | undefined;

  constructor(run: Migrating) {
    this.#run = run;
  }

  async take(): ReturnType<MigrationLock['take']> {
    const { client, plugin, settings, extensions } = this.#run;
    if (this.#held && client.isInTransaction()) return this.#held;
    this.#held = undefined;
    const questions = [historyFactsSql(plugin, extensions.factsSql())];
    const attempt = await sendSettings(
      plugin.id,
      extensions.searchPath,
      settings,
      'transaction',
      async (set) => {
        const before = [beginSql, `select ${set}`];
        try {
          return await tryLock(client, plugin.schema, { scope: 'transaction', before, questions });
        } catch (error) {
          await client.rollBack();
          throw error;
        }
      },
    );
    if (!attempt.acquired) return attempt;
    client.markDirty();
    const { backendPid, answer } = attempt;
    this.#held = await readUnderLock(this.#run, backendPid, answer, { begin: [], guard: [] });
    return this.#held;
  }

  async release(): Promise<void> {
    const { client } = this.#run;
    if (client.isInTransaction()) await client.rollBack();
  }
}

/**
 * Reads the history once its lock is taken.
 *
 * @throws BootError `MIGRATION_RENAMED`, or a problem of further schemas
 */
export async function readUnderLock(
  { client, plugin, extensions }: Pick<Migrating, 'client' | 'plugin' | 'extensions'>,
  backendPid: number,
  answer: unknown,
  sql: Pick<HeldMigrationLock, 'begin' | 'guard'>,
): Promise<HeldMigrationLock> {
  const history = await readHistory(client, plugin, answer);
  extensions.learn(history.extensions);
  // Without this, one that waited while the schema got another name would make an empty one in its place.
  const renamed = history.exists ? undefined : findRenamedAway(plugin, history.renamed);
  const refused = renamed ?? history.problems[0];
  if (refused) throw problemError(refused, 'migrateAll');
  const { rows, comment, replaced, shape, missing, done } = history;
  return { acquired: true, backendPid, ...sql, rows, comment, replaced, shape, missing, done };
}
