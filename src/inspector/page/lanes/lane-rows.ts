import { isSuccess } from '../../../core/schedule.ts';
import { listLostBy } from '../../../insight/headline.ts';
import type { PluginRecord } from '../../../insight/plugin-record.ts';
import type { StepTimes } from '../../../insight/step-times.ts';
import { launchSteps } from '../../../insight/step-times.ts';
import { findCulprit } from '../../../insight/why.ts';

/** A row of the lanes: a plugin, or the fold with those that did not start because of one. */
export type LaneRow =
  | { readonly plugin: PluginRecord; readonly isInFold: boolean }
  | { readonly fold: string; readonly others: readonly string[]; readonly isOpen: boolean };

/** The rows that the reader wants to see. */
export interface RowChoice {
  /** A part of the names. */
  readonly filter: string;
  /** The plugins whose folds are open. */
  readonly open: ReadonlySet<string>;
  /** The plugin that is shown, whether its fold is open or not. */
  readonly chosen: string | undefined;
}

/** A row costs as much room as the fold that hides it. */
const fewest = 2;

/**
 * Lists the rows in the order of the graph. Plugins that did not start because another one failed are folded under it. A filter
 * finds plugins in folds as well.
 */
export function listRows(times: StepTimes, choice: RowChoice): readonly LaneRow[] {
  const { plugins } = times.record;
  const filter = choice.filter.trim().toLowerCase();
  if (filter !== '') {
    const found = plugins.filter(({ id }) => id.toLowerCase().includes(filter));
    return found.map((plugin) => ({ plugin, isInFold: false }));
  }
  const folds = findFolds(times);
  const folded = new Set([...folds.values()].flat());
  return plugins.flatMap((plugin): readonly LaneRow[] => {
    if (folded.has(plugin.id)) return [];
    const others = folds.get(plugin.id);
    const row = { plugin, isInFold: false };
    if (!others) return [row];
    const isOpen =
      choice.open.has(plugin.id) || (choice.chosen !== undefined && others.includes(choice.chosen));
    const fold = { fold: plugin.id, others, isOpen };
    if (!isOpen) return [row, fold];
    const shown = others.flatMap((id) => times.record.find(id) ?? []);
    return [row, fold, ...shown.map((each) => ({ plugin: each, isInFold: true }))];
  });
}

/** Finds the plugins that failed, each with those that did not start because of it. */
function findFolds(times: StepTimes): ReadonlyMap<string, readonly string[]> {
  const { plugins } = times.record;
  const failed = plugins.filter(hasFailed);
  if (failed.length === 0) return new Map();
  const lost = new Set(plugins.filter((plugin) => isLost(times, plugin)).map(({ id }) => id));
  const folds = new Map<string, readonly string[]>();
  const take = (culprit: PluginRecord, ids: readonly string[]): void => {
    const others = ids.filter((id) => lost.has(id));
    if (others.length < fewest) return;
    folds.set(culprit.id, others);
    for (const id of others) lost.delete(id);
  };
  // A required plugin that failed ends the boot: what had not begun by then is lost by it as well.
  const culprit = findCulprit(times);
  if (culprit?.required === true) {
    const needed = new Set(listLostBy(times, culprit));
    const others = plugins.filter((plugin) => needed.has(plugin.id) || !hasBegun(plugin));
    take(
      culprit,
      others.map(({ id }) => id),
    );
  }
  for (const each of failed) if (!folds.has(each.id)) take(each, listLostBy(times, each));
  return folds;
}

function hasFailed({ steps }: PluginRecord): boolean {
  return launchSteps.some((step) => ['failed', 'timeout'].includes(steps[step].outcome ?? ''));
}

function hasBegun({ steps }: PluginRecord): boolean {
  return launchSteps.some((step) => steps[step].spawnedAtMs !== undefined);
}

/** Whether a plugin did not start, through no fault of its own. */
function isLost({ record }: StepTimes, plugin: PluginRecord): boolean {
  const { init, migrate } = plugin.steps;
  const isDecided = migrate.outcome !== undefined && !isSuccess(migrate.outcome);
  const { outcome } = isDecided || record.onlyMigrates ? migrate : init;
  return plugin.enabled && !hasFailed(plugin) && outcome !== undefined && !isSuccess(outcome);
}

/** The name by which a row is found again. */
export function nameRow(row: LaneRow): string {
  return 'fold' in row ? `fold ${row.fold}` : `plugin ${row.plugin.id}`;
}

/** The place of a plugin among the rows, or -1. */
export function findRow(rows: readonly LaneRow[], plugin: string | undefined): number {
  return rows.findIndex((row) => 'plugin' in row && row.plugin.id === plugin);
}
