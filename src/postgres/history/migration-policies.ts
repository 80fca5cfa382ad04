import { problem, type ErrorCode, type Problem } from '../../core/error-codes.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import type { Migration } from '../sources/migration.ts';
import { quoteHistory, type HistoryRow } from './migration-history.ts';
import type { MigrationPlan } from './migration-plan.ts';
import { repairCall } from '../../core/repair-call.ts';
import { listNames } from '../../core/printable.ts';

/** What to do about a history that does not fit its folder. Whatever is not an `error` is a warning. */
type MigrationPolicies = Pick<MigrationSettings, 'outOfOrder' | 'edited' | 'ahead'>;

interface PlannedPlugin {
  readonly id: string;
  readonly historySchema: string;
  readonly files: readonly unknown[];
  readonly applied: readonly HistoryRow[];
  readonly plan: MigrationPlan<Migration>;
}

/** The differences between a plugin's history and its folder. */
interface Judgement {
  readonly warnings: readonly Problem[];
  readonly problems: readonly Problem[];
}

/** Says what stands out in a plan, and by the policies whether it may be. */
export function judgePlan(plugin: PlannedPlugin, policies: MigrationPolicies): Judgement {
  const { files, applied, plan } = plugin;
  if (isAsApplied(plan)) return { warnings: [], problems: [] };
  if (files.length > 0 && applied.length > 0 && plan.pending.length === files.length) {
    return { warnings: [], problems: [unknownHistory(plugin)] };
  }
  const judged = (['edited', 'outOfOrder', 'ahead'] as const).map((policy) => ({
    isError: policies[policy] === 'error',
    findings: findings[policy](plugin),
  }));
  return {
    warnings: judged.flatMap((each) => (each.isError ? [] : each.findings)),
    problems: judged.flatMap((each) => (each.isError ? each.findings : [])),
  };
}

/** Whether every applied file is as it was, and every row has its file: so it is at nearly every boot. */
function isAsApplied({ edited, outOfOrder, moved, unknown }: MigrationPlan<Migration>): boolean {
  return [edited, outOfOrder, moved, unknown].every((differences) => differences.length === 0);
}

const findings = {
  edited: ({ id, plan }) => [
    ...plan.edited.map(({ name }) => ({
      ...found(id, 'MIGRATION_EDITED', `${name} was changed after it was applied`, name),
      hint: `Restore the file as it was applied, and put the change into a new one. When the new text is right, call ${repairCall('acceptEdited', id)}.`,
    })),
    ...movedFiles(id, plan.moved),
  ],
  outOfOrder: ({ id, plan }) =>
    plan.outOfOrder.map(({ name }) =>
      found(
        id,
        'MIGRATION_OUT_OF_ORDER',
        `${name} is pending, and a file that comes after it is applied`,
        name,
      ),
    ),
  ahead: ({ id, plan: { unknown, pending } }) => {
    if (unknown.length === 0) return [];
    const rows = `the database has ${countMigrations(unknown)} that the folder lacks: ${listNames(unknown.map(nameRow))}`;
    const files = listNames(pending.map(({ name }) => name));
    const message = files === '' ? rows : `the two have diverged: ${rows}; and ${files} is pending`;
    return [found(id, 'MIGRATION_DATABASE_AHEAD', message)];
  },
} satisfies Record<keyof MigrationPolicies, (plugin: PlannedPlugin) => readonly Problem[]>;

/** One warning for all of them: a move to another source of migrations renames every file. */
function movedFiles(id: string, moved: PlannedPlugin['plan']['moved']): readonly Problem[] {
  const [first] = moved;
  if (!first) return [];
  const { file, row } = first;
  const isOne = moved.length === 1;
  const message = isOne
    ? `${file.name} counts as applied, and did not run: its text is that of ${nameRow(row)}, which the folder no longer has`
    : `${moved.length} files count as applied, and did not run, such as ${file.name}: their texts are those of migrations that the folder no longer has, such as ${nameRow(row)}`;
  const hint = `If ${isOne ? 'it was' : 'they were'} renamed, or got another time, call ${repairCall('acceptEdited', id)}. A new file that must run needs a different text: an added comment is enough.`;
  return [{ ...found(id, 'MIGRATION_EDITED', message, isOne ? file.name : undefined), hint }];
}

function found(plugin: string, code: ErrorCode, message: string, file?: string): Problem {
  return problem(code, `${plugin}: ${message}`, {
    plugin,
    ...(file === undefined ? {} : { file }),
  });
}

/** Of another plugin or another database: with everything pending, all of it would be run on what is there already. */
function unknownHistory({ id, historySchema, applied }: PlannedPlugin): Problem {
  return problem(
    'MIGRATION_HISTORY_UNKNOWN',
    `${id}: ${quoteHistory(historySchema)} has ${countMigrations(applied)}, none of which the folder knows: ${listNames(applied.map(nameRow))}`,
    {
      plugin: id,
      hint: `Check that this is the right database, and the folder of this plugin with all its migrations. If the database has everything that the folder makes, ${repairCall('baseline', id)} marks it as applied.`,
    },
  );
}

function countMigrations(rows: readonly HistoryRow[]): string {
  return rows.length === 1 ? '1 migration' : `${rows.length} migrations`;
}

/** Names a row, by its name or else its time or hash. */
export function nameRow({ name, createdAt, hash }: HistoryRow): string {
  if (name !== null) return name;
  return createdAt === null ? `hash ${hash.slice(0, 12)}` : `created_at ${createdAt}`;
}
