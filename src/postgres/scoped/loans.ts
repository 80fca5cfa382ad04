import type { PoolClient } from 'pg';
import { untilAborted, type Deadline } from '../../core/patience.ts';
import { sendCancelRequest } from '../connection/cancel-request.ts';
import type { PoolLike } from '../connection/connection.ts';
import { checkOutUnlessAborted, type HeldClient } from '../connection/held-client.ts';

/** The clients and queries that were still out and have been taken back. */
export interface Unreturned {
  /** Clients that the plugin had taken and not released. */
  readonly clients: number;
  /** Queries of the pool that still ran at the deadline. */
  readonly queries: number;
}

/** One checkout of a client, until it is released or destroyed. */
export class Loan {
  readonly client: PoolClient;
  /** Resolves when the client has been released or destroyed. */
  readonly returned: Promise<void>;
  /** Whether the plugin itself has taken the client, and must release it. */
  isHeld = false;
  readonly #held: HeldClient;
  readonly #onReturn: () => void;
  #running = 0;
  #isOver = false;

  constructor(held: HeldClient, onReturn: () => void) {
    this.#held = held;
    this.client = held.client as PoolClient;
    let resolve = (): void => undefined;
    this.returned = new Promise((done) => (resolve = done));
    this.#onReturn = () => {
      onReturn();
      resolve();
    };
  }

  /** Whether the client is back in the pool, or destroyed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether a query or a transaction is running. */
  isBusy(): boolean {
    return this.#running > 0 || this.client.getTransactionStatus() !== 'I';
  }

  /** Counts a query for as long as it runs. */
  async run<Answer>(query: () => Promise<Answer>): Promise<Answer> {
    this.#running += 1;
    try {
      return await query();
    } finally {
      this.#running -= 1;
    }
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

/** A request for a client, until the client is released. */
interface Borrowing {
  readonly canceled: AbortController;
  /** Resolves when the request has ended, with or without a client. */
  over: Promise<unknown>;
  /** Present once the pool has given a client. */
  loan?: Loan;
}

/** The clients of the shared pool that one plugin uses or waits for. */
export class Loans {
  readonly #pool: PoolLike;
  readonly #open = new Set<Borrowing>();

  constructor(pool: PoolLike) {
    this.#pool = pool;
  }

  /** Takes a client. */
  async take(): Promise<Loan> {
    const borrowing: Borrowing = { canceled: new AbortController(), over: Promise.resolve() };
    this.#open.add(borrowing);
    const close = (): void => void this.#open.delete(borrowing);
    const { signal } = borrowing.canceled;
    const taking = checkOutUnlessAborted(this.#pool, signal).then((held) => {
      const loan = new Loan(held, close);
      borrowing.loan = loan;
      if (signal.aborted) loan.giveBack(false);
      signal.throwIfAborted();
      return loan;
    });
    borrowing.over = taking.then((loan) => loan.returned, close);
    return taking;
  }

  /**
   * Takes back every client. A client that the plugin holds without using it is destroyed at once, because its state is
   * unknown. Queries, transactions and requests that wait for a busy pool may end until the deadline. A client that
   * arrives for such a request afterwards is released by itself.
   */
  async takeBack(reason: string, deadline: Pick<Deadline, 'signal'>): Promise<Unreturned> {
    if (this.#open.size === 0) return { clients: 0, queries: 0 };
    const open = [...this.#open];
    const forgotten = open.filter(({ loan }) => loan?.isHeld && !loan.isBusy());
    for (const { loan } of forgotten) loan?.giveBack(true);
    try {
      await untilAborted(Promise.all(open.map(({ over }) => over)), deadline.signal);
    } catch {
      // The deadline has passed: the rest is not waited for.
    }
    const left = open.flatMap(({ loan }) => (loan && !loan.isOver ? [loan] : []));
    for (const { canceled } of open) canceled.abort(new Error(reason));
    // The server notices a broken connection only when its statement ends, and would keep the locks until then.
    const canceling = left.map(({ client }) => sendCancelRequest(client));
    for (const loan of left) loan.giveBack(true);
    await Promise.all(canceling);
    const held = left.filter(({ isHeld }) => isHeld).length;
    return { clients: forgotten.length + held, queries: left.length - held };
  }
}
