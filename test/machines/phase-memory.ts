import { isSuccess, type GraphNode } from '../../src/core/schedule.ts';
import { steps, type Outcome, type Step } from '../../src/core/steps.ts';
import type { StepNews } from '../../machines/index.ts';
import type { Edge } from './explore.ts';
import { sentIn, slotIn, type Ended } from './edge-reading.ts';

/** A phase as the laws see it. */
export interface PhaseRules {
  readonly nodes: readonly GraphNode[];
  readonly steps: readonly Step[];
  readonly width: number;
  /** What must have settled before this one may begin; what it needs must also have succeeded. */
  readonly before: (node: GraphNode) => {
    readonly settled: readonly string[];
    readonly succeeded: readonly string[];
  };
  /** Plugins that take no part, with the outcome they settle with. */
  readonly presets: ReadonlyMap<string, Outcome>;
  /** Whether losing a required plugin ends the phase. */
  readonly hasFatal: boolean;
}

/** What an observer of a phase remembers: only what went in and out of the machine. */
export interface PhaseMemory {
  /** Ids of the children alive, sorted. */
  readonly live: readonly string[];
  /** The slots of those that have one. */
  readonly slots: Readonly<Record<string, number>>;
  /** What they were asked. */
  readonly asked: Readonly<Record<string, string>>;
  /** Outcomes that were told, by `step.plugin`. */
  readonly settled: Readonly<Record<string, Outcome>>;
  /** Tasks that began and did not give their turn back. */
  readonly ran: readonly string[];
  readonly stopSent: boolean;
  /** Why nothing may begin any more. */
  readonly down: 'stop' | 'loss' | null;
  readonly hasFailure: boolean;
  /** Optional plugins whose init failed while the boot went on. */
  readonly cleaned: readonly string[];
  /** The outcome of the flush. */
  readonly flush: string | null;
}

export const noMemory: PhaseMemory = {
  live: [],
  slots: {},
  asked: {},
  settled: {},
  ran: [],
  stopSent: false,
  down: null,
  hasFailure: false,
  cleaned: [],
  flush: null,
};

/** What one transition has brought. */
export interface Happening {
  readonly news: readonly StepNews[];
  readonly begun: readonly string[];
  readonly ended: Ended | null;
}

export function remember(
  rules: PhaseRules,
  memory: PhaseMemory,
  edge: Edge,
  { news, begun, ended }: Happening,
): PhaseMemory {
  const { event, effects } = edge;
  const settled = { ...memory.settled };
  for (const told of news) settled[keyOf(told)] = told.outcome;

  const asked = { ...memory.asked };
  const slots = { ...memory.slots };
  if (ended) {
    delete asked[ended.child];
    delete slots[ended.child];
  }
  for (const child of begun.filter(isStep)) slots[child] = slotIn(effects, child);
  for (const { to, event: sent } of sentIn(edge)) {
    if (asked[to] !== 'CANCEL') asked[to] = sent.type;
  }

  const stopSent = memory.stopSent || event.type === 'STOP';
  const down = memory.down ?? (event.type === 'STOP' ? 'stop' : causeIn(rules, news, ended));
  const gaveBack = ended?.status === 'locked' ? ended.child : null;
  // The first cause is never masked.
  const isMasked = ended?.task === 'flush' && memory.down !== null;
  const isCleaned =
    down === null &&
    ended?.task === 'init' &&
    (ended.status === 'failed' || ended.status === 'timeout');
  return {
    live: [...memory.live.filter((child) => child !== ended?.child), ...begun].toSorted(),
    slots,
    asked: sorted(asked),
    settled: sorted(settled),
    ran: [...memory.ran, ...begun.filter(isStep)].filter((child) => child !== gaveBack).toSorted(),
    stopSent,
    down,
    hasFailure:
      memory.hasFailure ||
      (!isMasked && (ended?.status === 'failed' || ended?.status === 'timeout')),
    cleaned: isCleaned ? [...memory.cleaned, ended.plugin].toSorted() : memory.cleaned,
    flush: ended?.task === 'flush' ? ended.status : memory.flush,
  };
}

function causeIn(
  rules: PhaseRules,
  news: readonly StepNews[],
  ended: Ended | null,
): PhaseMemory['down'] {
  if (ended?.task === 'survey' || ended?.task === 'flush') {
    if (ended.status === 'failed') return 'loss';
    if (ended.status === 'canceled') return 'stop';
  }
  const isRequired = (id: string): boolean => rules.nodes.some((n) => n.id === id && n.required);
  const isLost = news.some((told) => !isSuccess(told.outcome) && isRequired(told.plugin));
  return rules.hasFatal && isLost ? 'loss' : null;
}

export function isStep(child: string): boolean {
  return steps.some((step) => child.startsWith(`${step}.`));
}

/** One order of keys, so that equal memories look equal. */
function sorted<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function keyOf({ type, plugin }: StepNews): string {
  return `${type.split('.')[1]}.${plugin}`;
}
