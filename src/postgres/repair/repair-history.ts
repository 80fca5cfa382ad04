import type { Migration } from '../sources/migration.ts';
import {
  createMissingSql,
  historyOf,
  insertHistorySql,
  type HistoryRow,
} from '../history/migration-history.ts';
import {
  missingParts,
  readHistory,
  shapeToWrite,
  type HistoryState,
} from '../survey/read-history.ts';
import type { Querying } from '../connection/querying.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
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
 * Decides on the hashes of applied files that were edited since.
 *
 * @param chosen Which files it is about; all edited ones when left out.
 */
export async function decideOnHashes(
  client: Querying,
  target: MigrationTarget,
  chosen?: readonly Migration[],
): Promise<RepairDecision> {
  const [, historySchema] = schemasOf(target);
  const { plan } = await compare(client, target);
  const files = chosen ?? plan.edited;
  const edited = plan.applied.filter(
    ({ file }) => plan.edited.includes(file) && files.includes(file),
  );
  return {
    changes: edited.map(({ file: { name }, row }) => {
      return {
        kind: 'file',
        name,
        change: `accepted as it is now, in place of hash ${row.hash.slice(0, 12)}`,
      };
    }),
    left: files
      .filter((file) => !plan.edited.includes(file))
      .map((file) =>
        leftBecause(plan.pending.includes(file) ? 'it is not applied' : 'it was not edited')(file),
      ),
    statements: edited.map(({ file, row }) => updateHashSql(historySchema, file.hash, row)),
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

/** Rows of the same run, written twice by processes without a lock, are alike in all of this: they change together. */
function updateHashSql(
  historySchema: string,
  newHash: string,
  { hash, createdAt, name }: HistoryRow,
): string {
  const conditions = [
    `hash = ${quoteLiteral(hash)}`,
    createdAt === null ? 'created_at is null' : `created_at = ${createdAt}`,
    ...(name === null ? [] : [`name = ${quoteLiteral(name)}`]),
  ];
  return `update ${historyOf(historySchema)} set hash = ${quoteLiteral(newHash)} where ${conditions.join(' and ')}`;
}
