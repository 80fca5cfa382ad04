import type { Migration } from '../sources/migration.ts';
import {
  createMissingSql,
  historyOf,
  insertHistorySql,
  type HistoryRow,
  type HistoryShape,
} from '../history/migration-history.ts';
import {
  missingParts,
  readHistory,
  shapeToWrite,
  type HistoryState,
} from '../survey/read-history.ts';
import type { Querying } from '../connection/querying.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import { nameOf } from '../history/migration-policies.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { schemasOf, type MigrationTarget } from '../sources/migration-target.ts';
import type { RepairDecision, RepairLeft } from './repair-report.ts';

/**
 * Decides on history rows for files that are not applied by Slipway: their work is there already. Makes the history when
 * there is none.
 *
 * @param chosen Which files it is about.
 */
export async function decideOnRows(
  client: Querying,
  target: MigrationTarget,
  chosen: readonly Migration[],
): Promise<RepairDecision> {
  const [, historySchema] = schemasOf(target);
  const { history, plan } = await compare(client, target);
  const pending = new Set(plan.pending);
  const toWrite = chosen.filter((file) => pending.has(file));
  const shape = shapeToWrite(history, target.files);
  const missing = createMissingSql(missingParts(history), historySchema, shape);
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
 * Decides on the rows of applied files that were edited since, or got another name or time: they become what the files are.
 *
 * @param chosen Which files it is about; all of those when left out.
 */
export async function decideOnHashes(
  client: Querying,
  target: MigrationTarget,
  chosen?: readonly Migration[],
): Promise<RepairDecision> {
  const [, historySchema] = schemasOf(target);
  const { history, plan } = await compare(client, target);
  const edited = plan.applied.filter(({ file }) => plan.edited.includes(file));
  const all = [...edited, ...plan.moved];
  const files = chosen ?? all.map(({ file }) => file);
  const accepted = all.filter(({ file }) => files.includes(file));
  return {
    changes: accepted.map(({ file, row }) => {
      const before = plan.edited.includes(file) ? `hash ${row.hash.slice(0, 12)}` : nameOf(row);
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
      return updateRowSql(historySchema, values, row, history.shape);
    }),
  };
}

async function compare(
  client: Querying,
  target: MigrationTarget,
): Promise<{ readonly history: HistoryState; readonly plan: MigrationPlan<Migration> }> {
  const [schema, historySchema] = schemasOf(target);
  const history = await readHistory(client, schema, historySchema);
  return { history, plan: planMigrations(target.files, history.rows, schema) };
}

function leftBecause(because: string): (file: Migration) => RepairLeft {
  return ({ name }) => ({ kind: 'file', name, because });
}

/** What a row gets. */
interface NewValues {
  readonly hash: string;
  readonly when?: number;
  readonly name?: string;
}

/** Rows of the same run, written twice by processes without a lock, are alike in all of this: they change together. */
function updateRowSql(
  historySchema: string,
  values: NewValues,
  { hash, createdAt, name }: HistoryRow,
  shape: HistoryShape | undefined,
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
  return `update ${historyOf(historySchema)} set ${changes.join(', ')} where ${conditions.join(' and ')}`;
}
