import { steps, type Step } from '../core/steps.ts';
import type { BootRecord } from './boot-record.ts';
import type { PluginRecord, StepRecord } from './plugin-record.ts';

/**
 * The times of every step of a boot, and the order that the graph gives them. Made once for a moment, because every question
 * about a wait needs them.
 */
export class StepTimes {
  readonly record: BootRecord;
  /** The moment that all of it is seen from, in ms from the start of the boot. */
  readonly nowMs: number;
  readonly #lists = new Map<string, readonly string[]>();

  constructor(record: BootRecord, nowMs: number) {
    this.record = record;
    this.nowMs = nowMs;
  }

  find(plugin: string, step: Step): StepRecord | undefined {
    return this.record.find(plugin)?.steps[step];
  }

  /** Lists the plugins whose step has to end before this one begins; on the way down those that depend on it. */
  listBefore(plugin: string, step: Step): readonly string[] {
    return this.record[step === 'stop' ? 'after' : 'before'].get(plugin) ?? [];
  }

  /** Lists the plugins whose step cannot begin before this one has ended. */
  listAfter(plugin: string, step: Step): readonly string[] {
    return this.record[step === 'stop' ? 'before' : 'after'].get(plugin) ?? [];
  }

  /** When the step could have begun as far as the plugin itself goes: its step before it had ended, or its phase began. */
  findBegin({ steps: own, removedAtMs }: PluginRecord, step: Step): number | undefined {
    if (!this.record.askedSteps.includes(step)) return undefined;
    switch (step) {
      case 'migrate':
        return this.record.findPhase('migrateAll')?.startMs;
      case 'init':
        return own.migrate.finishedAtMs;
      case 'ready':
        return own.init.finishedAtMs;
      default:
        return removedAtMs ?? this.record.stopping?.atMs;
    }
  }

  /**
   * When nothing but the graph and the slots kept a step from beginning; `undefined` while the gate is closed.
   *
   * @param plugin One that was removed stops at another time than the others.
   */
  findGate(step: Step, plugin?: string): number | undefined {
    const { survey, moments, pluginCount } = this.record;
    switch (step) {
      case 'migrate':
        // Without migrations there is no survey: then the first step to begin says that the gate is open.
        return survey?.atMs ?? moments.migrate.startMs;
      case 'init':
        return this.record.findPhase('initAll')?.startMs;
      case 'ready':
        return moments.init.ended === pluginCount ? moments.init.endMs : undefined;
      default:
        return this.#findRemoval(plugin) ?? this.record.findPhase('stopAll')?.startMs;
    }
  }

  #findRemoval(plugin: string | undefined): number | undefined {
    return plugin === undefined ? undefined : this.record.find(plugin)?.removedAtMs;
  }

  /** Lists the plugins that keep the gate of a step closed. */
  listGateKeepers(step: Step): readonly string[] {
    const before = step === 'init' ? 'migrate' : step === 'ready' ? 'init' : undefined;
    if (before === undefined) return [];
    return this.#listOnce(`gate ${before}`, (own) => own[before].finishedAtMs === undefined);
  }

  /** Explains a gate that is closed although no plugin keeps it closed. */
  explainGate(step: Step): string | undefined {
    const { flush, pause } = this.record;
    return step === 'init' && flush ? pause?.reason : undefined;
  }

  /** Lists the plugins that have a slot for this step now. */
  listHolders(step: Step): readonly string[] {
    return this.#listOnce(`slot ${step}`, (own) => holdsSlot(own[step]));
  }

  #listOnce(key: string, isIt: (own: PluginRecord['steps']) => boolean): readonly string[] {
    const known =
      this.#lists.get(key) ??
      this.record.plugins.filter((plugin) => isIt(plugin.steps)).map(({ id }) => id);
    this.#lists.set(key, known);
    return known;
  }
}

/** Whether a step has a slot now: it has begun, and neither ended nor found its lock taken. */
export function holdsSlot({ spawnedAtMs, finishedAtMs, pauses }: StepRecord): boolean {
  const last = pauses.at(-1);
  const isSuspended = last?.kind === 'lock' && last.endMs === undefined;
  return spawnedAtMs !== undefined && finishedAtMs === undefined && !isSuspended;
}

/** The steps in the order in which a launch takes them. */
export const launchSteps = steps.filter((step) => step !== 'stop');
