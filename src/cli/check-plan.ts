import {
  BootError,
  type BootPlan,
  type PlanOptions,
  type Problem,
  type Warning,
} from '../index.ts';
import type { ExitCode } from './exit-codes.ts';
import { withBoot } from './load-config.ts';
import type { Output } from './output.ts';
import { count, type Page } from './page.ts';

/** Warnings that a history does not fit the files, each of which is a decision of a person. */
const policies: ReadonlySet<string | undefined> = new Set([
  'MIGRATION_EDITED',
  'MIGRATION_OUT_OF_ORDER',
  'MIGRATION_DATABASE_AHEAD',
]);

/** A plan that takes longer, in ms, is no moment any more: then the reader learns what to do. */
const longMs = 5_000;

/**
 * Looks at the plan of the config, and says on standard error when that takes long. Plugins that do not fit together have no
 * plan: for `--check` it is something that was found.
 */
export async function readPlan(
  options: { readonly config: string | undefined; readonly check: boolean },
  output: Output,
  how: PlanOptions = {},
): Promise<BootPlan> {
  const timer = setTimeout(() => {
    output.note(
      how.rehearse
        ? 'The rehearsal goes on, or waits for PostgreSQL. Ctrl-C ends it.'
        : 'Still waiting for PostgreSQL, or for the imports of plugins: see slipway doctor.',
    );
  }, longMs);
  try {
    return await withBoot(options.config, (boot) => boot.plan(how));
  } catch (error) {
    if (options.check && isGraphInvalid(error)) process.exitCode = 3;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the plugins do not fit together. */
export function isGraphInvalid(error: unknown): error is BootError {
  return error instanceof BootError && error.code === 'GRAPH_INVALID';
}

/** Says on standard error what `--check` has found in a plan, and returns the exit code. */
export function checkPlan({ plugins, warnings, problems }: BootPlan, output: Output): ExitCode {
  const pending = plugins.reduce((sum, plugin) => sum + plugin.pending.length, 0);
  const missing = countMissing(plugins);
  const renamed = countRenamed(plugins);
  const doubtful = warnings.filter(isDoubtful).length;
  const found = [
    ...(problems.length > 0 ? [count(problems.length, 'problem')] : []),
    ...(pending > 0 ? [count(pending, 'pending file')] : []),
    ...(missing > 0 ? [count(missing, 'missing schema')] : []),
    ...(renamed > 0 ? [`${count(renamed, 'schema')} to rename`] : []),
    ...(doubtful > 0 ? [count(doubtful, 'warning')] : []),
  ];
  if (found.length === 0) return 0;
  output.note(`The check found ${found.join(', ')}.`);
  return 3;
}

function countMissing(plugins: BootPlan['plugins']): number {
  return plugins.reduce((sum, { missingSchemas = [] }) => sum + missingSchemas.length, 0);
}

/** Counts the schemas that would be renamed. Of tenants those with nothing else to do, as a plan does not name the others. */
function countRenamed(plugins: BootPlan['plugins']): number {
  return plugins.reduce((sum, { renameFrom, tenants }) => {
    const groups = (tenants?.behind ?? []).filter(({ pending }) => pending.length === 0);
    return sum + Number(renameFrom !== undefined) + groups.flatMap((each) => each.tenants).length;
  }, 0);
}

/** Whether a warning fails the check. */
export function isDoubtful({ code }: Warning): boolean {
  return policies.has(code);
}

/** Adds the warnings and the problems to a page. */
export function addFindings(
  page: Page,
  { warnings, problems }: Pick<BootPlan, 'warnings' | 'problems'>,
): void {
  if (warnings.length > 0) page.title(count(warnings.length, 'warning'));
  for (const warning of warnings) page.point('warning', ...describe(warning));
  if (problems.length > 0) page.title(count(problems.length, 'problem'));
  for (const problem of problems) page.point('bad', ...describe(problem));
}

function describe({ code, message, file, hint }: Warning | Problem) {
  const place = file === undefined || message.includes(file) ? '' : ` (${file})`;
  const text = `${code === undefined ? '' : `${code}: `}${message}${place}`;
  return [text, hint === undefined ? [] : [`→ ${hint}`]] as const;
}

/** One sentence: what a boot would do. */
export function summarize({ plugins, problems, rehearsal }: BootPlan): string {
  const files = plugins.reduce(
    (sum, { applied, pending }) => sum + applied.length + pending.length,
    0,
  );
  const all = `${count(plugins.length, 'plugin')}, ${count(files, 'file')}`;
  const waiting = plugins.filter(({ pending }) => pending.length > 0);
  const pending = waiting.reduce((sum, plugin) => sum + plugin.pending.length, 0);
  if (problems.length > 0 && rehearsal && rehearsal.because === undefined) {
    return `A boot would fail: ${count(problems.length, 'problem')}. What comes before would be applied, and stay.`;
  }
  if (problems.length > 0) {
    return `A boot would change nothing, and fail: ${count(problems.length, 'problem')}.`;
  }
  const missing = countMissing(plugins);
  if (pending === 0 && missing > 0)
    return `A boot would make ${count(missing, 'schema')} (${all}).`;
  const renamed = countRenamed(plugins);
  if (pending === 0 && renamed > 0)
    return `A boot would rename ${count(renamed, 'schema')} (${all}).`;
  if (pending === 0) return `Nothing to migrate (${all}).`;
  const what = `${count(pending, 'file')} of ${count(waiting.length, 'plugin')}`;
  return `A boot would apply ${what} (${all} in all).`;
}
