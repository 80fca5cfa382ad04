import { sqlStateOf } from '../connection/connection-error.ts';
import type { Querying } from '../connection/querying.ts';
import { toHistoryRow, type HistoryRow, type RawHistoryRow } from '../history/migration-history.ts';
import { schemasOf, type MigrationTarget } from '../sources/migration-target.ts';
import { wantedExtensions, type ExtensionSetting } from './extension-schemas.ts';
import { madeExtensions } from './unavailable-extensions.ts';
import {
  factsSql,
  historiesSql,
  isReadable,
  type DatabaseAnswer,
  type SchemaAnswer,
} from './survey-statements.ts';

/** What the database says of all plugins at one moment. */
export interface Look {
  readonly facts: DatabaseAnswer;
  /** By schema. */
  readonly histories: ReadonlyMap<string, readonly HistoryRow[]>;
}

/** How often a survey starts again when a history disappears between its two statements. */
const attempts = 3;

/** Reads the catalogs, then the histories that they tell of. Starts again when one is gone by then. */
export async function lookAtDatabase(
  client: Querying,
  targets: readonly MigrationTarget[],
  setting: ExtensionSetting,
): Promise<Look> {
  const schemas = [
    ...new Set(
      targets.flatMap((target) => [...schemasOf(target), ...(target.previousSchemas ?? [])]),
    ),
  ];
  const all = targets.flatMap(({ files }) => files);
  const sql = factsSql(setting, wantedExtensions(all), madeExtensions(all));
  for (let attempt = 1; ; attempt += 1) {
    const { rows } = await client.query<{ facts: string }>(sql, [schemas]);
    const facts = JSON.parse(rows[0]?.facts ?? '{}') as DatabaseAnswer;
    const readable = facts.schemas.filter(isReadable);
    try {
      return { facts, histories: await readHistories(client, readable) };
    } catch (error) {
      // A plugin's schema was renamed or dropped next door since the first statement.
      const isGone = ['42P01', '3F000', '42703'].includes(sqlStateOf(error) ?? '');
      if (!isGone || attempt === attempts) throw error;
    }
  }
}

async function readHistories(
  client: Querying,
  schemas: readonly SchemaAnswer[],
): Promise<ReadonlyMap<string, readonly HistoryRow[]>> {
  const histories = new Map<string, HistoryRow[]>(schemas.map(({ name }) => [name, []]));
  if (schemas.length === 0) return histories;
  const { rows } = await client.query<RawHistoryRow & { schema: string }>(historiesSql(schemas));
  for (const row of rows) histories.get(row.schema)?.push(toHistoryRow(row));
  return histories;
}
