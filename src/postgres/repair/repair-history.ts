import { listNames } from '../../core/printable.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { Querying } from '../connection/connection.ts';
import {
  insertHistorySql,
  quoteHistory,
  type HistoryRow,
  type HistoryShape,
} from '../history/migration-history.ts';
import { planMigrations } from '../history/migration-plan.ts';
import { nameRow } from '../history/name-row.ts';
import { addReplacedBy, commentSql, type ReplacedMarker } from '../history/replaced-marker.ts';
import { forgetFilesSql, pairUnfinished } from '../history/unfinished-file.ts';
import { hashLongForms } from '../sources/migration-identity.ts';
import { isRepeatable, type Migration } from '../sources/migration.ts';
import { toTag } from '../sources/name-range.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { readHistory } from '../survey/read-history.ts';
import { repairRefused } from './repair-error.ts';
import type { RepairDecision } from './repair-report.ts';

/**
 * Finds the files of a plugin with these names, in the order of the folder. A name is that of the file, or of its migration:
 * `0000_init.sql` or `0000_init`.
 *
 * @throws BootError `REPAIR_REFUSED` for a name that the folder lacks
 */
export function findFilesByName(
  { id, files }: PluginMigrations,
  names: readonly string[],
): readonly Migration[] {
  const chosen = new Set(names.map((name) => findFileByName(id, files, name)));
  return files.filter((file) => chosen.has(file));
}

/** Finds the files up to the one with this name, inclusive. */
export function findFilesUpTo({ id, files }: PluginMigrations, last: string): readonly Migration[] {
  return files.slice(0, files.indexOf(findFileByName(id, files, last)) + 1);
}

function findFileByName(id: string, files: readonly Migration[], wanted: string): Migration {
  const found = files.find((file) => listAllNames(file).includes(wanted));
  if (found) return found;
  const meant = didYouMean(wanted, files.flatMap(listAllNames));
  const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw repairRefused(
    id,
    `its folder has no migration ${wanted}.${advice}`,
    `It has ${listNames(files.map(({ name }) => name)) || 'none'}.`,
  );
}

/** Lists the names of a migration: in messages, without the file extension, and in the history. */
function listAllNames({ name, historyName }: Migration): readonly string[] {
  return [name, toTag(name), historyName];
}

/**
 * Decides on history rows for files whose work was done without Slipway. Makes the history when there is none.
 *
 * @param chosen The chosen files.
 * @param how `leavesRepeatable`: repeatable files are left to run, which does no harm.
 */
export async function decideOnRows(
  client: Querying,
  plugin: PluginMigrations,
  chosen: readonly Migration[],
  { leavesRepeatable = false }: { readonly leavesRepeatable?: boolean } = {},
): Promise<RepairDecision> {
  const { historySchema } = plugin;
  const { rows, shape, missing, done, comment, replaced } = await readHistory(client, plugin);
  await hashLongForms(plugin.files, rows, plugin.schema);
  const plan = planMigrations(plugin.files, rows, plugin.schema, replaced);
  const pending = new Set(plan.pending);
  const toWrite = chosen.filter(
    (file) => pending.has(file) && !(leavesRepeatable && isRepeatable(file)),
  );
  const begun = pairUnfinished(plan.pending, done ?? []).files;
  const names = toWrite.flatMap((file) => begun.get(file)?.[0]?.file ?? []);
  const because = (file: Migration): string => {
    if (pending.has(file)) return 'it is repeatable, and runs at the next boot';
    return plan.held.includes(file) ? isHeldBack : 'it is applied already';
  };
  return {
    changes: toWrite.map((file) => {
      const ran = begun.get(file)?.length;
      const change =
        ran === undefined
          ? 'written into the history, and not run'
          : `written into the history, and not run any further: ${ran} of its commands had run`;
      return { kind: 'file', name: file.name, change };
    }),
    left: chosen
      .filter((file) => !toWrite.includes(file))
      .map((file) => ({ kind: 'file', name: file.name, because: because(file) })),
    statements:
      toWrite.length === 0
        ? []
        : [
            ...missing,
            ...toWrite.map((file) => insertHistorySql(historySchema, file, shape)),
            ...replacedSql(historySchema, comment, replaced, toWrite),
            ...forgetFilesSql(historySchema, new Set(names), done),
          ],
  };
}

/** The SQL that says in a history what squash files among these replace: an older release must not run that. */
function replacedSql(
  schema: string,
  comment: string | null,
  replaced: ReplacedMarker,
  files: readonly Migration[],
): readonly string[] {
  const marker = files.reduce(addReplacedBy, replaced);
  return marker === replaced ? [] : [commentSql(schema, comment, marker).sql];
}

/**
 * Decides on the rows of applied files that were edited since, or got another name or time: the rows get the values of the
 * files.
 *
 * @param chosen The chosen files; all such files when left out.
 */
export async function decideOnHashes(
  client: Querying,
  plugin: PluginMigrations,
  chosen?: readonly Migration[],
): Promise<RepairDecision> {
  const { historySchema } = plugin;
  const { rows, shape } = await readHistory(client, plugin);
  await hashLongForms(plugin.files, rows, plugin.schema);
  const plan = planMigrations(plugin.files, rows, plugin.schema);
  const edited = plan.applied.filter(({ file }) => plan.edited.includes(file));
  const all = [...edited, ...plan.moved];
  const files = chosen ?? all.map(({ file }) => file);
  const accepted = all.filter(({ file }) => files.includes(file));
  const because = (file: Migration): string => {
    if (plan.repeats.includes(file)) return 'it is repeatable, and runs again at the next boot';
    if (plan.held.includes(file)) return isHeldBack;
    return plan.pending.includes(file) ? 'it is not applied' : 'it was not edited';
  };
  return {
    changes: accepted.map(({ file, row }) => {
      const before = plan.edited.includes(file) ? `hash ${row.hash.slice(0, 12)}` : nameRow(row);
      return {
        kind: 'file',
        name: file.name,
        change: `accepted as it is now, in place of ${before}`,
      };
    }),
    left: files
      .filter((file) => all.every((each) => each.file !== file))
      .map((file) => ({ kind: 'file', name: file.name, because: because(file) })),
    statements: accepted.map(({ file, row }) => {
      const values = plan.edited.includes(file)
        ? { hash: file.hash }
        : { hash: file.hash, when: file.when, name: file.historyName };
      return updateRowSql(historySchema, values, row, shape);
    }),
  };
}

const isHeldBack = 'it is repeatable, and the database is ahead of this release';

/** The new values of a row. */
interface NewValues {
  readonly hash: string;
  readonly when?: number;
  readonly name?: string;
}

/** Rows that processes without a lock wrote twice are equal in all of these columns, so they change together. */
function updateRowSql(
  historySchema: string,
  values: NewValues,
  { hash, createdAt, name }: HistoryRow,
  shape: HistoryShape,
): string {
  const changes = [
    `hash = ${quoteLiteral(values.hash)}`,
    ...(values.when === undefined ? [] : [`created_at = ${values.when}`]),
    ...(values.name === undefined || shape !== '1.x'
      ? []
      : [`name = ${quoteLiteral(values.name)}`]),
  ];
  const conditions = [
    `hash = ${quoteLiteral(hash)}`,
    createdAt === null ? 'created_at is null' : `created_at = ${createdAt}`,
    ...(name === null ? [] : [`name = ${quoteLiteral(name)}`]),
  ];
  return `update ${quoteHistory(historySchema)} set ${changes.join(', ')} where ${conditions.join(' and ')}`;
}
