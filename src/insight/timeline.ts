import type { ChainLink } from '../core/report.ts';
import type { Step, StepState } from '../core/steps.ts';
import type { FileRun, StatementRun } from './file-runs.ts';
import type { PluginRecord } from './plugin-record.ts';
import { listSegments, type Segment } from './segments.ts';
import type { Story } from './story.ts';
import type { Axis, Gap } from './timeline-axis.ts';
import {
  findShownEnd,
  layBootAxis,
  place,
  placeChain,
  placePhases,
  type PhaseBar,
  type Placed,
} from './timeline-frame.ts';

/** A statement of a file on the axis. */
export type StatementBar = Placed &
  Pick<StatementRun, 'statement' | 'statements' | 'line' | 'command'>;

/** An attempt at a migration file on the axis. */
export interface FileBar extends Placed {
  readonly file: string;
  readonly outcome: NonNullable<FileRun['outcome']> | 'running';
  readonly statements: readonly StatementBar[];
}

/** A step of a plugin on the axis: its waits before it began, and its work. */
export interface StepBar extends Placed {
  readonly step: Step;
  readonly state: StepState;
  /** The waits and the work one behind the other, without gaps. */
  readonly segments: readonly (Placed & Segment)[];
  /** The attempts at files in their order; empty but for migrations. */
  readonly files: readonly FileBar[];
}

/** The bars of one plugin. */
export interface Lane {
  readonly plugin: string;
  readonly bars: readonly StepBar[];
}

/** A boot as it can be drawn. */
export interface Timeline {
  /** In ms from the start of the boot; the axis begins at 0. */
  readonly endMs: number;
  /** The stretches in which nothing begins or ends, which are drawn short. */
  readonly gaps: readonly Gap[];
  readonly phases: readonly PhaseBar[];
  /** What decided the time of the boot, without gaps. */
  readonly chain: readonly (Placed & ChainLink)[];
  /** In the order of the graph. */
  readonly lanes: readonly Lane[];
}

/**
 * Lays a boot out on an axis: a lane a plugin with the bars of its steps, files and statements. Long stretches in which
 * nothing begins or ends are drawn short, and have a label with their length.
 *
 * @example for (const { plugin, bars } of timeline(story).lanes) draw(plugin, bars.map(({ from, to }) => [from * width, to * width]));
 */
export function timeline(story: Story): Timeline {
  const { times, record } = story;
  const axis = layBootAxis(story);
  return {
    endMs: findShownEnd(story),
    gaps: axis.gaps,
    phases: placePhases(story, axis),
    chain: placeChain(story, axis),
    lanes: record.plugins.map((plugin) => ({
      plugin: plugin.id,
      bars: record.askedSteps.flatMap((step) => listBars(plugin, step)),
    })),
  };

  function listBars(plugin: PluginRecord, step: Step) {
    const segments = listSegments(times, plugin, step);
    const [first] = segments;
    const last = segments.at(-1);
    if (!first || !last) return [];
    const own = plugin.steps[step];
    const state: StepState = own.outcome ?? (own.spawnedAtMs === undefined ? 'pending' : 'running');
    const files = step === 'migrate' ? own.files.map((file) => toFile(axis, last.endMs, file)) : [];
    const bar = place(axis, { step, state, startMs: first.startMs, endMs: last.endMs });
    return [{ ...bar, segments: segments.map((segment) => place(axis, segment)), files }];
  }
}

function toFile(
  axis: Axis,
  untilMs: number,
  { file, outcome, startMs, endMs = untilMs, statements }: FileRun,
): FileBar {
  return {
    ...place(axis, { file, outcome: outcome ?? 'running', startMs, endMs }),
    statements: statements.map((run) => place(axis, { ...run, endMs: run.endMs ?? endMs })),
  };
}
