import { problem, type Problem } from '../../core/error-codes.ts';
import { listNames } from '../../core/printable.ts';
import { baselineCall, markAppliedCall } from '../../core/repair-call.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { describeRange } from '../sources/name-range.ts';
import { quoteHistory } from './migration-history.ts';
import type { MigrationPlan } from './migration-plan.ts';
import { findReplaced, type ReplacedFile, type ReplacedMarker } from './replaced-marker.ts';

interface PlannedPlugin {
  readonly id: string;
  readonly historySchema: string;
  readonly plan: MigrationPlan<Migration>;
  readonly replaced: ReplacedMarker;
}

/**
 * Finds where folder and history stand on two sides of a squash: the history has a part of what a file replaces, or this is an
 * older release, whose files have run here and have no rows any longer. Running any of them would do everything twice.
 */
export function findSquashProblems(plugin: PlannedPlugin): readonly Problem[] {
  const { id, plan, replaced } = plugin;
  const squashing = new Set(plan.squashes.map(({ file }) => file));
  const toRun = plan.pending.filter((file) => !squashing.has(file));
  const gone = findReplaced(toRun, replaced);
  const goneNames = new Set(gone.map(({ name }) => name));
  const found = (message: string, hint: string, file?: string): Problem =>
    problem('MIGRATION_HISTORY_UNKNOWN', `${id}: ${message}`, {
      plugin: id,
      ...(file !== undefined && { file }),
      hint,
    });
  return [
    ...plan.squashes.flatMap(({ file, obstacle }) =>
      obstacle ? found(`${file.name} ${obstacle.message}`, obstacle.hint, file.name) : [],
    ),
    ...olderRelease(plugin, gone).map(([message, hint]) => found(message, hint)),
    ...plan.outOfOrder.flatMap((file) => {
      const ranges = (isSql(file) && file.replaces) || [];
      if (ranges.length === 0 || goneNames.has(file.name)) return [];
      const what = listNames(ranges.map(describeRange));
      const message = `${file.name} is pending, a file that comes after it is applied, and the history has nothing of what it replaces: ${what}`;
      const hint = `If the database has all that it makes, ${markAppliedCall(id, file.name)} marks it as applied.`;
      return [found(message, hint, file.name)];
    }),
  ];
}

type Finding = readonly [message: string, hint: string];

function olderRelease(
  { id, historySchema }: PlannedPlugin,
  replaced: readonly ReplacedFile[],
): readonly Finding[] {
  return [...new Set(replaced.map(({ by }) => by))].map((by): Finding => {
    const files = replaced.filter((file) => file.by === by).map(({ name }) => name);
    const names = listNames(files);
    if (by === undefined) {
      const table = quoteHistory(historySchema);
      return [
        `${names} ${files.length === 1 ? 'has' : 'have'} run in this database, and repair.forget() has deleted the rows`,
        `Deploy a release without such files. To go on with this one, repair.markApplied() marks them as applied. If they have to run again, remove the line "slipway: replaced" from the comment on ${table}.`,
      ];
    }
    const last = files.at(-1) ?? '';
    return [
      `this release is older than the database: ${by} has replaced ${names} there`,
      `Deploy a release that has ${by}. To go back to this one, ${baselineCall(id, last)} marks the files as applied again, without running them.`,
    ];
  });
}
