import { quoteIdentifier, quoteLiteral } from '../sql/identifier.ts';
import { isRepeatable, type MigrationIdentity } from '../sources/migration.ts';

/** The name of Drizzle's own table, which Slipway shares with it. */
export const historyTable = '__drizzle_migrations';

/** A row that Drizzle or Slipway wrote. */
export interface HistoryRow {
  readonly hash: string;
  /** `when` of the file; null in rows that were written by hand. */
  readonly createdAt: number | null;
  /** The name that Drizzle 1.x gives the file; null in rows of 0.x. */
  readonly name: string | null;
}

/** Drizzle 0.x has id, hash and created_at; 1.x has also name and applied_at. */
export type HistoryShape = '0.x' | '1.x';

/** As text, so that no type parser of the host's can change it. */
export interface RawHistoryRow {
  readonly hash: string;
  readonly created_at: string | null;
  readonly name: string | null;
}

/** Writes the name of the history of a schema, quoted and qualified. */
export function quoteHistory(schema: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(historyTable)}`;
}

/** The select list that gives {@link RawHistoryRow}s. */
export function historyColumns(shape: HistoryShape): string {
  const name = shape === '1.x' ? 'name' : 'null';
  return `hash::text as hash, created_at::text as created_at, ${name}::text as name`;
}

/** A time without its milliseconds: Drizzle 1.x keeps whole seconds where 0.x keeps milliseconds. */
export function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

export function toHistoryRow({ hash, created_at, name }: RawHistoryRow): HistoryRow {
  return { hash, createdAt: created_at === null ? null : Number(created_at), name };
}

/** Distinguishes the tables as Drizzle does. */
export function readShape(columns: readonly string[]): HistoryShape {
  return columns.includes('name') ? '1.x' : '0.x';
}

/** The SQL that makes Drizzle's table, word for word in its shape (`migrate` of drizzle-orm 0.45 and of 1.0.0-rc.5). */
function createHistorySql(schema: string, shape: HistoryShape): string {
  const more =
    shape === '1.x' ? ', name text, applied_at timestamp with time zone default now()' : '';
  return `create table if not exists ${quoteHistory(schema)} (id serial primary key, hash text not null, created_at bigint${more})`;
}

/**
 * The SQL that makes what the first row of a plugin needs; empty when nothing is missing.
 *
 * @param table The shape of the history table that is made; undefined when there is one.
 */
export function createMissingSql(
  schemas: readonly string[],
  historySchema: string,
  table: HistoryShape | undefined,
): readonly string[] {
  return [
    ...schemas.map((name) => `create schema if not exists ${quoteIdentifier(name)}`),
    ...(table === undefined ? [] : [createHistorySql(historySchema, table)]),
  ];
}

/** The SQL that writes what Drizzle would have written for this file, as one command. */
export function insertHistorySql(
  schema: string,
  migration: MigrationIdentity,
  shape: HistoryShape,
): string {
  const { hash, when } = migration;
  const { insert, values } = toInsert(schema, migration, shape);
  if (!isRepeatable(migration)) return `${insert} values (${values})`;
  // It may have run before, and has one row for all its runs.
  const moment = shape === '1.x' ? ', applied_at = now()' : '';
  const update = `update ${quoteHistory(schema)} set hash = ${quoteLiteral(hash)}${moment} where created_at = ${when}`;
  return `with again as (${update} returning 1) ${insert} select ${values} where not exists (select from again)`;
}

/** The SQL that writes nothing, and fails where {@link insertHistorySql} would: without the table, or the right to write it. */
export function tryHistorySql(
  schema: string,
  migration: MigrationIdentity,
  shape: HistoryShape,
): string {
  const { insert, values } = toInsert(schema, migration, shape);
  return `${insert} select ${values} where false`;
}

function toInsert(
  schema: string,
  { hash, when, historyName }: MigrationIdentity,
  shape: HistoryShape,
): { readonly insert: string; readonly values: string } {
  const [columns, values] =
    shape === '1.x'
      ? ['hash, created_at, name', `${quoteLiteral(hash)}, ${when}, ${quoteLiteral(historyName)}`]
      : ['hash, created_at', `${quoteLiteral(hash)}, ${when}`];
  return { insert: `insert into ${quoteHistory(schema)} (${columns})`, values };
}

/** The SQL that deletes rows, with what processes without a lock have written twice. */
export function deleteRowsSql(
  schema: string,
  rows: readonly HistoryRow[],
  shape: HistoryShape,
): string {
  const same = rows.map(({ hash, createdAt, name }) =>
    [
      `hash = ${quoteLiteral(hash)}`,
      createdAt === null ? 'created_at is null' : `created_at = ${createdAt}`,
      ...(shape === '0.x' ? [] : [name === null ? 'name is null' : `name = ${quoteLiteral(name)}`]),
    ].join(' and '),
  );
  return `delete from ${quoteHistory(schema)} where ${[...new Set(same)].join(' or ')}`;
}
