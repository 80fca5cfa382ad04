import { quoteLiteral } from '../sql/identifier.ts';
import { failTelling, toldBy } from './telling-failure.ts';

/** Where a migration runs, as the server says it. */
export interface Place {
  readonly pid: number;
  /** The id of the transaction, 64 bits. */
  readonly transaction: string;
  /** Where new objects go. */
  readonly schema: string | null;
}

/** The select list that gives a {@link Place}. */
export const placeColumns =
  'current_schema() as schema, pg_backend_pid() as pid, pg_current_xact_id()::text as transaction';

/** SQL that gives a {@link Place} outside of a transaction, without an id of one. */
export const placeSql = 'select current_schema() as schema, pg_backend_pid() as pid';

const mark = 'slipway is elsewhere';

const foundPlace = `json_build_object('pid', pg_backend_pid(), 'transaction', pg_current_xact_id()::text, 'schema', current_schema())`;

/**
 * SQL that fails when it runs in another place. It goes in one message with the statement it guards: then that one is
 * undone as well, because PostgreSQL runs the statements of a message in one transaction, and it costs no round trip.
 *
 * @param place Without a `schema` only connection and transaction are looked at: a file may point elsewhere for a moment.
 */
export function guardSql({
  pid,
  transaction,
  schema,
}: Partial<Place> & Omit<Place, 'schema'>): string {
  const isHere = [
    `pg_backend_pid() = ${pid}`,
    `pg_current_xact_id()::text = ${quoteLiteral(transaction)}`,
    ...(schema === undefined || schema === null
      ? []
      : [`current_schema() = ${quoteLiteral(schema)}`]),
  ].join(' and ');
  return failUnless(isHere);
}

/** The same for a message that is a transaction of its own: only the connection is looked at. */
export function sessionGuardSql(pid: number): string {
  return failUnless(`pg_backend_pid() = ${pid}`);
}

/** It answers with no row: one would be read by the host's type parsers, as the rows of the guarded query are. */
function failUnless(isHere: string): string {
  return `${opening}${isHere} then false else ${failTelling(mark, foundPlace)} = 0 end`;
}

const opening = 'select where case when ';

/** What was sent with a guard behind it, as people wrote it. `pg_stat_activity` may have cut the guard's end off. */
export function withoutGuard(sent: string): string {
  const at = sent.lastIndexOf(`;${opening}pg_backend_pid() = `);
  return at === -1 ? sent : sent.slice(0, at).trimEnd();
}

/** The place that a {@link guardSql} found itself in; `undefined` for any other error. */
export function placeIn(error: unknown): Place | undefined {
  return toldBy(mark, error) as Place | undefined;
}
