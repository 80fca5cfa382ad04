import type { PoolClient } from 'pg';
import { answer, hasCallback, isSubmittable, readCall } from '../connection/query-call.ts';
import type { Loan, Loans } from './loans.ts';
import { isBehindPooler } from './path-setting.ts';
import type { PluginScope } from './plugin-scope.ts';
import { sendScoped, type ScopedCall } from './scoped-query.ts';
import { readScopedText, refuseText } from './scoped-text.ts';
import { allowChange, askBackend } from './session-change.ts';
import { traceSubmit } from './trace-query.ts';

/**
 * Takes a client of the pool for the plugin, until it is released. It is a proxy, because Drizzle and other libraries recognize
 * a client by its class, and use more of it than these two methods.
 */
export async function connectScoped(loans: Loans, scope: PluginScope): Promise<PoolClient> {
  const loan = await loans.take();
  loan.isHeld = true;
  const session = new Session(loan, scope);
  let isReleased = false;
  const send = async (args: readonly unknown[]): Promise<unknown> => {
    // The connection may belong to another caller by now.
    if (isReleased) throw new Error('This client has been released');
    if (loan.isOver) loans.throwIfClosed();
    const { text, query, values } = readCall(args);
    return session.send({ text, query, values, read: readScopedText(text) });
  };
  const query = (...args: readonly unknown[]): unknown =>
    isSubmittable(args[0]) ? session.submit(args) : answer(send, args);
  const release: PoolClient['release'] = (destroy) => {
    if (isReleased) throw new Error('This client has already been released');
    isReleased = true;
    loan.isHeld = false;
    session.release(destroy ?? false);
  };
  const own = new Map<PropertyKey, unknown>([
    ['query', query],
    ['release', release],
  ]);
  return new Proxy(loan.client, {
    get: (target, key) => own.get(key) ?? (Reflect.get(target, key, target) as unknown),
  });
}

/** The statements of a plugin on a client that it has taken. */
class Session {
  readonly #loan: Loan;
  readonly #scope: PluginScope;
  #isChanged = false;
  /** A question to the server, which later statements must not overtake. */
  #asking: Promise<unknown> | undefined;

  constructor(loan: Loan, scope: PluginScope) {
    this.#loan = loan;
    this.#scope = scope;
  }

  /** Sends a statement. Statements are sent in the order of the calls. */
  send(call: ScopedCall): Promise<unknown> {
    const { client } = this.#loan;
    if (call.read.sessionChange !== undefined && isBehindPooler(client) === undefined) {
      const asking = (this.#asking ?? Promise.resolve()).then(() => askBackend(client));
      // In a transaction that has failed PostgreSQL answers nothing, and the statement itself fails as well.
      this.#asking = asking.catch(() => undefined);
    }
    const sending = this.#asking?.then(() => this.#sendNow(call));
    return this.#loan.count(sending ?? this.#sendNow(call));
  }

  async #sendNow(call: ScopedCall): Promise<unknown> {
    const { client } = this.#loan;
    const { sessionChange } = call.read;
    if (sessionChange !== undefined) {
      // One warning is enough: the connection is lost already.
      const warn = this.#isChanged ? () => undefined : this.#scope.warn;
      allowChange(client, sessionChange, warn);
      this.#isChanged = true;
    }
    return sendScoped(client, this.#scope, call);
  }

  /**
   * Sends a cursor or a stream, which handles its own answer. It needs a transaction, which has the path already.
   *
   * @throws TypeError outside of a transaction; Error when the text is refused
   */
  submit(args: readonly unknown[]): unknown {
    const { client, isRunning } = this.#loan;
    const query = args[0] as { readonly text?: unknown; name?: unknown };
    const text = typeof query.text === 'string' ? query.text : '';
    if (isRunning || client.getTransactionStatus() !== 'T') {
      const refusal = new TypeError('A cursor or stream needs a transaction: begin one first');
      if (!hasCallback(args)) throw refusal;
      return answer(() => Promise.reject(refusal), args);
    }
    const refusal = refuseText(readScopedText(text), { isInside: true });
    if (refusal) throw refusal;
    if (typeof query.name === 'string') query.name = this.#scope.nameStatement(query.name);
    return traceSubmit(this.#scope, text, () =>
      (client.query as (...args: readonly unknown[]) => unknown)(...args),
    );
  }

  /** Releases the client once every statement has been answered. */
  release(destroy: boolean | Error): void {
    if (destroy) this.#loan.giveBack(destroy);
    else this.#loan.giveBackWhenIdle(() => this.#isChanged);
  }
}
