import { problem, type Problem } from '../../core/error-codes.ts';
import { adoptCall } from '../../core/repair-call.ts';
import { findTool, quoteTable, type FoundTable } from '../history/tool-histories.ts';
import type { HistoryRow } from '../history/migration-history.ts';
import { isSql, type Migration } from '../sources/migration.ts';

interface PlannedPlugin {
  readonly id: string;
  readonly schema: string;
  readonly rows: readonly HistoryRow[];
  readonly plan: { readonly pending: readonly Migration[] };
}

/**
 * Finds the history of another tool in the schema of a plugin whose own history is empty: with everything pending, all of it
 * would run once more on what that tool has made. A function decides for itself what it runs.
 */
export function findOtherHistory(
  { id, schema, rows, plan: { pending } }: PlannedPlugin,
  tables: readonly FoundTable[],
): readonly Problem[] {
  if (rows.length > 0 || !pending.some(isSql)) return [];
  return tables.flatMap((table) => {
    const tool = table.schema === schema ? findTool(table) : undefined;
    if (tool === undefined) return [];
    const message = `${id}: nothing counts as applied, and ${quoteTable(table)} is a history of ${tool}: every file would run again on what ${tool} has made`;
    const hint = `${adoptCall(id, tool)} takes over what ${tool} has applied. If this plugin is not what ${tool} migrated, or nothing of it is applied, drop or move that table.`;
    return [problem('MIGRATION_HISTORY_UNKNOWN', message, { plugin: id, hint })];
  });
}
