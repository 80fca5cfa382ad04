import type { Querying } from '../connection/querying.ts';
import {
  historyColumns,
  historyOf,
  historyTable,
  shapeOf,
  toHistoryRow,
  type HistoryRow,
  type HistoryShape,
  type MissingParts,
  type RawHistoryRow,
} from '../history/migration-history.ts';
import type { MigrationIdentity } from '../sources/migration.ts';
import { extensionFactsSql, type ExtensionFacts } from './extension-schemas.ts';
import { noQuestion, type ExtensionQuestion } from './known-extensions.ts';
import { markedSchemasSql, type CommentedSchema } from './rename-marker.ts';

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

/** The shape that rows are written in: that of the table, or of the table that is made for these files. */
export function shapeToWrite(
  { shape }: HistoryState,
  [first]: readonly Pick<MigrationIdentity, 'format'>[],
): HistoryShape {
  return shape ?? first?.format ?? '0.x';
}

/** What has to be made before the first row. */
export function missingParts({ missingSchemas, shape }: HistoryState): MissingParts {
  return { schemas: missingSchemas, history: shape === undefined };
}
