import type { QueryAnswer } from './connection.ts';
import { extensionFactsSql, type ExtensionFacts } from './extension-schemas.ts';
import { quoteIdentifier, quoteLiteral } from './identifier.ts';
import type { MigrationIdentity } from './migration.ts';
import { noQuestion, type ExtensionQuestion } from './known-extensions.ts';
import { markedSchemasSql, type CommentedSchema } from './rename-marker.ts';

/** The name of Drizzle's own table, which Slipway shares with it. */
export const historyTable = '__drizzle_migrations';

/** A row that Drizzle or Slipway wrote. */
export interface HistoryRow {
  readonly hash: string;
  /** `when` of the file; null in rows that were written by hand. */
  readonly createdAt: number | null;
  /** What Drizzle 1.x calls the file; null in rows of 0.x. */
  readonly name: string | null;
}

/** Drizzle 0.x has id, hash and created_at; 1.x has also name and applied_at. */
export type HistoryShape = '0.x' | '1.x';

export interface HistoryState {
  /** Of the plugin's schema and that of its history. */
  readonly missingSchemas: readonly string[];
  /** The shape of the table; undefined when there is none yet. */
  readonly shape: HistoryShape | undefined;
  readonly rows: readonly HistoryRow[];
  readonly extensions: ExtensionFacts;
  /** Schemas that say of themselves that they were renamed. */
  readonly renamed: readonly CommentedSchema[];
}

/** Whatever runs one query at a time. */
export interface Querying {
  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>>;
}

/** As text, so that no type parser of the host's can change it. */
export interface RawHistoryRow {
  readonly hash: string;
  readonly created_at: string | null;
  readonly name: string | null;
}

/** The history of a schema, quoted and qualified. */
export function historyOf(schema: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(historyTable)}`;
}

/** The select list that gives {@link RawHistoryRow}s. */
export function historyColumns(shape: HistoryShape): string {
  const name = shape === '1.x' ? 'name' : 'null';
  return `hash::text as hash, created_at::text as created_at, ${name}::text as name`;
}

export function toHistoryRow({ hash, created_at, name }: RawHistoryRow): HistoryRow {
  return { hash, createdAt: created_at === null ? null : Number(created_at), name };
}

/** As Drizzle itself tells its tables apart. */
export function shapeOf(columns: readonly string[]): HistoryShape {
  return columns.includes('name') ? '1.x' : '0.x';
}

/** What the catalogs say, in one text of JSON. */
interface HistoryFacts extends Pick<HistoryState, 'extensions' | 'renamed'> {
  readonly schemas: readonly {
    readonly name: string;
    /** Of the history table; null when there is none. */
    readonly columns: readonly string[] | null;
  }[];
}

/**
 * Reads what is applied, in statements of their own: under the lock nobody else changes it. What others may have changed
 * since the survey is read along: where extensions are, and whether the schema has another name now.
 */
export async function readHistory(
  client: Querying,
  schema: string,
  historySchema: string,
  { setting, wanted }: ExtensionQuestion = noQuestion,
): Promise<HistoryState> {
  const { rows: found } = await client.query<{ facts: string }>(
    `select json_build_object(
       'extensions', ${extensionFactsSql(setting, wanted)},
       'renamed', ${markedSchemasSql},
       'schemas', (select coalesce(json_agg(json_build_object('name', n.nspname, 'columns', (
           select json_agg(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))), '[]')
         from pg_namespace n left join pg_class c on c.relnamespace = n.oid and c.relname = $2
         where n.nspname = any($1::text[])))::text as facts`,
    [[schema, historySchema], historyTable],
  );
  const { schemas, extensions, renamed } = JSON.parse(found[0]?.facts ?? '{}') as HistoryFacts;
  const missingSchemas = [...new Set([schema, historySchema])].filter(
    (name) => !schemas.some((existing) => existing.name === name),
  );
  const known = { missingSchemas, extensions, renamed };
  const columns = schemas.find(({ name }) => name === historySchema)?.columns;
  if (columns == null) return { ...known, shape: undefined, rows: [] };
  const shape = shapeOf(columns);
  const { rows } = await client.query<RawHistoryRow>(
    `select ${historyColumns(shape)} from ${historyOf(historySchema)}`,
  );
  return { ...known, shape, rows: rows.map(toHistoryRow) };
}

/** The SQL that makes Drizzle's table, word for word in its shape (`migrate` of drizzle-orm 0.45 and of 1.0.0-rc.5). */
export function createHistorySql(schema: string, shape: HistoryShape): string {
  const more =
    shape === '1.x' ? ', name text, applied_at timestamp with time zone default now()' : '';
  return `create table if not exists ${historyOf(schema)} (id serial primary key, hash text not null, created_at bigint${more})`;
}

/** The SQL that writes what Drizzle would have written for this file. */
export function insertHistorySql(
  schema: string,
  { hash, when, historyName }: MigrationIdentity,
  shape: HistoryShape,
): string {
  return shape === '1.x'
    ? `insert into ${historyOf(schema)} (hash, created_at, name) values (${quoteLiteral(hash)}, ${when}, ${quoteLiteral(historyName)})`
    : `insert into ${historyOf(schema)} (hash, created_at) values (${quoteLiteral(hash)}, ${when})`;
}
