import { listNames } from '../../core/printable.ts';
import type { HistoryTool } from '../../core/migration-source.ts';
import type { Querying } from '../connection/connection.ts';
import {
  foundTablesSql,
  isHistoryOf,
  quoteTable,
  readApplied,
  toolHistories,
  toolRowsSql,
  type FoundTable,
  type ToolRow,
} from '../history/tool-histories.ts';
import { isRepeatable, type Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { repairRefused } from './repair-error.ts';
import { decideOnRows } from './repair-history.ts';
import type { RepairDecision, RepairLeft } from './repair-report.ts';

/** The history to adopt. */
interface AdoptedHistory {
  readonly from: HistoryTool;
  /** `schema.table`; the tool's own name in the schema of the plugin, or else in `public`, when it is left out. */
  readonly table?: string | undefined;
}

/**
 * Decides on history rows for the files that are applied according to the history of another tool. That history is only read.
 *
 * @param chosen The files that may count as applied.
 */
export async function decideOnAdopted(
  client: Querying,
  plugin: PluginMigrations,
  history: AdoptedHistory,
  chosen: readonly Migration[],
): Promise<RepairDecision> {
  const { from } = history;
  const found = await findTable(client, plugin, history);
  const where = `${from} in ${quoteTable(found)}`;
  const { rows } = await client.query<ToolRow>(toolRowsSql(from, found));
  // That tool has run none of the repeatable files; the next boot runs them.
  const once = plugin.files.filter((file) => !isRepeatable(file));
  const { isApplied, unknown, failed, notReached, alike } = readApplied(from, rows, once);
  if (failed.length > 0) throw unfinished(plugin.id, history, where, failed);
  if (notReached.length > 0) throw notReachedYet(plugin.id, where, notReached);
  if (alike.length > 0) throw ambiguous(plugin.id, where, alike);
  const applied = once.filter((file) => isApplied(file));
  const wanted = new Set(chosen);
  const decision = await decideOnRows(
    client,
    plugin,
    applied.filter((file) => wanted.has(file)),
  );
  const pending = once.filter((file) => !isApplied(file));
  return {
    changes: decision.changes.map((each) => ({
      ...each,
      change: `${each.change}: applied by ${where}`,
    })),
    left: [
      ...decision.left,
      ...applied
        .filter((file) => !wanted.has(file))
        .map(because('it is applied, and comes after upTo')),
      ...pending.map(because(`it is not applied by ${where}`)),
      ...unknown.map(({ key }): RepairLeft => {
        return { kind: 'file', name: key, because: `applied by ${where}, and the plugin lacks it` };
      }),
    ],
    statements: decision.statements,
  };
}

function because(reason: string): (file: Migration) => RepairLeft {
  return ({ name }) => ({ kind: 'file', name, because: reason });
}

async function findTable(
  client: Querying,
  { id, schema }: PluginMigrations,
  { from, table: given }: AdoptedHistory,
): Promise<FoundTable> {
  const { table: own = '', columns: expected = [] } = toolHistories.get(from) ?? {};
  const { schemas, table } =
    given === undefined
      ? { schemas: [...new Set([schema, 'public'])], table: own }
      : splitTable(given);
  const { rows } = await client.query<{ found: string }>(
    `select ${foundTablesSql(schemas, [table])}::text as found`,
  );
  const found = JSON.parse(rows[0]?.found ?? '[]') as readonly FoundTable[];
  const ordered = schemas.flatMap((name) => found.filter((each) => each.schema === name));
  const right = ordered.find((each) => isHistoryOf(from, each));
  if (right) return right;
  const [wrong] = ordered;
  if (wrong) {
    throw repairRefused(
      id,
      `${quoteTable(wrong)} is no history of ${from}: it has the columns ${listNames(wrong.columns)}, and not ${listNames(expected)}`,
      'Name the tool that made it with from, or its table with table.',
    );
  }
  const places = schemas.map((name) => quoteTable({ schema: name, table })).join(' and no ');
  throw repairRefused(
    id,
    `there is no ${places}, the history of ${from}`,
    'Name its table with table: "schema.table".',
  );
}

/** Splits `schema.table` at its first point; the table may have points in its name. */
function splitTable(name: string): { readonly schemas: readonly string[]; readonly table: string } {
  const at = name.indexOf('.');
  return { schemas: [name.slice(0, at)], table: name.slice(at + 1) };
}

function unfinished(
  id: string,
  { from }: AdoptedHistory,
  where: string,
  failed: readonly string[],
): Error {
  const [has, is] = failed.length === 1 ? ['has', 'is'] : ['have', 'are'];
  const what = `${listNames(failed)} ${has} failed or ${is} not finished, by ${where}`;
  const hint = toolHistories.get(from)?.whenFailed ?? 'Finish it with that tool';
  return repairRefused(id, what, `${hint}; then call it again. Nothing has been changed.`);
}

/** With several sources, a version says nothing of the files of the others. */
function ambiguous(id: string, where: string, names: readonly string[]): Error {
  return repairRefused(
    id,
    `${listNames(names)} have one version, which is applied by ${where}: it has run only one of them`,
    'Rename the others, or let migrations be only what that tool has migrated; then call it again. Nothing has been changed.',
  );
}

function notReachedYet(id: string, where: string, names: readonly string[]): Error {
  return repairRefused(
    id,
    `${where} has not reached the version of ${listNames(names)}, which stands for all before it`,
    'Migrate to that version with Flyway and the files of before; then call it again.',
  );
}
