import { formatDuration } from '../../core/duration.ts';
import type { Wait } from '../../core/waits.ts';
import { joinNames, shorten } from '../../core/printable.ts';
import { isSuccess } from '../../core/schedule.ts';
import { steps, type Step } from '../../core/steps.ts';
import type { PluginRecord } from '../plugin-record.ts';
import { findOpenStep } from '../open-steps.ts';
import type { StepTimes } from '../step-times.ts';

/** The state of a plugin in a few words. */
export interface Status {
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'soft' | 'text';
}

const going = { migrate: 'migrates', init: 'starts', ready: 'gets ready', stop: 'stops' } as const;
const notDone = {
  migrate: 'not migrated',
  init: 'not started',
  ready: 'not ready',
  stop: 'not stopped',
} as const;

/** Describes the state of a plugin in a few words: a failure first, then what goes on, then what is done. */
export function describeStatus(times: StepTimes, plugin: PluginRecord): Status {
  const { enabled, steps: own } = plugin;
  if (!enabled) return { text: 'disabled', tone: 'soft' };
  const lost = findLost(plugin);
  if (lost !== undefined) return describeLoss(plugin, lost);
  const isOver = times.record.finished !== undefined && times.record.stopping === undefined;
  const open = isOver ? undefined : findOpenStep(times, plugin);
  if (open && (open.hasBegun || open.wait)) {
    const { step, wait, sinceMs } = open;
    if (wait) return { text: describeWait(wait), tone: 'text' };
    return { text: `${going[step]} for ${formatDuration(times.nowMs - sinceMs)}`, tone: 'text' };
  }
  if (own.stop.outcome !== undefined) return { text: 'stopped', tone: 'soft' };
  if (own.ready.outcome === 'done') return { text: '✓ up', tone: 'good' };
  if (own.migrate.outcome === 'done') return { text: 'migrated', tone: 'soft' };
  return { text: own.migrate.outcome === 'upToDate' ? 'up to date' : '', tone: 'soft' };
}

function describeWait({ kind, forMs, plugins = [] }: Wait): string {
  const isForPlugins = kind === 'dependency' && plugins.length > 0;
  const what = isForPlugins ? ` for ${joinNames(shorten(plugins, 1))}` : `: ${kind}`;
  return `waits ${formatDuration(forMs)}${what}`;
}

function findLost({ steps: own }: PluginRecord): Step | undefined {
  return steps.find((step) => {
    const { outcome } = own[step];
    return outcome !== undefined && !isSuccess(outcome);
  });
}

function describeLoss({ steps: own }: PluginRecord, step: Step): Status {
  const { outcome, because } = own[step];
  if (outcome === 'failed') return { text: `✕ ${step} failed`, tone: 'bad' };
  if (outcome === 'timeout') return { text: `✕ ${step} timed out`, tone: 'bad' };
  return { text: `${notDone[step]}${because === undefined ? '' : `: ${because}`}`, tone: 'soft' };
}
