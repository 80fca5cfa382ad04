import { listNames } from '../../core/printable.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { Querying } from '../connection/connection.ts';
import { deleteRowsSql, type HistoryRow } from '../history/migration-history.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import { nameRow } from '../history/name-row.ts';
import { addForgotten, commentSql } from '../history/replaced-marker.ts';
import { hashLongForms } from '../sources/migration-identity.ts';
import { isRepeatable, type Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { readHistory } from '../survey/read-history.ts';
import { repairRefused } from './repair-error.ts';
import type { RepairDecision } from './repair-report.ts';

/**
 * Decides on the rows that no file of the folder matches, and deletes them. The comment on the table keeps which they were: a
 * release that still has these files does not run them again.
 *
 * @param names The rows, as messages name them; all such rows when left out.
 */
export async function decideOnForgetting(
  client: Querying,
  plugin: PluginMigrations,
  names?: readonly string[],
): Promise<RepairDecision> {
  const { id, files, schema, historySchema } = plugin;
  const { rows, shape, comment, replaced } = await readHistory(client, plugin);
  await hashLongForms(files, rows, schema);
  const plan = planMigrations(files, rows, schema, replaced);
  const [squash] = plan.squashes;
  if (squash) {
    throw repairRefused(
      id,
      `${squash.file.name} replaces rows of its history, and is pending`,
      'Let migrate() of this release replace them; it deletes these rows itself.',
    );
  }
  const chosen = names === undefined ? plan.unknown : chooseRows(id, names, plan);
  if (chosen.length === 0) return { changes: [], left: [], statements: [] };
  if (plan.applied.every(({ file }) => isRepeatable(file))) {
    throw repairRefused(
      id,
      'no file of its folder is applied, so these may be the rows of another plugin or of a newer release',
      'Check that this is the right database and the right folder. If the database has everything that the folder makes, call repair.baseline() first.',
    );
  }
  const marker = addForgotten(replaced, chosen);
  return {
    changes: [...new Set(chosen.map(nameRow))].map((name) => {
      return { kind: 'row', name, change: 'deleted from the history; nothing else changes' };
    }),
    left: [],
    statements: [
      deleteRowsSql(historySchema, chosen, shape),
      commentSql(historySchema, comment, marker).sql,
    ],
  };
}

function chooseRows(
  id: string,
  names: readonly string[],
  { applied, unknown }: MigrationPlan<Migration>,
): readonly HistoryRow[] {
  return [...new Set(names)].flatMap((wanted) => {
    const found = unknown.filter((row) => namesOf(row).includes(wanted));
    if (found.length > 0) return found;
    const pair = applied.find(
      ({ row, file }) => namesOf(row).includes(wanted) || file.name === wanted,
    );
    if (pair) {
      throw repairRefused(
        id,
        `${wanted} is the row of ${pair.file.name}, which is in the folder`,
        'Without its row the file would run again. Remove it from the folder first, if another file has what it makes.',
      );
    }
    const known = unknown.map(nameRow);
    const meant = didYouMean(wanted, known);
    const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw repairRefused(
      id,
      `its history has no row ${wanted} that the folder lacks.${advice}`,
      `It has ${listNames(known) || 'none'}.`,
    );
  });
}

/** A row without a name is found by what messages say, `created_at 1700000000000`, and by the number alone. */
function namesOf(row: HistoryRow): readonly string[] {
  return row.name === null && row.createdAt !== null
    ? [nameRow(row), String(row.createdAt)]
    : [nameRow(row)];
}
