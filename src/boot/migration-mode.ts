import type { Clock } from '../core/clock.ts';
import { problem, type Problem } from '../core/error-codes.ts';
import { formatDuration } from '../core/duration.ts';
import type { Tell } from '../core/events.ts';
import { listNames } from '../core/printable.ts';
import { sleep } from '../core/patience.ts';
import { hasWork, type SurveyedPlugins } from './survey-plugins.ts';

export interface ModeParts {
  readonly mode: 'apply' | 'verify' | 'wait';
  /** How long `wait` waits, in ms. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

const firstPauseMs = 200;
const longestPauseMs = 5_000;

/**
 * Looks at the plugins in the way the mode asks for: `apply` looks once; `verify` makes every pending file a problem;
 * `wait` looks again until nothing is pending, which is when a migrate job next door is done.
 */
export async function lookByMode(
  look: () => Promise<SurveyedPlugins>,
  { mode, waitMs, clock, tell, signal }: ModeParts,
): Promise<SurveyedPlugins> {
  const deadline = clock.elapsed() + waitMs;
  for (let attempt = 1, pauseMs = firstPauseMs; ; attempt += 1) {
    const surveyed = await look();
    const pending = mode === 'apply' ? [] : pendingProblems(surveyed);
    if (pending.length === 0 || surveyed.problems.length > 0) return surveyed;
    const leftMs = deadline - clock.elapsed();
    if (mode === 'verify') return { ...surveyed, problems: pending };
    if (leftMs <= 0) return { ...surveyed, problems: pending.map(afterWaiting(waitMs)) };
    const nextInMs = Math.min(pauseMs, leftMs);
    const plugins = listNames(pending.map(({ plugin = '' }) => plugin));
    tell({
      type: 'boot.waiting',
      reason: `migrations of ${plugins} are pending`,
      attempt,
      nextInMs,
    });
    await sleep(clock, nextInMs, signal);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
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
    hint: 'Check whether the migrate job ran, with this release, on this database. migrations.lockWait sets how long to wait for it.',
  });
}
