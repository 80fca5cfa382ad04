import type { PoolClient } from 'pg';
import { untilAborted, type Deadline } from '../../core/patience.ts';
import { sendCancelRequest } from '../connection/cancel-request.ts';
import type { PoolLike } from '../connection/connection.ts';
import { checkOut, type HeldClient } from '../connection/held-client.ts';

/** The clients and queries that had to be taken back. */
export interface Unreturned {
  /** Clients that the plugin had taken and not released. */
  readonly clients: number;
  /** Queries of the pool that still ran at the deadline. */
  readonly queries: number;
}

/** One checkout of a client, until it is released or destroyed. */
export class Loan {
  readonly client: PoolClient;
  /** Whether the plugin itself has taken the client, and must release it. */
  isHeld = false;
  readonly #held: HeldClient;
  readonly #onReturn: () => void;
  #running = 0;
  /** Whether the last statement has failed without an answer of the server, which may still run it. */
  #isUnanswered = false;
  #onIdle: (() => void) | undefined;
  #isOver = false;

  constructor(held: HeldClient, onReturn: () => void) {
    this.#held = held;
    this.client = held.client as PoolClient;
    this.#onReturn = onReturn;
  }

  /** Whether the client is back in the pool, or destroyed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether a statement has been sent that is not answered yet. */
  get isRunning(): boolean {
    return this.#running > 0;
  }

  /** Whether a query or a transaction is running. */
  isBusy(): boolean {
    return this.isRunning || this.client.getTransactionStatus() !== 'I';
  }

  /** Counts a query until it is answered. */
  async count<Answer>(query: Promise<Answer>): Promise<Answer> {
    this.#running += 1;
    try {
      const answered = await query;
      this.#isUnanswered = false;
      return answered;
    } catch (error) {
      this.#isUnanswered = !isFromServer(error);
      throw error;
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  /** Calls `then` once no query is running. */
  whenIdle(then: () => void): void {
    if (this.isRunning) this.#onIdle = then;
    else then();
  }

  /**
   * Gives the client back once no query is running and the server is ready for the next one: pg rejects at an error, before it
   * knows the state of the transaction. The client is destroyed when a transaction is open, or when the server may still be
   * busy with a statement that has timed out.
   *
   * @param isSpoilt Whether to destroy it in any case. Asked when it is given back.
   */
  giveBackWhenIdle(isSpoilt: () => boolean): void {
    this.whenIdle(() => {
      const { client } = this;
      const giveBack = (): void => {
        client.off('drain', giveBack).off('end', giveBack);
        this.giveBack(isSpoilt() || client.getTransactionStatus() !== 'I');
      };
      if (isReady(client)) giveBack();
      else if (this.#isUnanswered) this.giveBack(true);
      else client.once('drain', giveBack).once('end', giveBack);
    });
  }

  /** Releases or destroys the client. Only the first call counts, because afterwards the client may belong to another caller. */
  giveBack(destroy: boolean | Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#held.giveBack(destroy);
    } finally {
      this.#onReturn();
    }
  }
}

/** Whether the server has answered everything, or never will. pg's types leave these fields out. */
function isReady(client: PoolClient): boolean {
  const { readyForQuery = true, _queryable: isOpen = true } = client as {
    readonly readyForQuery?: boolean;
    readonly _queryable?: boolean;
  };
  return readyForQuery || !isOpen;
}

function isFromServer(error: unknown): boolean {
  return typeof (error as { readonly severity?: unknown } | undefined)?.severity === 'string';
}

/** A request for a client, until the client is released. */
interface Borrowing {
  /** Present once the pool has given a client. */
  loan?: Loan;
  /** Ends the wait for the pool. */
  cancel: (reason: Error) => void;
}

/** The clients of the shared pool that one plugin uses or waits for. */
export class Loans {
  readonly #pool: PoolLike;
  readonly #open = new Set<Borrowing>();
  /** Called when every client is back. */
  #onEmpty: (() => void) | undefined;
  #refusal: (() => Error) | undefined;

  constructor(pool: PoolLike) {
    this.#pool = pool;
  }

  /**
   * Refuses further requests.
   *
   * @param refusal Makes the error for each of them.
   */
  close(refusal: () => Error): void {
    this.#refusal = refusal;
  }

  /** @throws the refusal, once the pool is closed */
  throwIfClosed(): void {
    if (this.#refusal) throw this.#refusal();
  }

  /** Takes a client. */
  take(): Promise<Loan> {
    return new Promise((resolve, reject) => {
      this.throwIfClosed();
      const borrowing: Borrowing = { cancel: reject };
      this.#open.add(borrowing);
      const end = (): void => this.#close(borrowing);
      const lend = (held: HeldClient): void => {
        const loan = new Loan(held, end);
        // It may have been canceled while it waited.
        if (!this.#open.has(borrowing)) loan.giveBack(false);
        borrowing.loan = loan;
        resolve(loan);
      };
      checkOut(this.#pool).then(lend, (error) => {
        end();
        reject(error);
      });
    });
  }

  /**
   * Takes back every client. A client that the plugin holds without using it is destroyed at once, because its state is
   * unknown. Queries, transactions and requests that wait for a busy pool may end until the deadline. A client that
   * arrives for such a request afterwards is released by itself.
   */
  async takeBack(reason: string, deadline: Pick<Deadline, 'signal'>): Promise<Unreturned> {
    if (this.#open.size === 0) return { clients: 0, queries: 0 };
    const forgotten = this.#loans().filter((loan) => loan.isHeld && !loan.isBusy());
    for (const loan of forgotten) loan.giveBack(true);
    await this.#untilEmpty(deadline.signal);
    const left = this.#loans();
    for (const borrowing of this.#open) {
      if (borrowing.loan) continue;
      this.#close(borrowing);
      borrowing.cancel(new Error(reason));
    }
    // The server notices a broken connection only when its statement ends, and would keep the locks until then.
    const canceling = left.map(({ client }) => sendCancelRequest(client));
    for (const loan of left) loan.giveBack(true);
    await Promise.all(canceling);
    const held = left.filter(({ isHeld }) => isHeld).length;
    return { clients: forgotten.length + held, queries: left.length - held };
  }

  #loans(): readonly Loan[] {
    return [...this.#open].flatMap(({ loan }) => loan ?? []);
  }

  #close(borrowing: Borrowing): void {
    this.#open.delete(borrowing);
    if (this.#open.size === 0) this.#onEmpty?.();
  }

  async #untilEmpty(signal: AbortSignal): Promise<void> {
    if (this.#open.size === 0) return;
    try {
      await untilAborted(new Promise<void>((resolve) => (this.#onEmpty = resolve)), signal);
    } catch {
      // The deadline has passed: the rest is not waited for.
    }
  }
}
