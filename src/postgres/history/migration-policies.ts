import { problem, type ErrorCode, type Problem } from '../../core/error-codes.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import { isRepeatable, type Migration } from '../sources/migration.ts';
import { quoteHistory, type HistoryRow } from './migration-history.ts';
import type { MigrationPlan } from './migration-plan.ts';
import { nameRow } from './name-row.ts';
import { findSquashProblems } from './squash-problems.ts';
import type { ReplacedMarker } from './replaced-marker.ts';
import { repairCall } from '../../core/repair-call.ts';
import { listNames } from '../../core/printable.ts';

/** What to do about a history that does not fit its folder. Whatever is not an `error` is a warning. */
type MigrationPolicies = Pick<MigrationSettings, 'outOfOrder' | 'edited' | 'ahead'>;

interface PlannedPlugin {
  readonly id: string;
  readonly historySchema: string;
  readonly files: readonly Migration[];
  readonly plan: MigrationPlan<Migration>;
  readonly replaced: ReplacedMarker;
}

/** The differences between a plugin's history and its folder. */
interface Judgement {
  readonly warnings: readonly Problem[];
  readonly problems: readonly Problem[];
}

/** Says what stands out in a plan, and by the policies whether it may be. */
export function judgePlan(plugin: PlannedPlugin, policies: MigrationPolicies): Judgement {
  const unsafe = findUnsafe(plugin);
  if (unsafe.length > 0) return { warnings: [], problems: unsafe };
  if (isAsApplied(plugin.plan)) return { warnings: [], problems: [] };
  const judged = (['edited', 'outOfOrder', 'ahead'] as const).map((policy) => ({
    isError: policies[policy] === 'error',
    findings: findings[policy](plugin),
  }));
  return {
    warnings: judged.flatMap((each) => (each.isError ? [] : each.findings)),
    problems: judged.flatMap((each) => (each.isError ? each.findings : [])),
  };
}

/**
 * Finds why no pending file may run on this history, whatever the policies are. Asked again under the lock: another release may
 * have migrated since the survey.
 */
export function findUnsafe(plugin: PlannedPlugin): readonly Problem[] {
  const { files, plan } = plugin;
  const aboutSquash = findSquashProblems(plugin);
  const hasOnce = files.some((file) => !isRepeatable(file));
  const isAnyKnown = plan.applied.some(({ file }) => !isRepeatable(file));
  const isUnknown = hasOnce && plan.unknown.length > 0 && !isAnyKnown;
  const isSquash = aboutSquash.length > 0 || plan.squashes.length > 0;
  return isUnknown && !isSquash ? [unknownHistory(plugin)] : aboutSquash;
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
  ahead: ({ id, plan }) => {
    const { unknown, pending, held } = plan;
    if (unknown.length === 0) return [];
    const rows = `the database has ${countMigrations(unknown)} that the folder lacks: ${listNames(unknown.map(nameRow))}`;
    const files = listNames(pending.map(({ name }) => name));
    const message = files === '' ? rows : `the two have diverged: ${rows}; and ${files} is pending`;
    const known = found(id, 'MIGRATION_DATABASE_AHEAD', message);
    // Behind the newest file there may be a newer release; before it, only files that were removed.
    const ahead = isSquashedBefore(unknown, plan.applied)
      ? { ...known, hint: forgetHint(id) }
      : known;
    return [ahead, ...heldFiles(id, held)];
  },
} satisfies Record<keyof MigrationPolicies, (plugin: PlannedPlugin) => readonly Problem[]>;

/** Whether all of these rows are older than an applied file: then the folder has lost them, and no newer release has run. */
function isSquashedBefore(
  unknown: readonly HistoryRow[],
  applied: PlannedPlugin['plan']['applied'],
): boolean {
  const newest = Math.max(...applied.map(({ row }) => row.createdAt ?? -Infinity));
  return unknown.every(({ createdAt }) => createdAt !== null && createdAt < newest);
}

function forgetHint(id: string): string {
  return `If the folder was squashed, and its files have all that these rows have made, ${repairCall('forget', id)} deletes the rows. After a rollback, check that this release works with the newer schema; otherwise deploy the newer release.`;
}

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

/** A release behind the database may have older texts. */
function heldFiles(id: string, held: PlannedPlugin['plan']['held']): readonly Problem[] {
  if (held.length === 0) return [];
  const names = listNames(held.map(({ name }) => name));
  const are =
    held.length === 1 ? 'differs from its last run and is' : 'differ from their last run and are';
  const message = `${names} ${are} not run: the database is ahead of this release, whose text may be the older one`;
  const hint = `A release with every migration of the history runs ${held.length === 1 ? 'it' : 'them'}. If no release will have those rows again, ${repairCall('forget', id)} deletes them.`;
  return [{ ...found(id, 'MIGRATION_DATABASE_AHEAD', message), hint }];
}

function found(plugin: string, code: ErrorCode, message: string, file?: string): Problem {
  return problem(code, `${plugin}: ${message}`, {
    plugin,
    ...(file === undefined ? {} : { file }),
  });
}

/** Of another plugin or another database: with everything pending, all of it would be run on what is there already. */
function unknownHistory({ id, historySchema, plan: { unknown: applied } }: PlannedPlugin): Problem {
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
