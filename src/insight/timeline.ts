import type { ChainLink } from '../core/report.ts';
import { steps, type Phase, type PhaseOutcome, type Step, type StepState } from '../core/steps.ts';
import type { FileRun, PluginRecord, StatementRun } from './plugin-record.ts';
import { criticalChain } from './critical-chain.ts';
import { listSegments, type Segment } from './segments.ts';
import type { Story } from './story.ts';
import { layAxis, type Axis, type Gap, type Stretch } from './timeline-axis.ts';

/** A stretch of time with its place on the axis, from 0 to 1. */
export interface Placed {
  readonly startMs: number;
  readonly endMs: number;
  readonly from: number;
  readonly to: number;
}

/** A phase on the axis. */
export interface PhaseBar extends Placed {
  readonly phase: Phase;
  readonly outcome: PhaseOutcome | 'running';
}

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
  const endMs = findEnd(story);
  const lanes = record.plugins.map((plugin) => ({
    plugin: plugin.id,
    bars: steps.flatMap((step) => listBars(plugin, step)),
  }));
  const phases = record.phases.map(({ phase, outcome, startMs, endMs: until = endMs }) => ({
    phase,
    outcome,
    startMs,
    endMs: until,
  }));
  const chain = criticalChain(story);
  const bars = lanes.flatMap((lane) => lane.bars);
  const axis = layAxis(endMs, [
    ...phases,
    ...chain,
    ...bars.flatMap(({ segments, files }) => [
      ...segments,
      ...files.flatMap((file) => [file, ...file.statements]),
    ]),
  ]);
  return {
    endMs,
    gaps: axis.gaps,
    phases: phases.map((phase) => place(axis, phase)),
    chain: chain.map((link) => place(axis, link)),
    lanes: lanes.map((lane) => ({
      ...lane,
      bars: lane.bars.map(({ segments, files, ...bar }) => ({
        ...place(axis, bar),
        segments: segments.map((segment) => place(axis, segment)),
        files: files.map(({ statements, ...file }) => ({
          ...place(axis, file),
          statements: statements.map((statement) => place(axis, statement)),
        })),
      })),
    })),
  };

  function listBars(plugin: PluginRecord, step: Step) {
    const segments = listSegments(times, plugin, step);
    const [first] = segments;
    const last = segments.at(-1);
    if (!first || !last) return [];
    const own = plugin.steps[step];
    const state: StepState = own.outcome ?? (own.spawnedAtMs === undefined ? 'pending' : 'running');
    const files = step === 'migrate' ? own.files.map((file) => toFile(last.endMs, file)) : [];
    return [{ step, state, startMs: first.startMs, endMs: last.endMs, segments, files }];
  }
}

/** The end of the launch; or of the way down, when it has begun. */
function findEnd({ record, nowMs, endMs }: Story): number {
  return record.stopping ? (record.stoppedAtMs ?? nowMs) : endMs;
}

function toFile(
  untilMs: number,
  { file, outcome, startMs, endMs = untilMs, statements }: FileRun,
): Omit<FileBar, keyof Placed | 'statements'> &
  Stretch & {
    readonly statements: readonly (Omit<StatementBar, keyof Placed> & Stretch)[];
  } {
  return {
    file,
    outcome: outcome ?? 'running',
    startMs,
    endMs,
    statements: statements.map((run) => ({ ...run, endMs: run.endMs ?? endMs })),
  };
}

function place<T extends Stretch>(axis: Axis, bar: T): T & Placed {
  return { ...bar, from: axis.place(bar.startMs), to: axis.place(bar.endMs) };
}
