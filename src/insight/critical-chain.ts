import type { ChainLink } from '../core/report.ts';
import type { Phase, Step } from '../core/steps.ts';
import type { BootPause, PhaseRecord } from './boot-record.ts';
import type { PluginRecord } from './plugin-record.ts';
import { listSegments, type Segment } from './segments.ts';
import type { StepTimes } from './step-times.ts';
import type { Story } from './story.ts';

/**
 * Finds what decided how long the boot took: work and waits that follow each other without gaps, from the start to the end of
 * the boot, or to now. It walks back in time: each step began when the last of these had happened: a plugin that it comes
 * after had ended, a slot was given back, its phase had begun.
 *
 * @example for (const { plugin, step, kind, startMs, endMs } of criticalChain(story)) console.log(plugin, step, kind, endMs - startMs);
 */
export function criticalChain(story: Story): readonly ChainLink[] {
  return traceChain(story.times, story.endMs);
}

/** Traces the chain that ends at `endMs`. */
export function traceChain(times: StepTimes, endMs: number): readonly ChainLink[] {
  const walk = new Walk(endMs);
  const phases = times.record.phases.filter(({ startMs }) => startMs <= endMs);
  for (const phase of phases.toReversed()) {
    if (phase.phase === 'migrateAll') walkFlush(walk, times);
    for (const step of stepsOf[phase.phase] ?? []) walkSteps(walk, times, step, phase.startMs);
    walkPhase(walk, times, phase);
  }
  return walk.end();
}

/** The steps of each phase, the last one first. A recording of a newer Slipway may have other phases. */
const stepsOf: Readonly<Partial<Record<string, readonly Step[]>>> = {
  discover: [],
  sort: [],
  migrateAll: ['migrate'],
  initAll: ['ready', 'init'],
  stopAll: ['stop'],
} satisfies Record<Phase, readonly Step[]>;

/** A shorter time between two links, in ms, is how long it takes to go from one to the next, and belongs to the later one. */
const handOverMs = 1;

/** Walks back from the step that ended last to the one that began when the gate opened. */
function walkSteps(walk: Walk, times: StepTimes, step: Step, phaseMs: number): void {
  const last = findLast(times, step, walk.atMs);
  if (!last || findEnd(times, last, step) < phaseMs) return;
  walk.fill(findEnd(times, last, step), { step: step === 'migrate' ? 'migrateAll' : step });
  let current: PluginRecord | undefined = last;
  const seen = new Set<PluginRecord>();
  while (current && !seen.has(current)) {
    seen.add(current);
    const { via, before } = findPredecessor(times, current, step);
    if (current.steps[step].spawnedAtMs !== undefined) {
      addStep(walk, listSegments(times, current, step), { plugin: current.id, step, via });
    }
    if (before) walk.reach(Math.min(walk.atMs, findEnd(times, before, step)));
    current = before;
  }
}

/** Adds the time from its slot to its end, where work in a row is one link. */
function addStep(
  walk: Walk,
  segments: readonly Segment[],
  link: Pick<ChainLink, 'plugin' | 'step' | 'via'>,
): void {
  const own = segments.filter(({ hasBegun }) => hasBegun);
  const kindOf = ({ kind }: Segment): ChainLink['kind'] =>
    kind === 'own' || kind === 'statement' ? 'work' : kind;
  for (const [at, segment] of [...own.entries()].toReversed()) {
    const before = own[at - 1];
    const kind = kindOf(segment);
    if (before && kindOf(before) === kind) continue;
    const previous = before && kindOf(before);
    const via = previous === undefined ? link.via : previous === 'work' ? 'step' : previous;
    walk.add(segment.startMs, { ...link, kind, via });
  }
}

/** Finds what had to end before a step could begin, last of all. */
function findPredecessor(
  times: StepTimes,
  plugin: PluginRecord,
  step: Step,
): { readonly via: ChainLink['via']; readonly before?: PluginRecord | undefined } {
  const queue = listSegments(times, plugin, step).filter(({ hasBegun }) => !hasBegun);
  const cause = queue.findLast(({ kind }) => kind !== 'own');
  if (cause?.kind === 'slot' || cause?.kind === 'dependency') {
    const before = times.record.find(cause.plugins?.at(-1) ?? '');
    return { via: cause.kind, before: before === plugin ? undefined : before };
  }
  return { via: 'gate' };
}

/** The wait for the disk, between the last migration and the registry. A connection that is lost meanwhile adds a wait. */
function walkFlush(walk: Walk, { record: { flush, pauses }, nowMs }: StepTimes): void {
  if (flush) walkPauses(walk, pauses.slice(pauses.indexOf(flush)), 'migrateAll', nowMs);
}

function walkPauses(
  walk: Walk,
  pauses: readonly BootPause[],
  step: ChainLink['step'],
  nowMs: number,
): void {
  for (const { kind, startMs, endMs = nowMs } of pauses.toReversed()) {
    if (startMs >= walk.atMs) continue;
    walk.fill(Math.min(endMs, walk.atMs), { step, via: kind });
    walk.add(startMs, { step, kind, via: 'step' });
  }
}

/** The time of a phase that is no plugin's: before its first step, and in phases without steps. */
function walkPhase(walk: Walk, times: StepTimes, { phase, startMs }: PhaseRecord): void {
  const step = phase === 'migrateAll' ? 'survey' : phase;
  const surveyedMs = times.record.survey?.atMs ?? walk.atMs;
  if (step === 'survey' && surveyedMs < walk.atMs) walk.fill(surveyedMs, { step: 'migrateAll' });
  const pauses = times.record.pauses.filter((pause) => pause.startMs >= startMs);
  walkPauses(walk, pauses, step, times.nowMs);
  walk.fill(startMs, { step });
}

/**
 * Finds the plugin whose step ended last before a moment. Of several that ended together it is the one that failed, because the
 * others were canceled by it; of those that go on, the one that began first.
 */
function findLast(times: StepTimes, step: Step, untilMs: number): PluginRecord | undefined {
  const ended = times.record.plugins.filter((plugin) => {
    const { spawnedAtMs = Infinity } = plugin.steps[step];
    return spawnedAtMs <= untilMs && findEnd(times, plugin, step) <= untilMs;
  });
  const lastMs = ended.reduce((last, plugin) => Math.max(last, findEnd(times, plugin, step)), 0);
  const [last] = ended
    .filter((plugin) => {
      const slackMs = hasFailed(plugin, step) ? handOverMs : 0;
      return findEnd(times, plugin, step) >= lastMs - slackMs;
    })
    .toSorted(
      (a, b) =>
        Number(hasFailed(b, step)) - Number(hasFailed(a, step)) ||
        (a.steps[step].spawnedAtMs ?? 0) - (b.steps[step].spawnedAtMs ?? 0),
    );
  return last;
}

function hasFailed(plugin: PluginRecord, step: Step): boolean {
  const { outcome } = plugin.steps[step];
  return outcome === 'failed' || outcome === 'timeout';
}

function findEnd(times: StepTimes, plugin: PluginRecord, step: Step): number {
  return plugin.steps[step].finishedAtMs ?? times.nowMs;
}

/** A walk back in time that leaves no gap. */
class Walk {
  readonly #links: ChainLink[] = [];
  #atMs: number;

  constructor(endMs: number) {
    this.#atMs = endMs;
  }

  get atMs(): number {
    return this.#atMs;
  }

  /** Adds a link from `startMs` to the place reached so far. An empty one is left out. */
  add(startMs: number, link: Omit<ChainLink, 'startMs' | 'endMs'>): void {
    if (startMs >= this.#atMs) return;
    const later = this.#links.at(-1);
    const areSlipways = later?.plugin === undefined && link.plugin === undefined;
    if (later && areSlipways && later.step === link.step && later.kind === link.kind) {
      this.#links.pop();
      this.#links.push({ ...later, via: link.via, startMs });
      this.#atMs = startMs;
      return;
    }
    this.#links.push({ ...link, startMs, endMs: this.#atMs });
    this.#atMs = startMs;
  }

  /** Adds work of Slipway itself, unless it is only the time from one link to the next. */
  fill(
    startMs: number,
    { step, via = 'step' }: Pick<ChainLink, 'step'> & Partial<Pick<ChainLink, 'via'>>,
  ): void {
    if (this.#atMs - startMs > handOverMs || this.#links.length === 0) {
      this.add(startMs, { step, kind: 'work', via });
    } else {
      this.reach(startMs);
    }
  }

  /** Lets the last link begin earlier. */
  reach(startMs: number): void {
    const last = this.#links.pop();
    if (!last) return;
    this.#links.push({ ...last, startMs });
    this.#atMs = startMs;
  }

  end(): readonly ChainLink[] {
    this.fill(0, { step: 'discover' });
    const links = this.#links.toReversed();
    const [first, ...others] = links;
    return first ? [{ ...first, via: 'start' }, ...others] : [];
  }
}
