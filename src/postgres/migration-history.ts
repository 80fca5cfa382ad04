import type { QueryAnswer } from './connection.ts';
import { quoteIdentifier, quoteLiteral } from './identifier.ts';
import type { MigrationFile } from './migration-files.ts';

/** The name of Drizzle's own table, which Slipway shares with it. */
export const historyTable = '__drizzle_migrations';

/** A row that Drizzle or Slipway wrote. */
export interface HistoryRow {
  readonly hash: string;
  /** `when` of the file; null in rows that were written by hand. */
  readonly createdAt: number | null;
}

export interface HistoryState {
  /** Of the plugin's schema and that of its history. */
  readonly missingSchemas: readonly string[];
  readonly historyExists: boolean;
  readonly rows: readonly HistoryRow[];
}

/** Whatever runs one query at a time. */
export interface Querying {
  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>>;
}

/** As text, so that no type parser of the host's can change it. */
export interface RawHistoryRow {
  readonly hash: string;
  readonly created_at: string | null;
}

/** The history of a schema, quoted and qualified. */
export function historyOf(schema: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(historyTable)}`;
}

/** The select list that gives {@link RawHistoryRow}s. */
export const historyColumns = 'hash::text as hash, created_at::text as created_at';

export function toHistoryRow({ hash, created_at }: RawHistoryRow): HistoryRow {
  return { hash, createdAt: created_at === null ? null : Number(created_at) };
}

/** Reads what is applied, in statements of their own: under the lock nobody else changes it. */
export async function readHistory(
  client: Querying,
  schema: string,
  historySchema: string,
): Promise<HistoryState> {
  const { rows: found } = await client.query<{ schema: string; history: boolean }>(
    'select n.nspname::text as schema, c.oid is not null as history from pg_namespace n' +
      ' left join pg_class c on c.relnamespace = n.oid and c.relname = $2 where n.nspname = any($1::text[])',
    [[schema, historySchema], historyTable],
  );
  const existing = new Set(found.map((row) => row.schema));
  const missingSchemas = [...new Set([schema, historySchema])].filter(
    (name) => !existing.has(name),
  );
  const historyExists = found.some((row) => row.schema === historySchema && row.history);
  if (!historyExists) return { missingSchemas, historyExists, rows: [] };
  const { rows } = await client.query<RawHistoryRow>(
    `select ${historyColumns} from ${historyOf(historySchema)}`,
  );
  return { missingSchemas, historyExists, rows: rows.map(toHistoryRow) };
}

/** The SQL that makes Drizzle's table, word for word in its shape (drizzle-orm 0.45, `PgDialect.migrate`). */
export function createHistorySql(schema: string): string {
  return `create table if not exists ${historyOf(schema)} (id serial primary key, hash text not null, created_at bigint)`;
}

/** The SQL that writes what Drizzle would have written for this file. */
export function insertHistorySql(schema: string, { hash, when }: MigrationFile): string {
  return `insert into ${historyOf(schema)} (hash, created_at) values (${quoteLiteral(hash)}, ${when})`;
}
