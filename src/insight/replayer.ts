import type { Step } from '../core/steps.ts';
import { createRunReader } from './recorded-runs.ts';
import { replayRun, type Replayed } from './replay.ts';
import type { ReplayedStep } from './retell.ts';
import { launchSteps } from './step-times.ts';
import type { Story } from './story.ts';

/** How many plugins may migrate at once, and how many may start. */
export type Slots = Readonly<Record<'migrate' | 'init', number>>;

/** Replays the steps of a story with other options, as often as it is asked to. */
export class Replayer {
  /** As in the recording; without limits for one that has no beginning. */
  readonly slots: Slots;
  readonly #story: Story;
  readonly #read: ReturnType<typeof createRunReader>;
  /** With the recorded options. */
  readonly #before = new Map<Step, Replayed>();

  constructor(story: Story) {
    this.#story = story;
    this.#read = createRunReader(story);
    const none = Number.POSITIVE_INFINITY;
    this.slots = story.record.start?.slots ?? { migrate: none, init: none };
  }

  /**
   * Replays each step whose gate has opened.
   *
   * @param without Steps that take no time: `catalog.init`.
   */
  replay(slots: Slots, without: ReadonlySet<string> = new Set()): readonly ReplayedStep[] {
    const replays: ReplayedStep[] = [];
    let shiftMs = 0;
    for (const step of launchSteps) {
      const gateMs = this.#findGate(step);
      if (gateMs === undefined || gateMs > this.#story.endMs) break;
      const before = this.#before.get(step) ?? this.#replayRecorded(step, gateMs);
      const width = countSlots(slots, step, this.#story);
      const after = replayRun(this.#read(step, without), gateMs + shiftMs, width, before);
      replays.push({ step, gateMs, before, after });
      shiftMs = after.endMs - before.endMs;
    }
    return replays;
  }

  /** How much shorter the boot would have been, in ms. */
  measure(slots: Slots): number {
    const last = this.replay(slots).at(-1);
    return last ? last.before.endMs - last.after.endMs : 0;
  }

  #replayRecorded(step: Step, gateMs: number): Replayed {
    const width = this.slots[step === 'migrate' ? 'migrate' : 'init'];
    const replayed = replayRun(this.#read(step), gateMs, width);
    this.#before.set(step, replayed);
    return replayed;
  }

  #findGate(step: Step): number | undefined {
    const { times, record } = this.#story;
    if (step !== 'migrate' && !record.findPhase('initAll')) return undefined;
    return times.findGate(step);
  }
}

/** More migrations at once than the pool has clients would only wait for each other. */
function countSlots({ migrate, init }: Slots, step: Step, { record: { start } }: Story): number {
  if (step !== 'migrate') return init;
  return start ? Math.min(migrate, Math.max(start.poolSize, start.slots.migrate)) : migrate;
}
