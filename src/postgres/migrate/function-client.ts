import type { MigrationClient } from '../../core/migration-source.ts';
import type { ClientQuery } from '../connection/connection.ts';
import { answer as answerCall, isSubmittable, readQuery } from '../connection/query-call.ts';
import type { FileStatement } from './migrating.ts';
import { readKeywords } from '../sql/command-keywords.ts';
import { findLasting, findLockRelease, findTransactionControl } from '../sql/refused-commands.ts';
import { SqlText } from '../sql/sql-text.ts';

/** Sends one statement of a function, whose text has been read. */
type SendRead = (statement: FileStatement, sql: SqlText) => Promise<unknown>;

interface FunctionRules {
  readonly inTransaction: boolean;
  /** Whether the connection has a session of its own, and not one that a pooler hands on. */
  readonly keepsSession: boolean;
}

/**
 * The client of one run of a function: it sends one statement after the other, however they are asked for, remembers the
 * first that failed, and is dead once it is closed. In a transaction it refuses what would end it, as files are refused.
 */
export class FunctionClient {
  readonly #send: SendRead;
  readonly #rules: FunctionRules;
  #isOpen = true;
  #asked = 0;
  #answered = 0;
  #sent = 0;
  #last: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(send: SendRead, rules: FunctionRules) {
    this.#send = send;
    this.#rules = rules;
  }

  /** The first query that failed. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Whether a query waits for its answer. */
  isBusy(): boolean {
    return this.#asked > this.#answered;
  }

  /** Lets nothing more begin, and waits for what runs. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#last;
  }

  /** Returns the client for the function. Its methods need no `this`, because libraries take them apart. */
  handOut(): MigrationClient {
    const query = (...args: readonly unknown[]): unknown =>
      answerCall((plain) => this.#ask(plain), args);
    return { query: query as MigrationClient['query'], release: () => undefined };
  }

  #ask(args: readonly unknown[]): Promise<unknown> {
    this.#asked += 1;
    const answer = this.#last.then(() => this.#run(args));
    // With this handler a query without an await fails the migration, and not the process.
    this.#last = answer.then(
      () => this.#settle(),
      (error: unknown) => {
        if (!(error instanceof UsedLate)) this.#failure ??= { error };
        this.#settle();
      },
    );
    return answer;
  }

  #settle(): void {
    this.#answered += 1;
  }

  async #run(args: readonly unknown[]): Promise<unknown> {
    if (!this.#isOpen) throw new UsedLate('this client was used after run() had ended');
    // PostgreSQL would answer that the transaction is aborted, without the reason.
    if (this.#rules.inTransaction && this.#failure) throw this.#failure.error;
    const query = readAllowed(args);
    const sql = new SqlText(query.text);
    refuseByRules(sql, this.#rules);
    this.#sent += 1;
    return this.#send(toStatement(query, sql, this.#sent), sql);
  }
}

/** A query that never began, and so has not failed. */
class UsedLate extends Error {}

/** The parts of a query that are safe behind a guard: a named statement would be left on the connection. */
function readAllowed(args: readonly unknown[]): ClientQuery {
  if (isSubmittable(args[0])) {
    throw new TypeError(
      'query() of a migration takes a text or a query config, with values; no cursor or stream',
    );
  }
  const { text, values, rowMode, types } = readQuery(args);
  return {
    text,
    ...(values !== undefined && { values }),
    ...(rowMode !== undefined && { rowMode }),
    ...(types !== undefined && { types }),
  };
}

/** Refuses what the survey refuses in files. */
function refuseByRules(sql: SqlText, { inTransaction, keepsSession }: FunctionRules): void {
  if (inTransaction) refuseControl(sql);
  const freed = findLockRelease(sql);
  if (freed) throw new Error(`${freed.command} is refused: it releases the migration lock`);
  const lasting = keepsSession ? undefined : findLasting(sql);
  if (!lasting) return;
  throw new Error(
    `${lasting.command} is refused: it outlives its transaction, and the pooler in between keeps no session`,
  );
}

function refuseControl(sql: SqlText): void {
  const found = findTransactionControl(sql);
  if (!found) return;
  const advice =
    found.kind === 'transaction'
      ? 'the migration is one transaction, which Slipway begins and ends; transaction: false runs it without one'
      : 'the migration runs in the schema of its plugin';
  throw new Error(`${found.command} is refused: ${advice}`);
}

function toStatement(query: ClientQuery, sql: SqlText, number: number): FileStatement {
  return {
    query,
    sql,
    isLeftOpen: sql.isLeftOpen,
    number,
    command: readKeywords(sql.commands[0]),
    origin: (index = sql.statements[0]?.codeOffset ?? 0) => ({
      text: query.text,
      index,
    }),
  };
}
