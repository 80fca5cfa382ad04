import { steps } from '../../../core/steps.ts';
import { listBars, type Bar } from '../../../insight/exports/bars.ts';
import type { PluginRecord } from '../../../insight/plugin-record.ts';
import { launchSteps, type StepTimes } from '../../../insight/step-times.ts';

/** What a row is drawn from. */
export interface LaneBars {
  readonly bars: readonly Bar[];
  /** Their kinds, which the legend explains. */
  readonly marks: ReadonlySet<string>;
}

interface Kept extends LaneBars {
  readonly times: StepTimes;
  readonly isStopping: boolean;
  /** Whether the plugin has nothing left to do: then its bars never change again. */
  readonly isSettled: boolean;
}

const kept = new WeakMap<PluginRecord, Kept>();

/** Lists the bars of a plugin; the same ones as before when nothing can have changed. */
export function keepBars(times: StepTimes, plugin: PluginRecord): LaneBars {
  const isStopping = times.record.stopping !== undefined || plugin.removedAtMs !== undefined;
  const known = kept.get(plugin);
  if (known?.times === times || (known?.isSettled && known.isStopping === isStopping)) return known;
  const bars = listBars(times, plugin);
  const expected = isStopping ? steps : launchSteps;
  const isSettled = expected.every((step) => plugin.steps[step].finishedAtMs !== undefined);
  const found = { bars, marks: new Set(bars.flatMap(listMarks)), times, isStopping, isSettled };
  kept.set(plugin, found);
  return found;
}

/** Lists the marks of a bar: its kind, and how it ended if that was badly. */
function listMarks(bar: Bar): readonly string[] {
  const { kind, step, outcome, parts } = bar;
  const own = kind === 'step' ? step : kind;
  const inside = parts.flatMap(listMarks);
  if (outcome === 'failed' || outcome === 'timeout') return [own, 'failed', ...inside];
  if (outcome === 'dependency' || outcome === 'notReached') return [own, 'lost', ...inside];
  return [own, ...inside];
}
