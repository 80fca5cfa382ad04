import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { ownTypes, type ClientQuery } from '../connection/connection.ts';
import { answer, hasCallback, isSubmittable, readQuery } from '../connection/query-call.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { findSessionChange } from '../sql/refused-commands.ts';
import { SqlText } from '../sql/sql-text.ts';
import type { Loan, Loans } from './loans.ts';
import { readTransactionText, refuseSessionChange } from './transaction-texts.ts';

/**
 * Takes a client of the pool, and runs each of its statements under `path` until it is released. On a direct connection, the
 * path is set for the session, and reset one round trip after the release. Behind a pooler, it is set in each transaction,
 * because the pooler may give the session to another client after it.
 */
export async function connectScoped(loans: Loans, path: string): Promise<PoolClient> {
  const loan = await loans.take();
  const { client } = loan;
  try {
    const session = await readSession(client);
    if (!session.isPooled) await client.query(`set search_path = ${path}`);
    loan.isHeld = true;
    return handOut(
      loan,
      path,
      session.isPooled ? scopeTransactions(loan, path) : scopeSession(loan, session.path),
    );
  } catch (error) {
    loan.giveBack(true);
    throw error;
  }
}

/** The path of a session, and whether a pooler may hand that session on between two transactions. */
export async function readSession(
  client: PoolClient,
): Promise<{ readonly path: string; readonly isPooled: boolean }> {
  const { processID } = client as { readonly processID?: number | null };
  const { rows } = await client.query<{ path: string; pid: number }>({
    text: "select current_setting('search_path') as path, pg_backend_pid() as pid",
    types: ownTypes,
  });
  const [session] = rows;
  return {
    path: session?.path ?? '',
    isPooled: processID != null && processID !== session?.pid,
  };
}

/** One form of a scoped client: it sends statements and is released. */
interface ScopedForm {
  send(query: ClientQuery): Promise<unknown>;
  /** Sends a cursor or a stream, which handles its own answer. */
  submit(args: readonly unknown[]): unknown;
  /** Called once. */
  release(destroy: boolean | Error): void;
}

/**
 * Makes the client that the plugin gets, which works until its release. It is a proxy, because Drizzle and other libraries
 * recognize a client by its class, and use more of it than these two methods.
 */
function handOut(loan: Loan, path: string, form: ScopedForm): PoolClient {
  let isReleased = false;
  const send = async (args: readonly unknown[]): Promise<unknown> => {
    // The connection may belong to another caller by now, under another path.
    if (isReleased) throw new Error('This client has been released');
    const query = readScopedQuery(path, args);
    return loan.run(() => form.send(query));
  };
  const query = (...args: readonly unknown[]): unknown => {
    const [first] = args;
    if (!isSubmittable(first)) return answer(send, args);
    scopeSubmittable(path, first);
    return form.submit(args);
  };
  const release: PoolClient['release'] = (destroy) => {
    if (isReleased) throw new Error('This client has already been released');
    isReleased = true;
    // It may have been taken back already, when its plugin stopped.
    if (loan.isOver) return;
    loan.isHeld = false;
    form.release(destroy ?? false);
  };
  const own = new Map<PropertyKey, unknown>([
    ['query', query],
    ['release', release],
  ]);
  return new Proxy(loan.client, {
    get: (target, key) => own.get(key) ?? (Reflect.get(target, key, target) as unknown),
  });
}

function scopeSession(loan: Loan, previousPath: string): ScopedForm {
  const { client } = loan;
  let isChanged = false;
  return {
    send(query) {
      isChanged ||= findSessionChange(new SqlText(query.text)) !== undefined;
      return client.query(query);
    },
    submit: (args) => submit(client, args),
    release(destroy) {
      if (destroy || isChanged || client.getTransactionStatus() !== 'I') {
        loan.giveBack(destroy || true);
      } else void resetAndGiveBack(loan, previousPath);
    },
  };
}

async function resetAndGiveBack(loan: Loan, path: string): Promise<void> {
  const { client } = loan;
  const text = `select set_config('search_path', ${quoteLiteral(path)}, false)`;
  const isReset = await client.query({ text, types: ownTypes }).then(
    () => true,
    () => false,
  );
  // A BEGIN that was not awaited may have run before the reset.
  loan.giveBack(!isReset || client.getTransactionStatus() !== 'I');
}

/**
 * Sets the path in each transaction and nowhere else: right after a BEGIN that the plugin sends, and in a transaction of its
 * own around every other statement. Statements run one after another, as on the client itself.
 */
function scopeTransactions(loan: Loan, path: string): ScopedForm {
  const { client } = loan;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    waiting += 1;
    return mine.finally(() => (waiting -= 1));
  };
  return {
    send: (query) => inTurn(() => sendUnderPath(client, path, query)),
    submit(args) {
      if (waiting === 0 && client.getTransactionStatus() === 'T') {
        const { text } = args[0] as { readonly text?: unknown };
        if (typeof text === 'string') readTransactionText(new SqlText(text), true);
        return submit(client, args);
      }
      const refusal = new TypeError(
        'Behind a pooler a cursor or stream needs a transaction: begin one first',
      );
      if (!hasCallback(args)) throw refusal;
      return answer(() => Promise.reject(refusal), args);
    },
    release: (destroy) =>
      void inTurn(async () => loan.giveBack(destroy || client.getTransactionStatus() !== 'I')),
  };
}

/** Sends a query object of pg, as it is. */
function submit(client: PoolClient, args: readonly unknown[]): unknown {
  return (client.query as (...args: readonly unknown[]) => unknown)(...args);
}

/** Runs one statement in a transaction of its own, under the path. */
export async function queryAlone(
  client: PoolClient,
  path: string,
  query: ClientQuery,
): Promise<unknown> {
  try {
    await client.query(`begin; set local search_path = ${path}`);
    const result: unknown = await client.query(query);
    if (client.getTransactionStatus() === 'I') {
      throw new Error(
        'The SQL has ended the transaction that it ran in: take a client with connect()',
      );
    }
    await client.query('commit');
    return result;
  } catch (error) {
    // When that fails too, the client is inside a transaction or lost, and its pool destroys it.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function sendUnderPath(
  client: PoolClient,
  path: string,
  query: ClientQuery,
): Promise<unknown> {
  const sql = new SqlText(query.text);
  refuseSessionChange(sql);
  const isInside = client.getTransactionStatus() !== 'I';
  const { opens, onlyEnds } = readTransactionText(sql, isInside);
  if (isInside || onlyEnds) return client.query(query);
  return opens
    ? client.query({ ...query, text: withPath(sql, path) })
    : queryAlone(client, path, query);
}

/** Adds the path to a text that begins a transaction, as its first statement. */
function withPath({ text, commands: [begin] }: SqlText, path: string): string {
  const end = begin ? begin.start + begin.code.length : 0;
  return `${text.slice(0, end)}; set local search_path = ${path}${text.slice(end)}`;
}

/** PostgreSQL cuts longer names of prepared statements, so that two of them could become one. */
const longestName = 63;

/** Reads the arguments of `query()` like {@link readQuery}; the name of a prepared statement gets a hash of the path. */
export function readScopedQuery(path: string, args: readonly unknown[]): ClientQuery {
  const query = readQuery(args);
  return query.name === undefined ? query : { ...query, name: nameInScope(path, query.name) };
}

/** Does the same for a query object, which is sent unchanged otherwise. */
function scopeSubmittable(path: string, query: object): void {
  if (!('name' in query) || typeof query.name !== 'string') return;
  query.name = nameInScope(path, query.name);
}

/**
 * Makes the name of a prepared statement as it is sent. Plugins share connections, and on each of them a name must stand for
 * one text and one path.
 *
 * @example nameInScope('"plugin_a"', 'byId') // '7c1ae42f05d3_byId'
 */
function nameInScope(path: string, name: string): string {
  const scoped = `${hash(path).slice(0, 12)}_${name}`;
  return Buffer.byteLength(scoped) <= longestName
    ? scoped
    : hash(`${path} ${name}`).slice(0, longestName);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
