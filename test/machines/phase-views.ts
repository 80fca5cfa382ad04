import type { AnyMachineSnapshot } from 'xstate';
import { isSuccess, type GraphNode, type Schedule } from '../../src/core/schedule.ts';
import type { StepRun } from '../../machines/step-run.ts';
import type { PhaseMemory, PhaseRules } from './phase-memory.ts';

/**
 * Left out are texts, errors, and the order of what is only listed: how often a lock was found taken, which plugin failed
 * first, and which task has which slot. None of them decides anything.
 */
export function viewExactly(
  { value, context }: AnyMachineSnapshot,
  { slots, ...seen }: PhaseMemory,
): string {
  const { run, started } = context as { run: StepRun; started?: readonly string[] };
  const { free, again, outcomes, blockers }: Schedule = run.schedule;
  return JSON.stringify([
    value,
    [seen, Object.values(slots).toSorted(ascending)],
    free,
    again,
    outcomes,
    blockers,
    run.live.map(({ index }) => index).toSorted(ascending),
    run.waiting.toSorted(ascending),
    run.halt?.cause,
    run.failures.length > 0,
    started?.toSorted(),
  ]);
}

/**
 * Only what can still happen: the plugins that are open, in their order, with the edges among them. Names and the outcomes of
 * the others are left out, so that a state of one graph is often that of another.
 */
export function viewAhead(
  { nodes, width, presets }: PhaseRules,
  { value, context }: AnyMachineSnapshot,
  memory: PhaseMemory,
): string {
  const { run } = context as { run: StepRun };
  const { schedule, waiting, halt, losses, failures } = run;
  const step = value === 'readying' ? 'ready' : stepOf(value);
  const blockers = schedule.blockers.flat();
  const outcomes = schedule.outcomes.flat();
  const isOpen = ({ id }: GraphNode): boolean => memory.settled[`${step}.${id}`] === undefined;
  const open = nodes.filter(isOpen);
  const rank = (indices: readonly number[]): number[] =>
    indices.map((index) => open.indexOf(nodes[index] as GraphNode)).filter((at) => at >= 0);
  const isRunning = (node: GraphNode): boolean => {
    const index = nodes.indexOf(node);
    return waiting.includes(index) || run.live.some((task) => task.index === index);
  };
  const place = (node: GraphNode): readonly unknown[] => {
    const index = nodes.indexOf(node);
    return [
      ((schedule.free[0] ?? 0) >> index) & 1,
      schedule.again.indexOf(index),
      run.live.some((task) => task.index === index),
      waiting.includes(index),
      outcomes[index] === null,
    ];
  };
  // In a machine that keeps the laws none of those that have settled has a place.
  const misplaced = nodes.filter((node) => !isOpen(node)).map((node) => String(place(node)));
  const whole = [
    value,
    width,
    [memory.down, memory.stopSent, memory.hasFailure, memory.flush],
    [halt?.cause, failures.length > 0],
    losses.some(({ index }) => nodes[index]?.required),
    ['survey', 'flush', 'register'].map((task) => [memory.live.includes(task), memory.asked[task]]),
    [...new Set(misplaced)].toSorted(),
  ];
  const childrenOf = (id: string): readonly unknown[] =>
    [`${step}.${id}`, `wait.${id}`].map((child) => [
      memory.live.includes(child),
      memory.asked[child],
      memory.ran.includes(child),
    ]);
  if (memory.down && halt) {
    // Nothing begins any more: what runs comes to its end, and edges decide nothing.
    const running = open.filter(isRunning);
    const hasRest = running.length < open.length;
    const rows = running.map((node) => String([place(node), childrenOf(node.id)]));
    return JSON.stringify([whole, hasRest, rows.toSorted()]);
  }
  const rows = open.map((node) => {
    const { id, required, needs, after } = node;
    const index = nodes.indexOf(node);
    return [
      required,
      [rank(needs), rank(after), blockers[index]],
      place(node),
      childrenOf(id),
      [presets.get(id), schedule.presets[index]?.outcome],
      isSuccess(memory.settled[`init.${id}`] ?? 'failed'),
    ];
  });
  return JSON.stringify([whole, rows]);
}

/** The step that a state of a phase is about. */
function stepOf(value: unknown): string {
  return value === 'initializing' ? 'init' : value === 'stopping' ? 'stop' : 'migrate';
}

const ascending = (a: number, b: number): number => a - b;
