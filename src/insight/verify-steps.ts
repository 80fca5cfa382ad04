import { isSuccess } from '../core/schedule.ts';
import { stepIn, steps, type Outcome, type Step } from '../core/steps.ts';
import { getTenant } from '../core/tenants.ts';
import type { RecordedEvent } from './recorded-event.ts';
import type { Story } from './story.ts';
import type { Blame } from './rules.ts';
import { checkDuration } from './verify-boot.ts';

type StepStarted = Extract<
  RecordedEvent,
  { readonly type: 'plugin.migrate.connecting' | `plugin.${Step}.started` }
>;
type StepFinished = Extract<RecordedEvent, { readonly type: `plugin.${Step}.finished` }>;

const phaseOf = {
  migrate: 'migrateAll',
  init: 'initAll',
  ready: 'initAll',
  stop: 'stopAll',
} as const;

/** Outcomes of steps that did not run. */
const idle: ReadonlySet<Outcome> = new Set(['upToDate', 'dependency', 'skipped']);
/** Outcomes of steps that ran. A defect may let a step fail before it has begun, and an interrupted one may have begun or not. */
const active: ReadonlySet<Outcome> = new Set(['done', 'timeout']);

/** Checks the begin and the end of each step: once, in its phase, after its gate, and after those that come first. */
export function checkSteps(story: Story, blame: Blame): void {
  const walk = new StepWalk(story, blame);
  for (const event of story.ownEvents) walk.take(event);
  walk.end();
}

/** Walks through the events, and knows at each of them what has begun and what has finished. */
class StepWalk {
  readonly #story: Story;
  readonly #blame: Blame;
  /** The first sign of life of a step, by `init catalog`. A migration begins with its slot. */
  readonly #spawned = new Map<string, StepStarted>();
  readonly #started = new Map<string, StepStarted>();
  readonly #finished = new Map<string, StepFinished>();
  readonly #unsettled = new Map<Step, Set<string>>();
  #phase: string | undefined;
  /** The plugins that are removed now. */
  #removed: ReadonlySet<string> | undefined;
  #stopped: RecordedEvent | undefined;
  readonly #needs = new Map<string, readonly string[]>();

  constructor(story: Story, blame: Blame) {
    this.#story = story;
    this.#blame = blame;
    for (const { to, from, kind } of story.record.edges) {
      if (kind === 'needs') this.#needs.set(to, [...(this.#needs.get(to) ?? []), from]);
    }
  }

  take(event: RecordedEvent): void {
    // Tenants begin and end within the step of their plugin.
    if (getTenant(event) !== undefined) return;
    switch (event.type) {
      case 'plugin.discovered':
        for (const step of steps) this.#listUnsettled(step).add(event.plugin);
        break;
      case 'phase.started':
        this.#phase = event.phase;
        break;
      case 'phase.finished':
        this.#phase = undefined;
        break;
      case 'removal.started':
        this.#phase = 'stopAll';
        this.#removed = new Set(event.plugins);
        break;
      case 'removal.finished':
        // One that was refused or canceled ends while another one goes on.
        if (event.plugins.length === 0) break;
        this.#phase = undefined;
        this.#removed = undefined;
        break;
      case 'boot.stopped':
        this.#stopped = event;
        break;
      case 'plugin.migrate.connecting':
      case 'plugin.migrate.started':
      case 'plugin.init.started':
      case 'plugin.ready.started':
      case 'plugin.stop.started':
        this.#begin(event);
        break;
      case 'plugin.migrate.finished':
      case 'plugin.init.finished':
      case 'plugin.ready.finished':
      case 'plugin.stop.finished':
        this.#finish(event);
        break;
      default:
    }
  }

  #listUnsettled(step: Step): Set<string> {
    const known = this.#unsettled.get(step) ?? new Set();
    this.#unsettled.set(step, known);
    return known;
  }

  #begin(event: StepStarted): void {
    const step = stepIn(event.type);
    const key = `${step} ${event.plugin}`;
    const isSlot = event.type === 'plugin.migrate.connecting';
    const earlier = (isSlot ? this.#spawned : this.#started).get(key);
    if (earlier)
      this.#blame('step-once', `${step} of ${event.plugin} begins twice`, earlier, event);
    const finished = this.#finished.get(key);
    if (finished)
      this.#blame(
        'step-once',
        `${step} of ${event.plugin} begins after it has finished`,
        finished,
        event,
      );
    if (!isSlot) this.#started.set(key, event);
    if (this.#spawned.has(key)) return;
    this.#spawned.set(key, event);
    this.#checkTurn(event, step);
  }

  /** Checks that everything that comes before a step has ended. */
  #checkTurn(event: StepStarted, step: Step): void {
    const { plugin } = event;
    const what = `${step} of ${plugin} begins`;
    if (this.#phase !== phaseOf[step])
      this.#blame('step-phase', `${what} outside of ${phaseOf[step]}`, event);
    const waitsFor = { init: 'migrate', ready: 'init' } as const;
    if (step === 'init' || step === 'ready') {
      const open = [...this.#listUnsettled(waitsFor[step])];
      if (open.length > 0)
        this.#blame(
          `gate-${step}`,
          `${what} before ${waitsFor[step]} of ${open[0]} has ended`,
          event,
        );
    }
    for (const first of this.#story.times.listBefore(plugin, step)) {
      // What only comes after a removed plugin goes on.
      if (this.#removed?.has(first) === false) continue;
      // One that was lost on the way up has nothing to stop.
      if (step === 'stop' && !this.#everStops(first)) continue;
      const finished = this.#finished.get(`${step} ${first}`);
      if (!finished) {
        this.#blame(
          step === 'stop' ? 'stop-order' : 'order',
          `${what} before that of ${first} has ended`,
          event,
        );
      } else if (
        step !== 'stop' &&
        !isSuccess(finished.outcome) &&
        this.#needs.get(plugin)?.includes(first)
      ) {
        this.#blame('needs', `${what}, though ${first} is ${finished.outcome}`, finished, event);
      }
    }
  }

  #everStops(plugin: string): boolean {
    return this.#story.record.find(plugin)?.steps.stop.startedAtMs !== undefined;
  }

  #finish(event: StepFinished): void {
    const { plugin, outcome, durationMs } = event;
    const step = stepIn(event.type);
    const key = `${step} ${plugin}`;
    const earlier = this.#finished.get(key);
    if (earlier) this.#blame('step-once', `${step} of ${plugin} finishes twice`, earlier, event);
    this.#finished.set(key, event);
    this.#listUnsettled(step).delete(plugin);
    const started = this.#started.get(key);
    // A migration may fail with its slot, before it has the lock.
    const hasRun =
      started ?? (step === 'migrate' && outcome !== 'done' ? this.#spawned.get(key) : undefined);
    if (hasRun && idle.has(outcome)) {
      this.#blame('step-ran', `${step} of ${plugin} has begun and is ${outcome}`, hasRun, event);
    } else if (!hasRun && active.has(outcome)) {
      this.#blame('step-ran', `${step} of ${plugin} is ${outcome} and has not begun`, event);
    }
    if (started) checkDuration(started, event, this.#blame);
    else if (durationMs !== 0)
      this.#blame('duration', `${step} of ${plugin} never ran, and took ${durationMs} ms`, event);
  }

  end(): void {
    if (!this.#stopped) return;
    for (const [step, open] of this.#unsettled) {
      for (const plugin of open)
        this.#blame('step-end', `${step} of ${plugin} has not finished`, this.#stopped);
    }
  }
}
