import type { GraphEdge } from './events.ts';
import type { BootReport } from './report.ts';
import type { Step } from './steps.ts';

/** When a step ran, in ms from the start of the boot. */
export interface StepTime {
  readonly plugin: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** The steps of a launch that wait for each other: each begins when the one before it has ended for every plugin. */
const barriers = ['migrate', 'init', 'ready'] as const satisfies readonly Step[];

/**
 * Finds the chain of steps that decided how long the boot took: in every step the plugin that ended last, before it its
 * predecessor that ended last, and so on.
 */
export function findCriticalPath(
  edges: readonly GraphEdge[],
  times: Readonly<Record<(typeof barriers)[number], readonly StepTime[]>>,
): BootReport['criticalPath'] {
  const predecessors = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const known = predecessors.get(to);
    if (known) known.push(from);
    else predecessors.set(to, [from]);
  }
  return barriers.flatMap((step) =>
    traceChain(times[step], predecessors).map((time) => ({ ...time, step })),
  );
}

function traceChain(
  times: readonly StepTime[],
  predecessors: ReadonlyMap<string, readonly string[]>,
): readonly StepTime[] {
  const byPlugin = new Map(times.map((time) => [time.plugin, time]));
  const chain: StepTime[] = [];
  for (let current = lastToEnd(times); current;) {
    chain.push(current);
    const before = predecessors.get(current.plugin) ?? [];
    current = lastToEnd(before.flatMap((id) => byPlugin.get(id) ?? []));
  }
  return chain.toReversed();
}

function lastToEnd(times: readonly StepTime[]): StepTime | undefined {
  let last: StepTime | undefined;
  for (const time of times) {
    if (!last || computeEnd(time) > computeEnd(last)) last = time;
  }
  return last;
}

const computeEnd = (time: StepTime): number => time.startedAtMs + time.durationMs;
