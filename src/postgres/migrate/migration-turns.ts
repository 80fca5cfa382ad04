import type { LockHolder } from '../../core/events.ts';
import {
  lockGuardSql,
  readLockAnswer,
  tryLock,
  tryLockSql,
  unlockSql,
  type LockAnswer,
  type LockAttempt,
} from '../locks/advisory-lock.ts';
import { lastRow } from '../connection/connection.ts';
import type { KnownExtensions } from '../survey/known-extensions.ts';
import { readHistory, type HistoryState } from '../survey/read-history.ts';
import { beginSql } from './migration-transaction.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import {
  prepareSession,
  sendSettings,
  type SessionSettings,
} from '../connection/session-settings.ts';

/** A replica's turn at the files of a plugin: as long as it lasts, nobody else runs one of them. */
export interface Turn {
  readonly acquired: true;
  /** The backend that holds the lock. */
  readonly backendPid: number;
  /** SQL that begins the transaction of a file; empty when it is open already. */
  readonly opening: readonly string[];
  /** SQL that fails when the lock is no longer held; empty when nothing can free it before the transaction ends. */
  readonly lockGuard: readonly string[];
  /** Read when the turn began. */
  readonly history: HistoryState;
}

export type TurnAttempt = Turn | { readonly acquired: false; readonly holder: LockHolder };

/** How a replica gets its turns. */
export interface Turns {
  /** The turn that lasts still, or a new one. Never waits: when somebody else has his, it tells who. */
  take(): Promise<TurnAttempt>;
  /** Lets the next one have his turn, without making him wait for the end of the connection; also after a refusal. */
  end(): Promise<void>;
}

/** What is taken in turns. */
export interface TurnPlace {
  readonly schema: string;
  readonly historySchema: string;
  readonly settings: SessionSettings;
  /** Learns what others may have changed. */
  readonly extensions: KnownExtensions;
}

/** One turn for all files of the plugin, on a session that is ours alone. */
export class SessionTurns implements Turns {
  readonly #client: PinnedClient;
  readonly #place: TurnPlace;
  #turn: Turn | undefined;
  #isLocked = false;

  constructor(client: PinnedClient, place: TurnPlace) {
    this.#client = client;
    this.#place = place;
  }

  async take(): Promise<TurnAttempt> {
    if (this.#turn) return this.#turn;
    const { schema, settings } = this.#place;
    const attempt = await tryLock(this.#client, schema);
    if (!attempt.acquired) return attempt;
    this.#isLocked = true;
    this.#client.markDirty();
    await prepareSession(this.#client, settings);
    this.#turn = await beginTurn(this.#client, attempt, this.#place, {
      opening: [beginSql],
      lockGuard: [lockGuardSql(schema)],
    });
    return this.#turn;
  }

  async end(): Promise<void> {
    if (!this.#isLocked || this.#client.lost) return;
    try {
      await this.#client.finish(unlockSql(this.#place.schema));
    } catch {
      this.#client.markDirty();
    }
  }
}

/**
 * A turn for each file, because only a transaction is ours alone: a pooler hands each one to whatever session is free. So
 * the lock and every setting end with the transaction of the file, and nothing stays on a session that others get next.
 */
export class TransactionTurns implements Turns {
  readonly #client: PinnedClient;
  readonly #place: TurnPlace;
  #turn: Turn | undefined;

  constructor(client: PinnedClient, place: TurnPlace) {
    this.#client = client;
    this.#place = place;
  }

  async take(): Promise<TurnAttempt> {
    if (this.#turn && this.#client.isInTransaction()) return this.#turn;
    this.#turn = undefined;
    const attempt = await sendSettings(this.#place.settings, 'transaction', (sql) =>
      this.#begin(sql),
    );
    if (!attempt.acquired) return attempt;
    this.#client.markDirty();
    this.#turn = await beginTurn(this.#client, attempt, this.#place, {
      opening: [],
      lockGuard: [],
    });
    return this.#turn;
  }

  async end(): Promise<void> {
    if (this.#client.isInTransaction()) await this.#client.rollBack();
  }

  async #begin(settingsSql: string): Promise<LockAttempt> {
    const { schema } = this.#place;
    const locking = tryLockSql(schema, 'transaction');
    try {
      const sql = [beginSql, settingsSql, locking].join('; ');
      const answer = lastRow(await this.#client.query<LockAnswer>(sql));
      return await readLockAnswer(this.#client, schema, answer);
    } catch (error) {
      await this.#client.rollBack();
      throw error;
    }
  }
}

/** Whoever had the turn before us may have applied what the survey found pending. */
async function beginTurn(
  client: PinnedClient,
  { backendPid }: Extract<LockAttempt, { readonly acquired: true }>,
  { schema, historySchema, extensions }: TurnPlace,
  sql: Pick<Turn, 'opening' | 'lockGuard'>,
): Promise<Turn> {
  const history = await readHistory(client, schema, historySchema, extensions.question);
  extensions.learn(history.extensions);
  return { acquired: true, backendPid, ...sql, history };
}
