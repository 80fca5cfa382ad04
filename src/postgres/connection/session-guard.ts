import { quoteLiteral } from '../sql/identifier.ts';
import { failWithSql, readSqlFailure } from './sql-failure.ts';

/** The session and the transaction that a statement runs in, as the server reports them. */
export interface SessionFacts {
  /** The backend. */
  readonly pid: number;
  /** The id of the transaction, 64 bits. */
  readonly transaction: string;
  /** The schema that new objects go to. */
  readonly schema: string | null;
}

/** The select list that gives {@link SessionFacts}. */
export const sessionColumns =
  'current_schema() as schema, pg_backend_pid() as pid, pg_current_xact_id()::text as transaction';

/** SQL that gives {@link SessionFacts} outside of a transaction, without the id of one. */
export const sessionSql = 'select current_schema() as schema, pg_backend_pid() as pid';

const mark = 'slipway is elsewhere';

const foundSession = `json_build_object('pid', pg_backend_pid(), 'transaction', pg_current_xact_id()::text, 'schema', current_schema())`;

/**
 * SQL that fails when it runs in another session or transaction. It travels in one message with the statement that it guards.
 * PostgreSQL runs the statements of a message in one transaction, so that statement is undone as well, at no round trip.
 *
 * @param expected Without a `schema` only session and transaction are compared: a file may set another path for a moment.
 */
export function transactionGuardSql({
  pid,
  transaction,
  schema,
}: Partial<SessionFacts> & Omit<SessionFacts, 'schema'>): string {
  const isExpected = [
    `pg_backend_pid() = ${pid}`,
    `pg_current_xact_id()::text = ${quoteLiteral(transaction)}`,
    ...(schema === undefined || schema === null
      ? []
      : [`current_schema() = ${quoteLiteral(schema)}`]),
  ].join(' and ');
  return failUnless(isExpected);
}

/** The same for a message that is a transaction of its own: only the session is compared. */
export function sessionGuardSql(pid: number): string {
  return failUnless(`pg_backend_pid() = ${pid}`);
}

/** It answers with no row: one would be read by the host's type parsers, as the rows of the guarded query are. */
function failUnless(isExpected: string): string {
  return `${opening}${isExpected} then false else ${failWithSql(mark, foundSession)} = 0 end`;
}

const opening = 'select where case when ';

/** Takes the guard off a statement that was sent with one. `pg_stat_activity` may have cut the guard's end off. */
export function withoutGuard(sent: string): string {
  const at = sent.lastIndexOf(`;${opening}pg_backend_pid() = `);
  return at === -1 ? sent : sent.slice(0, at).trimEnd();
}

/** Reads what a guard that failed has found; `undefined` for any other error. */
export function readGuardFailure(error: unknown): SessionFacts | undefined {
  return readSqlFailure(mark, error) as SessionFacts | undefined;
}
