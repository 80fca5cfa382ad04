import { formatDuration } from '../core/duration.ts';
import { joinNames, shorten } from '../core/printable.ts';
import type { Phase, Step } from '../core/steps.ts';
import type { BootPause, BootRecord } from './boot-record.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { StepTimes } from './step-times.ts';
import type { Story } from './story.ts';
import { estimateRest } from './estimate.ts';
import { findOpenStep, type OpenStep } from './open-steps.ts';
import { describeLeft } from './statement-words.ts';
import { describeOpenStep, firstLine, nameGoal } from './step-words.ts';
import { findCulprit, findLoss } from './why.ts';

/**
 * Describes the state of a boot in one sentence: what runs or is waited for, with its cause, or how the boot has ended.
 *
 * @example headline(story.at(41_000)) // 'catalog waits 40s for its migration lock, held by …; billing waits for it (2 of 12 migrated)'
 */
export function headline(story: Story): string {
  const sentence = writeHeadline(story.times);
  return story.end === 'cutOff' ? `The process ended here: ${sentence}` : sentence;
}

/** Writes the headline of a moment. */
export function writeHeadline(times: StepTimes): string {
  const { record, nowMs } = times;
  if (record.start === undefined) return `${nameIt(record)} has not begun`;
  // A boot that is up and stops is not finished again.
  const isGoingDown = record.stopping !== undefined && record.stoppedAtMs === undefined;
  if (record.finished && !isGoingDown) return describeEnd(times, record.finished);
  const { pause } = record;
  if (pause) return `${nameIt(record)} waits ${describePause(pause, nowMs)}`;
  const culprit = findCulprit(times);
  const step = findCurrentStep(record);
  const focus = step && findFocus(times, step);
  const going = focus
    ? describeOpenStep(times, focus.plugin, focus.open) +
      describeAffected(times, focus.plugin.id, step)
    : describePhase(record, nowMs);
  const stopping = describeStopping(record);
  const progress = step ? ` (${describeProgress(times, step)})` : '';
  if (culprit?.required === true) return `${describeFailure(times, culprit)}; ${going}${stopping}`;
  return `${going}${stopping}${progress}`;
}

/** Finds the plugin that the headline is about: the one that failed, or else the one to look at. */
export function findSubject(times: StepTimes): string | undefined {
  const { record } = times;
  const step = record.finished && !record.stopping ? undefined : findCurrentStep(record);
  const focus = step && findFocus(times, step)?.plugin;
  const culprit = findCulprit(times);
  return (culprit?.required === true || !focus ? culprit : focus)?.id;
}

function describeStopping({ stopping, launch, onlyMigrates, phases }: BootRecord): string {
  if (!stopping) return '';
  const because = `(${firstLine(stopping.reason)})`;
  const hasNothingToStop = onlyMigrates && phases.at(-1)?.phase === 'stopAll';
  if (hasNothingToStop) return ` ${because}`;
  return ` while the ${launch === undefined ? 'boot' : 'launch'} stops ${because}`;
}

function describePause({ reason, error, startMs }: BootPause, nowMs: number): string {
  const more = error === undefined || reason.includes(error) ? '' : `: ${firstLine(error)}`;
  return `${formatDuration(nowMs - startMs)}: ${firstLine(reason)}${more}`;
}

function describeEnd(
  times: StepTimes,
  { outcome, durationMs, error }: NonNullable<BootRecord['finished']>,
): string {
  const { record } = times;
  const after = `after ${formatDuration(durationMs)}`;
  const enabled = record.plugins.filter((plugin) => plugin.enabled);
  const up = record.plugins.filter(({ steps }) => steps.ready.outcome === 'done');
  switch (outcome) {
    case 'ready':
      return `${nameAll(enabled)} up ${after}`;
    case 'migrated':
      return describeMigrated(times, enabled, after);
    case 'degraded': {
      const culprit = findCulprit(times);
      const why = culprit ? `: ${describeFailure(times, culprit)}` : '';
      return `${up.length} of ${count(enabled.length, 'plugin')} ${enabled.length === 1 ? 'is' : 'are'} up ${after}${why}`;
    }
    case 'canceled':
      return `${nameIt(record)} was stopped ${after}${record.stopping ? `: ${firstLine(record.stopping.reason)}` : ''}`;
    default: {
      const culprit = findCulprit(times);
      if (culprit) return `${nameIt(record)} failed ${after}: ${describeFailure(times, culprit)}`;
      const more =
        (error?.problems?.length ?? 0) > 0
          ? `: ${firstLine(error?.problems?.[0]?.message ?? '')}`
          : '';
      return `${nameIt(record)} failed ${after}: ${firstLine(error?.message ?? 'no reason is known')}${more}`;
    }
  }
}

function describeMigrated(
  times: StepTimes,
  enabled: readonly PluginRecord[],
  after: string,
): string {
  const files = enabled.reduce((sum, { applied }) => sum + applied.length, 0);
  const what = files === 0 ? 'nothing was pending' : `${count(files, 'file')} applied`;
  const culprit = findCulprit(times);
  if (!culprit) return `${nameAll(enabled)} migrated ${after}: ${what}`;
  const migrated = enabled.filter((plugin) => !findLoss(times, plugin));
  const verb = enabled.length === 1 ? 'is' : 'are';
  return `${migrated.length} of ${count(enabled.length, 'plugin')} ${verb} migrated ${after}, ${what}: ${describeFailure(times, culprit)}`;
}

function nameIt({ launch }: BootRecord): string {
  return launch === undefined ? 'The boot' : 'The launch';
}

/** `All 12 plugins are`, or the one that there is. */
function nameAll(plugins: readonly PluginRecord[]): string {
  const [first, ...others] = plugins;
  if (!first) return 'The boot, which has no plugins, is';
  return others.length === 0 ? `${first.id} is` : `All ${plugins.length} plugins are`;
}

/** `billing, search and 10 more did not start because auth failed to start: connect ECONNREFUSED` */
function describeFailure(times: StepTimes, culprit: PluginRecord): string {
  const { migrate, init, ready } = culprit.steps;
  const error = migrate.error ?? init.error ?? ready.error;
  const message = error ? firstLine(error.message) : `${culprit.id} failed`;
  const others = listLostBy(times, culprit);
  if (others.length === 0) return message;
  return `${joinNames(shorten(others, 2))} did not ${nameGoal(times.record)} because ${message}`;
}

/** Lists the plugins that need one that failed, directly or through others. */
export function listLostBy({ record }: StepTimes, culprit: PluginRecord): readonly string[] {
  const lost = new Set([culprit.id]);
  // The edges lead from earlier plugins to later ones, in the order of the graph.
  for (const { id } of record.plugins) {
    const needs = record.edges.some(
      ({ from, to, kind }) => to === id && kind === 'needs' && lost.has(from),
    );
    if (needs) lost.add(id);
  }
  lost.delete(culprit.id);
  return [...lost];
}

/** Finds the step that the plugins take now; `undefined` while none does. */
export function findCurrentStep(record: BootRecord): Step | undefined {
  const phase = record.phases.at(-1)?.phase;
  if (phase === 'migrateAll') return 'migrate';
  if (phase === 'stopAll') return record.onlyMigrates ? undefined : 'stop';
  if (phase !== 'initAll') return undefined;
  return record.moments.init.ended === record.pluginCount ? 'ready' : 'init';
}

/** Finds the step to look at: of those that have begun, the one that has lasted longest. */
function findFocus(
  times: StepTimes,
  step: Step,
): { readonly plugin: PluginRecord; readonly open: OpenStep } | undefined {
  let focus: { readonly plugin: PluginRecord; readonly open: OpenStep } | undefined;
  for (const plugin of times.record.plugins) {
    const { spawnedAtMs, finishedAtMs } = plugin.steps[step];
    if (spawnedAtMs === undefined || finishedAtMs !== undefined) continue;
    const open = findOpenStep(times, plugin);
    if (open && (!focus || open.sinceMs < focus.open.sinceMs)) focus = { plugin, open };
  }
  return focus;
}

/** `; billing, search and 3 more wait for it` */
export function describeAffected(times: StepTimes, id: string, step: Step): string {
  const affected = new Set<string>();
  const next = [id];
  for (const each of next) {
    for (const after of times.listAfter(each, step)) {
      if (affected.has(after) || times.find(after, step)?.finishedAtMs !== undefined) continue;
      affected.add(after);
      next.push(after);
    }
  }
  if (affected.size === 0) return '';
  return `; ${joinNames(shorten([...affected], 2))} ${affected.size === 1 ? 'waits' : 'wait'} for it`;
}

const phaseWords: Readonly<Partial<Record<string, string>>> = {
  discover: 'looks for plugins',
  sort: 'sorts the plugins',
  migrateAll: 'looks at the database',
  initAll: 'starts the plugins',
  stopAll: 'stops the plugins',
} satisfies Record<Phase, string>;

function describePhase(record: BootRecord, nowMs: number): string {
  const { phases, survey, onlyMigrates } = record;
  const it = nameIt(record);
  const last = phases.at(-1);
  if (!last) return `${it} begins`;
  if (onlyMigrates && last.phase === 'stopAll') return 'The boot gives its connections back';
  const isSurveyed = last.phase === 'migrateAll' && survey !== undefined;
  const known = isSurveyed ? 'migrates the plugins' : phaseWords[last.phase];
  // A recording of a newer Slipway may have other phases.
  const what = known ?? `is in ${last.phase}`;
  return `${it} ${what} for ${formatDuration(nowMs - last.startMs)}`;
}

const done = { migrate: 'migrated', init: 'started', ready: 'ready', stop: 'stopped' } as const;

function describeProgress(times: StepTimes, step: Step): string {
  const { moments, pluginCount } = times.record;
  const restMs = estimateRest(times);
  const left = restMs === undefined ? '' : `, ${describeLeft(restMs)}`;
  return `${moments[step].ended} of ${pluginCount} ${done[step]}${left}`;
}

function count(number: number, one: string): string {
  return `${number} ${number === 1 ? one : `${one}s`}`;
}
