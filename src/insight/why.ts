import { describeBlocker, describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import type { LockBlocker, LockHolder, Wait, WaitKind } from '../core/waits.ts';
import { joinNames, printable, shorten } from '../core/printable.ts';
import { isSuccess } from '../core/schedule.ts';
import { steps, type Step } from '../core/steps.ts';
import type { PluginRecord, StepRecord } from './plugin-record.ts';
import { describeLook } from './statement-words.ts';
import type { StepTimes } from './step-times.ts';
import type { Story } from './story.ts';
import { findOpenStep, findRunningFile, type OpenStep } from './open-steps.ts';

/** One cause of the state of a plugin. */
export interface Cause {
  /** Left out for what belongs to no plugin, such as a session of another process. */
  readonly plugin?: string;
  readonly step?: Step;
  /** The reason to wait; or `work`, `failed`, `stopped`, `up`; or `session` for a session of another process. */
  readonly kind: WaitKind | 'work' | 'failed' | 'stopped' | 'up' | 'session';
  /** A sentence. */
  readonly because: string;
  /** The session of another process, for the kind `session`. */
  readonly session?: LockHolder | LockBlocker;
}

/** The answer to the question why a plugin is where it is. */
export interface Explanation {
  /** From the plugin to the root cause. */
  readonly sentence: string;
  /** The root cause comes last. */
  readonly chain: readonly Cause[];
}

/**
 * Explains why a plugin is where it is: what it waits for, or what it failed by, down to the root cause.
 *
 * @throws Error when the boot has no plugin of this id
 * @example why(story, 'billing').sentence // 'billing waits for catalog: catalog waits 41s for its migration lock, held by …'
 */
export function why(story: Story, plugin: string): Explanation {
  const found = story.record.find(plugin);
  if (!found) {
    const known = joinNames(
      shorten(
        story.record.plugins.map(({ id }) => id),
        8,
      ),
    );
    throw new Error(`This boot has no plugin ${plugin}. It has ${known || 'none yet'}.`);
  }
  const chain = traceCauses(story.times, found);
  const root = chain.findLast(({ plugin: id }) => id !== undefined);
  const last = chain.at(-1)?.because ?? '';
  const sentence =
    root?.plugin === plugin || root === undefined
      ? last
      : `${plugin} ${root.kind === 'failed' ? 'did not start because of' : 'waits for'} ${root.plugin}: ${root.because}`;
  return { sentence, chain };
}

/** Traces the causes of the state of a plugin; the root cause comes last. */
export function traceCauses(times: StepTimes, plugin: PluginRecord): readonly Cause[] {
  const causes: Cause[] = [];
  const seen = new Set<string>();
  for (let current: PluginRecord | undefined = plugin; current && !seen.has(current.id);) {
    seen.add(current.id);
    const { cause, next } = explain(times, current);
    causes.push(cause);
    const holder = findHolder(times, current);
    if (holder) causes.push(...holder);
    current = next === undefined ? undefined : times.record.find(next);
  }
  return causes;
}

function explain(
  times: StepTimes,
  plugin: PluginRecord,
): { readonly cause: Cause; readonly next?: string | undefined } {
  const lost = findLoss(plugin);
  if (lost) return explainLoss(times, plugin, lost);
  const open = times.record.finished ? undefined : findOpenStep(times, plugin);
  if (!open) {
    const isUp = plugin.steps.ready.outcome === 'done';
    const because = isUp ? `${plugin.id} is up` : `${plugin.id} has nothing left to do`;
    return { cause: { plugin: plugin.id, kind: isUp ? 'up' : 'stopped', because } };
  }
  const because = describeOpenStep(times, plugin, open);
  const { step, wait } = open;
  const cause = { plugin: plugin.id, step, kind: wait?.kind ?? 'work', because } as const;
  return { cause, next: wait && findLongest(times, wait, step) };
}

/** Finds the first step of a plugin that did not succeed. */
export function findLoss({
  steps: own,
}: PluginRecord): (StepRecord & { readonly step: Step }) | undefined {
  const step = steps.find(
    (each) => own[each].outcome !== undefined && !isSuccess(own[each].outcome),
  );
  return step && { ...own[step], step };
}

function explainLoss(
  times: StepTimes,
  plugin: PluginRecord,
  { step, outcome, error, because }: StepRecord & { readonly step: Step },
): { readonly cause: Cause; readonly next?: string | undefined } {
  const { id } = plugin;
  const reason = because === undefined ? '' : `: ${because}`;
  if (outcome === 'failed' || outcome === 'timeout') {
    const message = error ? firstLine(error.message) : `${id} failed${reason}`;
    return { cause: { plugin: id, step, kind: 'failed', because: message } };
  }
  const culprit =
    outcome === 'dependency'
      ? times.listBefore(id, step).find((other) => isLost(times, other, step))
      : findCulprit(times)?.id;
  const next = culprit === id ? undefined : culprit;
  const kind = next === undefined ? 'stopped' : 'dependency';
  return {
    cause: { plugin: id, step, kind, because: `${id} did not ${verbs[step]}${reason}` },
    next,
  };
}

/** What each step does, as verbs. */
export const verbs = {
  migrate: 'migrate',
  init: 'start',
  ready: 'get ready',
  stop: 'stop',
} as const;

function isLost(times: StepTimes, plugin: string, step: Step): boolean {
  const outcome = times.find(plugin, step)?.outcome;
  return outcome !== undefined && !isSuccess(outcome);
}

/** Finds the plugin that the boot failed by: of the required ones, the first that failed. */
export function findCulprit({ record }: StepTimes): PluginRecord | undefined {
  const failed = record.plugins.flatMap((plugin) => {
    const lost = findLoss(plugin);
    const isFailure = lost?.outcome === 'failed' || lost?.outcome === 'timeout';
    return isFailure && lost.step !== 'stop' ? [{ plugin, atMs: lost.finishedAtMs ?? 0 }] : [];
  });
  const required = failed.filter(({ plugin }) => plugin.required);
  const [first] = (required.length > 0 ? required : failed).toSorted((a, b) => a.atMs - b.atMs);
  return first?.plugin;
}

/** Of the plugins that are waited for, finds the one that has worked on the same step for the longest time. */
function findLongest(times: StepTimes, { plugins = [] }: Wait, step: Step): string | undefined {
  const open = plugins.flatMap((id) => {
    const plugin = times.record.find(id);
    const found = plugin && findOpenStep(times, plugin);
    return found ? [found] : [];
  });
  const [longest] = open.toSorted(
    (a, b) => Number(b.hasBegun) - Number(a.hasBegun) || a.sinceMs - b.sinceMs,
  );
  return longest?.plugin ?? (step === 'stop' ? undefined : plugins.at(-1));
}

/** The sessions of other processes that a plugin waits for: those that block its statement, or the holder of its lock. */
function findHolder(times: StepTimes, plugin: PluginRecord): readonly Cause[] | undefined {
  const wait = findOpenStep(times, plugin)?.wait;
  const block = (session: LockBlocker): Cause => ({
    kind: 'session',
    because: `${describeBlocker(session)} blocks it`,
    session,
  });
  if (!wait) return findRunningFile(plugin, times.nowMs)?.blockers?.map(block);
  if (wait.holder?.pid === undefined) return undefined;
  const { waitsFor, ...holder } = wait.holder;
  const held: Cause = {
    kind: 'session',
    because: `${describeHolder(holder)} holds the lock`,
    session: holder,
  };
  return waitsFor ? [held, block(waitsFor)] : [held];
}

/** Describes what a step does now, or waits for: a sentence that begins with the plugin. */
export function describeOpenStep(times: StepTimes, plugin: PluginRecord, open: OpenStep): string {
  const { step, wait, sinceMs } = open;
  const forMs = formatDuration(times.nowMs - sinceMs);
  if (wait) return `${plugin.id} ${describeWait(wait, plugin)}`;
  if (step === 'migrate') return `${plugin.id} ${describeMigration(times, plugin, forMs)}`;
  const verb = {
    init: 'its init has run',
    ready: 'its ready hook has run',
    stop: 'it has been stopping',
  };
  return `${plugin.id} ${{ init: 'starts', ready: 'gets ready', stop: 'stops' }[step]}: ${verb[step]} for ${forMs}`;
}

function describeMigration(times: StepTimes, plugin: PluginRecord, forMs: string): string {
  const file = findRunningFile(plugin, times.nowMs);
  if (!file) return `prepares its migrations for ${forMs}`;
  const place = file.of > 1 ? ` (file ${file.index} of ${file.of})` : '';
  const since = `for ${formatDuration(file.forMs)}`;
  const { statement, statements, command = '' } = file;
  const seen = describeLook(command, file);
  if (statement === undefined) {
    return `applies ${file.file}${place} ${since}${seen && `; ${seen}`}`;
  }
  const which = `statement ${statement}${statements === undefined ? '' : ` of ${statements}`}`;
  const what = file.progress ? '' : `, ${command || 'SQL'},`;
  return `applies ${file.file}${place}: ${which}${what} has run ${since}${seen && `; ${seen}`}`;
}

function describeWait(wait: Wait, plugin: PluginRecord): string {
  const { kind, plugins = [], holder, blockers = [], reason } = wait;
  const forMs = formatDuration(wait.forMs);
  const more = reason === undefined ? '' : `: ${printable(firstLine(reason))}`;
  const who = joinNames(shorten(plugins, 3));
  switch (kind) {
    case 'dependency':
      return `waits ${forMs} for ${who}`;
    case 'gate':
      return plugins.length === 0
        ? `waits ${forMs} for the survey`
        : `waits ${forMs} until ${who} ${plugins.length === 1 ? 'has' : 'have'} ended`;
    case 'slot':
      return `waits ${forMs} for a slot, which ${who} ${plugins.length === 1 ? 'has' : 'have'}`;
    case 'connection':
      return `waits ${forMs} for a client of the pool${more}`;
    case 'lock':
      return `waits ${forMs} for its migration lock, held by ${printable(describeHolder(holder ?? {}))}`;
    case 'database':
      return `waits ${forMs} for PostgreSQL${more}`;
    default: {
      const file = plugin.steps.migrate.files.at(-1)?.file;
      const what = file === undefined ? 'starts again' : `tries ${file} again`;
      const inTheWay =
        blockers.length === 0
          ? ''
          : `; in the way: ${blockers.map((each) => printable(describeBlocker(each))).join('; ')}`;
      return `${what} after a pause, which has lasted ${forMs}${more}${inTheWay}`;
    }
  }
}

/** The first line of a message, without control characters. */
export function firstLine(message: string): string {
  return printable(message.split('\n', 1)[0] ?? '');
}
