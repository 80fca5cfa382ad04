import type { Problem } from '../../core/error-codes.ts';
import { readText } from '../../core/foreign-value.ts';
import { quoteLiteral, textArray } from '../sql/identifier.ts';
import type { Querying } from '../connection/connection.ts';
import {
  createMissingSql,
  historyColumns,
  quoteHistory,
  historyTable,
  readShape,
  toHistoryRow,
  type HistoryRow,
  type HistoryShape,
  type RawHistoryRow,
} from '../history/migration-history.ts';
import { doneCommandsSql, unfinishedTable, type DoneCommand } from '../history/unfinished-file.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { readReplaced, type ReplacedMarker } from '../history/replaced-marker.ts';
import { furtherSchemasSql, planFurtherSchemas, type FurtherSchema } from './further-schemas.ts';
import { noExtensionsSql, type ExtensionFacts } from './extension-schemas.ts';
import { markedSchemasSql, type CommentedSchema } from './schema-names.ts';

/** The history of one plugin, and what may have changed since the survey. */
interface HistoryState {
  /** Whether the table is there. */
  readonly exists: boolean;
  /** The shape of the table that is there, or that is made for the files of the plugin. */
  readonly shape: HistoryShape;
  /** SQL that makes schemas and table, and marks further schemas; empty when all is done. */
  readonly missing: readonly string[];
  /** The problems of further schemas, which the survey would report. */
  readonly problems: readonly Problem[];
  readonly rows: readonly HistoryRow[];
  /** The comment on the table; null without one. */
  readonly comment: string | null;
  /** What the comment says of rows that are gone. */
  readonly replaced: ReplacedMarker;
  /** The rows of {@link unfinishedTable}; undefined when there is no such table. */
  readonly done: readonly DoneCommand[] | undefined;
  readonly extensions: ExtensionFacts;
  /** The schemas whose comment has a rename marker. */
  readonly renamed: readonly CommentedSchema[];
}

/** The answers of the catalogs, in one text of JSON. */
interface HistoryFacts extends Pick<HistoryState, 'extensions' | 'renamed'> {
  /** Left out when the plugin has none. */
  readonly further?: readonly FurtherSchema[];
  readonly schemas: readonly {
    readonly name: string;
    /** The columns of the history table; null when there is none. */
    readonly columns: readonly string[] | null;
    readonly comment: string | null;
    readonly hasUnfinished: boolean;
  }[];
}

/**
 * SQL that asks what may have changed since the survey: whether the history is there, the schemas of extensions, and whether
 * the schema was renamed. {@link readHistory} takes its row.
 */
export function historyFactsSql(
  { schema, historySchema, furtherSchemas }: PluginMigrations,
  extensionsSql = noExtensionsSql,
): string {
  return `select json_build_object(
       'extensions', ${extensionsSql},
       'renamed', ${markedSchemasSql},${furtherSchemas.length === 0 ? '' : ` 'further', ${furtherSchemasSql(furtherSchemas)},`}
       'schemas', (select coalesce(json_agg(json_build_object('name', n.nspname, 'comment', obj_description(c.oid, 'pg_class'), 'columns', (
           select json_agg(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
           'hasUnfinished', exists (select from pg_class u where u.relnamespace = n.oid and u.relname = '${unfinishedTable}'))), '[]')
         from pg_namespace n left join pg_class c on c.relnamespace = n.oid and c.relname = '${historyTable}'
         where n.nspname = any(${textArray([schema, historySchema])})))::text as facts`;
}

/**
 * Reads what is applied. No other process changes it under the lock.
 *
 * @param answer The row of {@link historyFactsSql}; asked for when it is left out.
 */
export async function readHistory(
  client: Querying,
  plugin: PluginMigrations,
  answer?: unknown,
): Promise<HistoryState> {
  const { schema, historySchema, files } = plugin;
  const row = answer ?? (await client.query(historyFactsSql(plugin))).rows[0];
  const {
    schemas,
    extensions,
    renamed,
    further = [],
  } = JSON.parse(readText(row, 'facts') ?? '{}') as HistoryFacts;
  const found = schemas.find(({ name }) => name === historySchema);
  const { columns, comment = null } = found ?? {};
  const exists = columns != null;
  const shape = exists ? readShape(columns) : (files[0]?.format ?? '0.x');
  const missingSchemas = [...new Set([schema, historySchema])].filter(
    (name) => !schemas.some((existing) => existing.name === name),
  );
  const own = createMissingSql(missingSchemas, historySchema, exists ? undefined : shape);
  const done = found?.hasUnfinished ? await readDone(client, historySchema) : undefined;
  const replaced = readReplaced(comment);
  const known = (rows: readonly HistoryRow[]): HistoryState => {
    const { statements, problems } = planFurtherSchemas(plugin, further, rows.length > 0);
    const missing = [...own, ...statements];
    return { exists, shape, missing, extensions, renamed, problems, rows, comment, replaced, done };
  };
  if (!exists) return known([]);
  const { rows } = await client.query<RawHistoryRow>(
    `select ${historyColumns(shape)} from ${quoteHistory(historySchema)}`,
  );
  return known(rows.map(toHistoryRow));
}

async function readDone(client: Querying, schema: string): Promise<readonly DoneCommand[]> {
  const sql = `select ${doneCommandsSql([schema])}::text as done`;
  const { rows } = await client.query<{ done: string }>(sql);
  return JSON.parse(rows[0]?.done ?? '[]') as readonly DoneCommand[];
}

/** A schema with what the catalogs say of the history in it. */
interface ReadableSchema {
  readonly name: string;
  readonly canUse: boolean;
  readonly history: { readonly columns: readonly string[]; readonly canRead: boolean } | null;
}

/** Whether the history of this schema can be read. */
export function isReadable({ canUse, history }: ReadableSchema): boolean {
  return (
    canUse &&
    history?.canRead === true &&
    ['hash', 'created_at'].every((column) => history.columns.includes(column))
  );
}

/** Makes the statement that reads all histories at once, each by its own columns. */
export function historiesSql(schemas: readonly ReadableSchema[]): string {
  return schemas
    .map(
      ({ name, history }) =>
        `select ${quoteLiteral(name)} as schema, ${historyColumns(readShape(history?.columns ?? []))} from ${quoteHistory(name)}`,
    )
    .join(' union all ');
}
