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

/** The bars of plugins that have nothing left to do, which never change again. */
const settled = new WeakMap<PluginRecord, LaneBars & { readonly isStopping: boolean }>();

/** Lists the bars of a plugin; the same ones as before when nothing can have changed. */
export function keepBars(times: StepTimes, plugin: PluginRecord): LaneBars {
  const isStopping = times.record.stopping !== undefined;
  const known = settled.get(plugin);
  if (known?.isStopping === isStopping) return known;
  const bars = listBars(times, plugin);
  const found = { bars, marks: new Set(bars.flatMap(listMarks)), isStopping };
  const expected = isStopping ? steps : launchSteps;
  const isSettled = expected.every((step) => plugin.steps[step].finishedAtMs !== undefined);
  if (isSettled) settled.set(plugin, found);
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
