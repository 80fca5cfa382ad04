import { describeBlocker, describeHolder } from '../core/describe-session.ts';
import type { LockBlocker, LockHolder, Wait, WaitKind } from '../core/waits.ts';
import { joinNames, shorten } from '../core/printable.ts';
import { isSuccess } from '../core/schedule.ts';
import type { Step } from '../core/steps.ts';
import type { PluginRecord, StepRecord } from './plugin-record.ts';
import type { StepTimes } from './step-times.ts';
import type { Story } from './story.ts';
import { findOpenStep, findRunningFile } from './open-steps.ts';
import { describeMigrated, describeOpenStep, firstLine, nameGoal, verbs } from './step-words.ts';

/** One cause of the state of a plugin. */
export interface Cause {
  /** Left out for what belongs to no plugin, such as a session of another process. */
  readonly plugin?: string;
  readonly step?: Step;
  /** The reason to wait; or `work`, `failed`, `stopped`, `up`, `migrated`; or `session` for a session of another process. */
  readonly kind: WaitKind | 'work' | 'failed' | 'stopped' | 'up' | 'migrated' | 'session';
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
      : `${plugin} ${root.kind === 'failed' ? `did not ${nameGoal(story.record)} because of` : 'waits for'} ${root.plugin}: ${root.because}`;
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
  const lost = findLoss(times, plugin);
  if (lost) return explainLoss(times, plugin, lost);
  const open = times.record.finished ? undefined : findOpenStep(times, plugin);
  if (!open) return { cause: explainEnd(times, plugin) };
  const because = describeOpenStep(times, plugin, open);
  const { step, wait } = open;
  const cause = { plugin: plugin.id, step, kind: wait?.kind ?? 'work', because } as const;
  return { cause, next: wait && findLongest(times, wait, step) };
}

/** The cause of a plugin that has nothing left to do. */
function explainEnd({ record }: StepTimes, plugin: PluginRecord): Cause {
  const { id } = plugin;
  if (record.onlyMigrates && plugin.steps.migrate.outcome !== undefined) {
    const because = `${describeMigrated(plugin)}. This boot was asked to migrate only, and was not meant to start plugins`;
    return { plugin: id, step: 'migrate', kind: 'migrated', because };
  }
  return plugin.steps.ready.outcome === 'done'
    ? { plugin: id, kind: 'up', because: `${id} is up` }
    : { plugin: id, kind: 'stopped', because: `${id} has nothing left to do` };
}

/** Finds the first step of a plugin that the boot was asked for and that did not succeed. */
export function findLoss(
  { record }: StepTimes,
  { steps: own }: PluginRecord,
): (StepRecord & { readonly step: Step }) | undefined {
  const step = record.askedSteps.find(
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

function isLost(times: StepTimes, plugin: string, step: Step): boolean {
  const outcome = times.find(plugin, step)?.outcome;
  return outcome !== undefined && !isSuccess(outcome);
}

/** Finds the plugin that the boot failed by: of the required ones, the first that failed. */
export function findCulprit(times: StepTimes): PluginRecord | undefined {
  const failed = times.record.plugins.flatMap((plugin) => {
    const lost = findLoss(times, plugin);
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
