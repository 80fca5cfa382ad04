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
import { nameRow } from '../history/migration-policies.ts';
import { hashLongForms } from '../sources/migration-identity.ts';
import type { Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { readHistory } from '../survey/read-history.ts';
import { repairRefused } from './repair-error.ts';
import type { RepairDecision, RepairLeft } from './repair-report.ts';

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
  return [name, name.replace(/(?:\/migration)?\.sql$/i, ''), historyName];
}

/**
 * Decides on history rows for files whose work was done without Slipway. Makes the history when there is none.
 *
 * @param chosen The chosen files.
 */
export async function decideOnRows(
  client: Querying,
  plugin: PluginMigrations,
  chosen: readonly Migration[],
): Promise<RepairDecision> {
  const { historySchema } = plugin;
  const { rows, shape, missing } = await readHistory(client, plugin);
  await hashLongForms(plugin.files, rows, plugin.schema);
  const plan = planMigrations(plugin.files, rows, plugin.schema);
  const pending = new Set(plan.pending);
  const toWrite = chosen.filter((file) => pending.has(file));
  return {
    changes: toWrite.map(({ name }) => {
      return { kind: 'file', name, change: 'written into the history, and not run' };
    }),
    left: chosen.filter((file) => !pending.has(file)).map(leftBecause('it is applied already')),
    statements:
      toWrite.length === 0
        ? []
        : [...missing, ...toWrite.map((file) => insertHistorySql(historySchema, file, shape))],
  };
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
      .map((file) =>
        leftBecause(plan.pending.includes(file) ? 'it is not applied' : 'it was not edited')(file),
      ),
    statements: accepted.map(({ file, row }) => {
      const values = plan.edited.includes(file)
        ? { hash: file.hash }
        : { hash: file.hash, when: file.when, name: file.historyName };
      return updateRowSql(historySchema, values, row, shape);
    }),
  };
}

function leftBecause(because: string): (file: Migration) => RepairLeft {
  return ({ name }) => ({ kind: 'file', name, because });
}

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
