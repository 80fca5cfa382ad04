import { problem, type Problem } from '../../core/error-codes.ts';
import { formatDuration } from '../../core/duration.ts';
import type { Plugin } from '../../core/plugin.ts';
import { listNames } from '../../core/printable.ts';
import { growPause, sleep } from '../../core/patience.ts';
import type { Around } from '../around/around.ts';
import { hasWork, surveyPlugins, type SurveyedPlugins } from './survey-plugins.ts';

const pauses = { firstMs: 200, longestMs: 5_000 };

/**
 * Surveys the plugins as `migrations.mode` says: `apply` looks once; `verify` makes every pending file a problem; `wait` looks
 * again until nothing is pending, because a migrate job in another process is done.
 */
export async function surveyByMode(
  around: Around,
  plugins: readonly Plugin[],
  signal: AbortSignal,
): Promise<SurveyedPlugins> {
  const { settings, clock, emit } = around;
  const { mode, lockWait: waitMs } = settings.migrations;
  const deadline = clock.elapsed() + waitMs;
  for (let attempt = 1; ; attempt += 1) {
    const surveyed = await surveyPlugins(around, plugins, signal);
    const pending = mode === 'apply' ? [] : pendingProblems(surveyed);
    if (pending.length === 0 || surveyed.problems.length > 0) return surveyed;
    const leftMs = deadline - clock.elapsed();
    if (mode === 'verify') return { ...surveyed, problems: pending };
    if (leftMs <= 0) return { ...surveyed, problems: pending.map(afterWaiting(waitMs)) };
    const nextInMs = Math.min(growPause(attempt, pauses), leftMs);
    const waiting = listNames(pending.map(({ plugin = '' }) => plugin));
    const reason = `migrations of ${waiting} are pending`;
    emit({ type: 'boot.waiting', reason, attempt, nextInMs });
    await sleep(clock, nextInMs, signal);
  }
}

function pendingProblems({ survey }: SurveyedPlugins): readonly Problem[] {
  return (survey?.plugins ?? []).filter(hasWork).map(({ id, pending, renameFrom }) => {
    const files = listNames(pending.map(({ name }) => name));
    const what = [
      ...(renameFrom === undefined ? [] : [`its schema still under the name ${renameFrom}`]),
      ...(files === '' ? [] : [`migrations that are not applied: ${files}`]),
    ].join(', and ');
    return problem('MIGRATION_PENDING', `${id} has ${what}`, { plugin: id });
  });
}

function afterWaiting(waitMs: number): (found: Problem) => Problem {
  return (found) => ({
    ...found,
    message: `${found.message}, after ${formatDuration(waitMs)}`,
    hint: 'Check that the migrate job ran, with this release, on this database. A boot waits for it for migrations.lockWait.',
  });
}
