import { readText } from '../../core/foreign-value.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { readSqlState } from './connection-error.ts';

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

const elsewhereMark = 'slipway is elsewhere';

const foundSession = `json_build_object('pid', pg_backend_pid(), 'transaction', pg_current_xact_id()::text, 'schema', current_schema())`;

/**
 * SQL that fails when it runs in another session or transaction. It travels in one message with the statement that it guards.
 * PostgreSQL runs the statements of a message in one transaction, so that statement is undone as well, at no round trip. The
 * schema is not compared: a file may set another path for a moment.
 */
export function transactionGuardSql({ pid, transaction }: Omit<SessionFacts, 'schema'>): string {
  return failUnless(
    `pg_backend_pid() = ${pid} and pg_current_xact_id()::text = ${quoteLiteral(transaction)}`,
  );
}

/** The setting in which a transaction keeps its id. It ends with the transaction. */
const openedSetting = 'slipway.opened';

/** An SQL expression to evaluate when a transaction begins, for {@link openedGuardSql}. */
export const rememberTransactionSql = `set_config('${openedSetting}', pg_current_xact_id()::text, true)`;

/** SQL that fails at the end of a transaction when it is not the one that was remembered, or when new objects would go to another schema. */
export function openedGuardSql(pid: number, schema: string): string {
  return failUnless(
    `pg_backend_pid() = ${pid} and pg_current_xact_id()::text = current_setting('${openedSetting}', true)` +
      ` and current_schema() = ${quoteLiteral(schema)}`,
  );
}

/** The same for a message that is a transaction of its own: only the session is compared. */
export function sessionGuardSql(pid: number): string {
  return failUnless(`pg_backend_pid() = ${pid}`);
}

/** It answers with no row: one would be read by the host's type parsers, as the rows of the guarded query are. */
function failUnless(isExpected: string): string {
  return `${opening}${isExpected} then false else ${failWithSql(elsewhereMark, foundSession)} = 0 end`;
}

const opening = 'select where case when ';

/** Takes the guard off a statement that was sent with one. `pg_stat_activity` may have cut the guard's end off. */
export function withoutGuard(sent: string): string {
  const at = sent.lastIndexOf(`;${opening}pg_backend_pid() = `);
  return at === -1 ? sent : sent.slice(0, at).trimEnd();
}

/** Reads what a guard that failed has found; `undefined` for any other error. */
export function readGuardFailure(error: unknown): SessionFacts | undefined {
  return readSqlFailure(elsewhereMark, error) as SessionFacts | undefined;
}

/**
 * Returns an SQL expression that fails, with what the server found in the message of its error. So a check undoes the message
 * that it travels in, and still reports why.
 *
 * @param mark Separates the failures of one check from those of another; see {@link readSqlFailure}.
 * @param found An SQL expression of type json. It must not be constant, or the planner would evaluate it too early.
 */
export function failWithSql(mark: string, found: string): string {
  return `(${quoteLiteral(`${mark}: `)} || (${found})::text)::int`;
}

/** Reads what a {@link failWithSql} with this mark has found; `undefined` for any other error. */
export function readSqlFailure(mark: string, error: unknown): unknown {
  if (readSqlState(error) !== '22P02') return undefined;
  const found = new RegExp(`${mark}: ([[{].*[\\]}])`).exec(readText(error, 'message') ?? '')?.[1];
  return found === undefined ? undefined : (JSON.parse(found) as unknown);
}
