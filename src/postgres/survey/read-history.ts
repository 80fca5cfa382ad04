import type { Querying } from '../connection/connection.ts';
import {
  historyColumns,
  quoteHistory,
  historyTable,
  readShape,
  toHistoryRow,
  type HistoryRow,
  type HistoryShape,
  type RawHistoryRow,
} from '../history/migration-history.ts';
import type { MigrationIdentity } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { noExtensionsSql, type ExtensionFacts } from './extension-schemas.ts';
import { markedSchemasSql, type CommentedSchema } from './rename-marker.ts';

export interface HistoryState {
  /** Which of the plugin's schema and its history's schema are missing. */
  readonly missingSchemas: readonly string[];
  /** The columns of the table; undefined when it does not exist yet. */
  readonly shape: HistoryShape | undefined;
  readonly rows: readonly HistoryRow[];
  readonly extensions: ExtensionFacts;
  /** The schemas whose comment has a rename marker. */
  readonly renamed: readonly CommentedSchema[];
}

/** The answers of the catalogs, in one text of JSON. */
interface HistoryFacts extends Pick<HistoryState, 'extensions' | 'renamed'> {
  readonly schemas: readonly {
    readonly name: string;
    /** The columns of the history table; null when there is none. */
    readonly columns: readonly string[] | null;
  }[];
}

/**
 * Reads what is applied. No other process changes it under the lock. It also reads what may have changed since the survey: the
 * schemas of extensions, and whether the schema was renamed.
 */
export async function readHistory(
  client: Querying,
  { schema, historySchema }: PluginMigrations,
  extensionsSql = noExtensionsSql,
): Promise<HistoryState> {
  const { rows: found } = await client.query<{ facts: string }>(
    `select json_build_object(
       'extensions', ${extensionsSql},
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
  const shape = readShape(columns);
  const { rows } = await client.query<RawHistoryRow>(
    `select ${historyColumns(shape)} from ${quoteHistory(historySchema)}`,
  );
  return { ...known, shape, rows: rows.map(toHistoryRow) };
}

/** Returns the columns to write: those of the table, or those of the table that is made for these files. */
export function shapeToWrite(
  { shape }: HistoryState,
  [first]: readonly Pick<MigrationIdentity, 'format'>[],
): HistoryShape {
  return shape ?? first?.format ?? '0.x';
}
