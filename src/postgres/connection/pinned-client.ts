import type { Clock } from '../../core/clock.ts';
import { BootError } from '../../core/errors.ts';
import { onAbort, sleep } from '../../core/patience.ts';
import { sendCancelRequest } from './cancel-request.ts';
import type { PatientPool } from './connect-with-patience.ts';
import { findLoss, readSqlState } from './connection-error.ts';
import {
  ownTypes,
  type ClientLike,
  type ClientQuery,
  type PoolLike,
  type QueryAnswer,
  type Querying,
} from './connection.ts';
import {
  PreparedStatements,
  sendBatch,
  takesBatches,
  type BatchAnswer,
  type BatchStatement,
} from './batch.ts';
import { sendLong, type LongQuery } from './long-query.ts';
import { sendGuarded } from './guarded-query.ts';
import { checkOutUnlessAborted, type HeldClient } from './held-client.ts';

/** One physical connection, held for as long as its work needs it. */
export interface PinnedClient extends Querying {
  /** The backend announced when the connection was made; a pooler announces another than `pg_backend_pid()` returns. */
  readonly processID: number | undefined;
  /** The server that it is connected to; empty for a client that does not say. */
  readonly server: { readonly address?: string; readonly port?: number };
  /** Why the connection broke, once it did. */
  readonly lost: Error | undefined;
  /** Aborted with that error, for what waits for something else than an answer. */
  readonly broken: AbortSignal;
  /**
   * Runs SQL; when the signal is aborted meanwhile, the statement is cancelled on the server. The answer has booleans, int4,
   * and text for all else, whatever type parsers the host has.
   */
  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>>;
  /** Runs a query of a user, with the host's type parsers; with a guard nothing of it is kept when the guard fails. */
  send(request: ClientQuery, guard?: string): Promise<unknown>;
  /**
   * Does the same with a text of any length.
   *
   * @param guard Leave it out for a text that leaves a literal open, which would swallow it.
   */
  sendLong(request: LongQuery, guard?: string): Promise<unknown>;
  /** Whether the client can send several statements at once, each as a message of its own. */
  readonly takesBatches: boolean;
  /**
   * Runs statements in one round trip; after an error no further one runs.
   *
   * @param onRun Called with the index of each statement that has run.
   */
  sendBatch(
    statements: readonly BatchStatement[],
    onRun: (index: number) => void,
  ): Promise<BatchAnswer>;
  /** Runs SQL that must not be cut in the middle, such as COMMIT, also when the signal is aborted. */
  finish<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>>;
  /** Rolls back, and never fails: where ROLLBACK does not arrive the connection is destroyed, which rolls back too. */
  rollBack(): Promise<void>;
  /** Whether the last answer of the server left the connection inside a transaction. */
  isInTransaction(): boolean;
  /** Says that the session is not as it was: the connection is destroyed instead of given back. */
  markDirty(): void;
  /**
   * Says which backend answers.
   *
   * @returns Whether it is the one that an earlier holder of this connection has found.
   */
  expectBackend(pid: number): boolean;
  /**
   * Makes a session that was changed as new: its locks are free, and its settings, plans and temporary tables are gone. Another
   * migration may have the connection then, unless what the host had set is gone as well. The pool must not have it: its users
   * may have prepared statements on it.
   */
  reset(): Promise<void>;
}

interface PinOptions {
  readonly clock: Clock;
  /** Aborted: what runs is cancelled on the server, and nothing further is sent by `query`. */
  readonly signal: AbortSignal;
  /** Aborted: the socket is destroyed, whatever runs. For a stop that is past its deadline. */
  readonly cut?: AbortSignal | undefined;
  /**
   * Asked when the connection broke: whether nothing has begun yet that `use` would do twice. A patient pool then gives it
   * another connection. Without this `use` runs once.
   */
  readonly mayRepeat?: (() => boolean) | undefined;
}

/**
 * Takes a client out of the pool for `use` and gives it back, or destroys it when it is marked dirty, was left inside a
 * transaction or after a failed statement, lost its connection, or `use` threw: pg-pool resets nothing, and the next user
 * would inherit all of it.
 *
 * @throws what `use` throws; the signal's reason when it is aborted before a client arrives.
 * @example const answer = await withPinnedClient(pool, { signal, clock }, (client) => client.query('select 1'));
 */
export async function withPinnedClient<T>(
  pool: PoolLike | PatientPool,
  options: PinOptions,
  use: (client: PinnedClient) => Promise<T>,
): Promise<T> {
  if (!('outlast' in pool)) {
    return useOnce(await checkOutUnlessAborted(pool, options.signal), options, undefined, use);
  }
  for (let attempt = 1; ; attempt += 1) {
    const held = await pool.checkOut();
    try {
      return await useOnce(held, options, pool.onStatement, use);
    } catch (error) {
      const loss = options.mayRepeat?.() ? findLoss(error) : undefined;
      if (!loss || !(await pool.outlast(loss, attempt))) throw error;
    }
  }
}

async function useOnce<T>(
  held: HeldClient,
  options: PinOptions,
  onStatement: PatientPool['onStatement'],
  use: (client: PinnedClient) => Promise<T>,
): Promise<T> {
  const pin = new Pin(held, options, onStatement);
  try {
    return await use(pin);
  } catch (error) {
    pin.markDirty();
    throw error;
  } finally {
    pin.release();
  }
}

/** A cancel that reaches the server before the statement does is lost: it is repeated until the statement has ended. */
const cancelAgainMs = 250;

/** The longest timer of Node.js, in ms; see {@link Pin.finish}. */
const neverMs = 2_147_483_647;

class Pin implements PinnedClient {
  readonly #held: HeldClient;
  readonly #client: ClientLike;
  readonly #options: PinOptions;
  readonly #onStatement: PatientPool['onStatement'];
  readonly #onError = (error: Error): void => {
    this.#lost ??= error;
    this.#broken.abort(this.#lost);
  };
  readonly #broken = new AbortController();
  readonly #onCut = (): void => this.#giveBack(true);
  #lost: Error | undefined;
  #isDirty = false;
  #isReset = false;
  readonly #prepared = new PreparedStatements();
  #wasCanceled = false;
  #isInDoubt = false;
  #isGone = false;

  constructor(held: HeldClient, options: PinOptions, onStatement: PatientPool['onStatement']) {
    this.#held = held;
    this.#client = held.client;
    this.#options = options;
    this.#onStatement = onStatement;
    if (held.firstError) this.#onError(held.firstError);
    this.#client.on?.('error', this.#onError);
    if (options.cut?.aborted) this.#giveBack(true);
    else options.cut?.addEventListener('abort', this.#onCut, { once: true });
  }

  get processID(): number | undefined {
    return this.#client.processID ?? undefined;
  }

  get server(): PinnedClient['server'] {
    const { host, port } = this.#client;
    return {
      ...(typeof host === 'string' && { address: host }),
      ...(typeof port === 'number' && { port }),
    };
  }

  get lost(): Error | undefined {
    return this.#lost;
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>> {
    return this.#unlessAborted(() => this.finish<Row>(text, values));
  }

  send(request: ClientQuery, guard?: string): Promise<unknown> {
    // A user's statement may free what is prepared.
    this.#prepared.forget();
    const config = { ...request, query_timeout: neverMs };
    return this.#unlessAborted(() =>
      this.#count(() =>
        guard === undefined ? this.#client.query(config) : sendGuarded(this.#client, config, guard),
      ),
    );
  }

  sendLong(request: LongQuery, guard?: string): Promise<unknown> {
    this.#prepared.forget();
    const options = {
      tail: guard === undefined ? '' : `\n;${guard}`,
      query_timeout: neverMs,
    };
    return this.#unlessAborted(() => this.#count(() => sendLong(this.#client, request, options)));
  }

  get takesBatches(): boolean {
    return takesBatches(this.#client);
  }

  sendBatch(
    statements: readonly BatchStatement[],
    onRun: (index: number) => void,
  ): Promise<BatchAnswer> {
    const options = { onRun, prepared: this.#prepared, query_timeout: neverMs };
    return this.#unlessAborted(() =>
      this.#count(() => sendBatch(this.#client, statements, options)),
    );
  }

  async #unlessAborted<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    let canceling: { readonly ended: AbortController; readonly done: Promise<void> } | undefined;
    const leave = onAbort(signal, () => {
      const ended = new AbortController();
      canceling = { ended, done: this.#cancelUntil(ended.signal) };
    });
    try {
      return await send();
    } finally {
      leave();
      canceling?.ended.abort();
      if (!this.#isGone) await canceling?.done;
    }
  }

  /** A pool's own `query_timeout` would give up on a migration that the server goes on with: it is out of force here. */
  async finish<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>> {
    this.#prepared.forget();
    const config = {
      text,
      ...(values && { values: [...values] }),
      types: ownTypes,
      query_timeout: neverMs,
    };
    return (await this.#count(() => this.#client.query(config))) as QueryAnswer<Row>;
  }

  async rollBack(): Promise<void> {
    if (this.#lost) return;
    try {
      await this.finish('rollback');
    } catch {
      this.markDirty();
    }
  }

  async #count<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    this.#onStatement?.();
    // pg reports an error before the server has said what became of the transaction.
    this.#isInDoubt = true;
    try {
      const answer = await send();
      this.#isInDoubt = false;
      return answer;
    } catch (error) {
      // pg reports a broken connection without the reason, which is in the server's last message.
      const isOwn = readSqlState(error) !== undefined || error instanceof BootError;
      throw isOwn ? error : (this.#lost ?? error);
    }
  }

  isInTransaction(): boolean {
    return this.#client.getTransactionStatus?.() !== 'I';
  }

  markDirty(): void {
    this.#isDirty = true;
  }

  expectBackend(pid: number): boolean {
    this.#held.backendPid ??= pid;
    return this.#held.backendPid === pid;
  }

  async reset(): Promise<void> {
    await this.finish('discard all');
    this.#isReset = true;
    this.#isDirty = !this.#held.wasNew;
  }

  release(): void {
    const status = this.#client.getTransactionStatus?.() ?? 'I';
    const isBroken = this.#isDirty || this.#isInDoubt || this.#wasCanceled || status !== 'I';
    this.#giveBack(this.#lost ?? (isBroken || (this.#isReset && 'handOver')));
  }

  #giveBack(how: boolean | 'handOver' | Error): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.cut?.removeEventListener('abort', this.#onCut);
    this.#client.off?.('error', this.#onError);
    if (how === 'handOver') this.#held.handOver();
    else this.#held.giveBack(how);
  }

  async #cancelUntil(ended: AbortSignal): Promise<void> {
    const { clock, cut } = this.#options;
    // One that comes too late would cancel the next statement on this connection.
    this.#wasCanceled = true;
    while (!ended.aborted && !this.#isGone) {
      await sendCancelRequest(this.#client, cut);
      await sleep(clock, cancelAgainMs, ended).catch(() => undefined);
    }
  }
}
