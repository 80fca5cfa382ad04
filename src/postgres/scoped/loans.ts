import type { PoolClient } from 'pg';
import { untilAborted } from '../../core/patience.ts';
import { sendCancelRequest } from '../connection/cancel-request.ts';
import type { PoolLike } from '../connection/connection.ts';
import { checkOutUnlessAborted, type HeldClient } from '../connection/held-client.ts';

/** What was still out and has been taken back. */
export interface Unreturned {
  /** Clients that the plugin had taken and not released. */
  readonly clients: number;
  /** Queries of the pool that ran longer than anyone waits for. */
  readonly queries: number;
}

/** One client, from the moment the pool hands it out until it goes back, once. */
export class Loan {
  readonly client: PoolClient;
  /** Resolves when the client has gone back. */
  readonly returned: Promise<void>;
  /** Whether the plugin has the client in its hands, and is the one to release it. */
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

  /** Whether a query or a transaction is under way. */
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

  /** Only the first call counts: what comes later finds the client with another holder, or gone. */
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

/** A call for a client, from the moment it is made until the client is back. */
interface Borrowing {
  readonly canceled: AbortController;
  /** Resolves when there is no client to wait for. */
  over: Promise<unknown>;
  /** Once the pool has given a client. */
  loan?: Loan;
}

/** The clients of the shared pool that one plugin has out, or waits for. */
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
   * Takes back what is out. A client that the plugin holds and does nothing with is destroyed at once,
   * because its state is unknown. Queries, transactions and calls that wait for a busy pool may end until `deadline` is aborted. A client that
   * arrives for such a call afterwards goes back by itself.
   */
  async takeBack(reason: Error, deadline: AbortSignal): Promise<Unreturned> {
    const open = [...this.#open];
    const forgotten = open.filter(({ loan }) => loan?.isHeld && !loan.isBusy());
    for (const { loan } of forgotten) loan?.giveBack(true);
    try {
      await untilAborted(Promise.all(open.map(({ over }) => over)), deadline);
    } catch {
      // The deadline: what is out now is not waited for.
    }
    const left = open.flatMap(({ loan }) => (loan && !loan.isOver ? [loan] : []));
    for (const { canceled } of open) canceled.abort(reason);
    // The server would not notice the broken connection before its statement ends, and keep that one's locks.
    const canceling = left.map(({ client }) => sendCancelRequest(client));
    for (const loan of left) loan.giveBack(true);
    await Promise.all(canceling);
    const held = left.filter(({ isHeld }) => isHeld).length;
    return { clients: forgotten.length + held, queries: left.length - held };
  }
}
