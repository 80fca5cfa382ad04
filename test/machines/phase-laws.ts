import type { AnyActorRef, AnyEventObject } from 'xstate';
import { isSuccess, type GraphNode } from '../../src/core/schedule.ts';
import { steps, type Outcome, type Step } from '../../src/core/steps.ts';
import type { MachineNews, StepNews } from '../../machines/index.ts';
import type { Edge } from './explore.ts';

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

export function law(holds: boolean, text: string): asserts holds {
  if (!holds) throw new Error(`Broken law: ${text}`);
}

/** Adds one transition to the memory and checks every law of a phase. */
export function observePhase(rules: PhaseRules, memory: PhaseMemory, edge: Edge): PhaseMemory {
  const news = toldIn(edge).filter((told): told is StepNews => told.type.startsWith('plugin.'));
  const begun = begunIn(edge);
  const ended = endedIn(edge.event);
  const after = remember(rules, memory, edge, { news, begun, ended });

  checkTold(rules, memory, after, news, ended);
  for (const child of begun) checkBegin(rules, memory, after, child, ended);

  // The flush runs whatever the outcome.
  const onlyWhenUp = begun.filter((child) => child !== 'flush');
  law(onlyWhenUp.length === 0 || after.down !== 'stop', `begins ${begun.join()} after STOP`);
  law(
    onlyWhenUp.length === 0 || after.down !== 'loss',
    `begins ${begun.join()} after a required one was lost`,
  );
  const children = Object.keys(edge.to.children).toSorted();
  law(
    JSON.stringify(children) === JSON.stringify(after.live),
    `keeps ${children.join()}, alive are ${after.live.join()}`,
  );
  const working = after.live.filter((child) => !child.startsWith('wait.'));
  law(working.length <= rules.width, `${working.join()} are more than ${rules.width} at once`);
  checkSlots(rules, after);
  checkAsked(after, edge);

  if (edge.to.status === 'done') {
    law(after.live.length === 0, `ends while ${after.live.join()} are alive`);
    const mustFlush = rules.steps.includes('migrate');
    law(!mustFlush || after.flush !== null, 'ends before what was migrated is flushed');
    for (const step of rules.steps) {
      for (const { id } of rules.nodes) {
        law(after.settled[`${step}.${id}`] !== undefined, `ends without settling ${step}.${id}`);
      }
    }
  } else {
    law(after.live.length > 0, 'waits for nobody');
  }
  return after;
}

interface Happening {
  readonly news: readonly StepNews[];
  readonly begun: readonly string[];
  readonly ended: Ended | null;
}

interface Ended {
  readonly child: string;
  readonly task: string;
  readonly plugin: string;
  readonly status: string;
}

function remember(
  rules: PhaseRules,
  memory: PhaseMemory,
  { event, effects }: Edge,
  { news, begun, ended }: Happening,
): PhaseMemory {
  const settled = { ...memory.settled };
  for (const told of news) settled[keyOf(told)] = told.outcome;

  const asked = { ...memory.asked };
  const slots = { ...memory.slots };
  if (ended) {
    delete asked[ended.child];
    delete slots[ended.child];
  }
  for (const child of begun.filter(isStep)) slots[child] = slotIn(effects, child);
  for (const { type, params } of effects) {
    if (type !== 'xstate.sendTo') continue;
    const sent = params as { to: AnyActorRef; event: AnyEventObject };
    if (asked[sent.to.id] !== 'CANCEL') asked[sent.to.id] = sent.event.type;
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

function checkTold(
  rules: PhaseRules,
  memory: PhaseMemory,
  after: PhaseMemory,
  news: readonly StepNews[],
  ended: Ended | null,
): void {
  const keys = news.map(keyOf);
  law(new Set(keys).size === keys.length, `settles one of ${keys.join()} twice`);
  for (const key of keys) law(!(key in memory.settled), `settles ${key} a second time`);

  const own = ended && settlesAs(ended);
  if (own) law(after.settled[own.key] === own.outcome, `${own.key} did not settle ${own.outcome}`);

  for (const told of news) {
    const key = keyOf(told);
    if (key === own?.key) continue;
    law(!after.ran.includes(key), `${key} ran and settles as ${told.outcome}`);
    law(!after.live.includes(`wait.${told.plugin}`), `${key} waits and settles`);
    const node = rules.nodes.find(({ id }) => id === told.plugin);
    law(node !== undefined, `tells of ${told.plugin}, who is not here`);
    if (told.outcome === 'dependency') {
      const step = key.slice(0, key.indexOf('.'));
      const outcomes = rules.before(node).succeeded.map((id) => after.settled[`${step}.${id}`]);
      const hasLost = outcomes.some((outcome) => outcome && !isSuccess(outcome));
      law(hasLost, `${key} is a dependency of nobody lost`);
    } else if (told.outcome !== 'notReached') {
      law(rules.presets.get(told.plugin) === told.outcome, `${key} settles as ${told.outcome}`);
    }
  }
}

function checkBegin(
  rules: PhaseRules,
  memory: PhaseMemory,
  after: PhaseMemory,
  child: string,
  ended: Ended | null,
): void {
  const [task = '', plugin = ''] = child.split('.');
  law(!memory.live.includes(child) || ended?.child === child, `begins ${child} twice`);
  if (task === 'survey') return;
  if (task === 'flush' || task === 'register') {
    law(after.live.length === 1, `begins ${task} beside ${after.live.join()}`);
    const isSettled = rules.nodes.every(({ id }) => `migrate.${id}` in after.settled);
    law(isSettled, `begins ${task} before every plugin settled`);
    law(task === 'flush' || after.flush === 'done', `registers after a flush that ${after.flush}`);
    law(task === 'register' || memory.flush === null, 'flushes twice');
    return;
  }
  if (task === 'wait') {
    law(ended?.child === `migrate.${plugin}`, `${child} begins for no lock`);
    return;
  }
  law(!memory.ran.includes(child), `begins ${child} a second time`);
  law(!(child in after.settled), `begins ${child}, which has settled`);
  law(!after.live.includes('survey'), `begins ${child} before the survey is done`);
  law(!rules.presets.has(plugin), `begins ${child}, who takes no part`);
  const node = rules.nodes.find(({ id }) => id === plugin);
  law(node !== undefined, `begins ${child}, who is not here`);
  const { settled, succeeded } = rules.before(node);
  for (const id of settled) {
    law(`${task}.${id}` in after.settled, `begins ${child} before ${id} settled`);
  }
  for (const id of succeeded) {
    const outcome = after.settled[`${task}.${id}`];
    law(outcome !== undefined && isSuccess(outcome), `begins ${child}, which needs ${id}`);
  }
  const earlier = rules.steps.slice(0, rules.steps.indexOf(task as Step));
  for (const step of earlier) {
    const isAllSettled = rules.nodes.every(({ id }) => `${step}.${id}` in after.settled);
    law(isAllSettled, `begins ${child} before every ${step} settled`);
    law(
      after.settled[`${step}.${plugin}`] === 'done',
      `begins ${child}, whose ${step} is not done`,
    );
  }
}

function checkSlots({ width }: PhaseRules, { live, slots }: PhaseMemory): void {
  const taken = Object.values(slots);
  law(taken.length === live.filter(isStep).length, `${live.join()} have ${taken.length} slots`);
  for (const slot of taken) law(slot >= 1 && slot <= width, `there is no slot ${slot} of ${width}`);
  law(new Set(taken).size === taken.length, `two of ${live.join()} have one slot`);
}

/** Whoever is alive on the way down knows it: after STOP all are canceled, after a loss migrations end in good order. */
function checkAsked({ live, asked, stopSent, down }: PhaseMemory, { event }: Edge): void {
  for (const child of live) {
    if (child === 'flush') {
      // One that began after a STOP goes on: only a STOP meanwhile cancels it.
      if (event.type === 'STOP') law(asked[child] === 'CANCEL', 'the flush was not canceled');
      continue;
    }
    if (stopSent) law(asked[child] === 'CANCEL', `${child} was not canceled after STOP`);
    else if (down) law(asked[child] !== undefined, `${child} was not asked to end after a loss`);
    if (asked[child] === 'WIND_DOWN') law(child.startsWith('migrate.'), `${child} winds down`);
  }
}

export function toldIn({ effects }: Edge): readonly MachineNews[] {
  return effects.flatMap(({ type, params }) => (type === 'tell' ? [params as MachineNews] : []));
}

/** Ids of the children that begin, invoked ones too. */
export function begunIn({ effects }: Edge): readonly string[] {
  return effects.flatMap(({ type, params }) =>
    type === 'xstate.spawnChild' ? [(params as { id: string }).id] : [],
  );
}

/** The slot that a task is given; 0 when it is given none. */
function slotIn(effects: Edge['effects'], child: string): number {
  const spawned = effects.flatMap(({ type, params }) =>
    type === 'xstate.spawnChild' ? [params as { id: string; input?: { slot?: number } }] : [],
  );
  return spawned.find(({ id }) => id === child)?.input?.slot ?? 0;
}

/** What the child that begins is given. */
export function inputIn({ effects }: Edge): unknown {
  const spawned = effects.find(({ type }) => type === 'xstate.spawnChild');
  return (spawned?.params as { readonly input?: unknown } | undefined)?.input;
}

function endedIn(event: AnyEventObject): Ended | null {
  if (!event.type.startsWith('xstate.')) return null;
  const { actorId: child, output } = event as { actorId?: string; output?: { status: string } };
  if (child === undefined) return null;
  const [task = '', plugin = ''] = child.split('.');
  return { child, task, plugin, status: output?.status ?? 'failed' };
}

/** What must be told when this task ends; `null` when its plugin is not through with it. */
function settlesAs({ task, plugin, status }: Ended): { key: string; outcome: string } | null {
  if (['survey', 'flush', 'register'].includes(task) || status === 'locked') return null;
  if (task === 'wait')
    return status === 'failed' ? { key: `migrate.${plugin}`, outcome: status } : null;
  return { key: `${task}.${plugin}`, outcome: status };
}

function isStep(child: string): boolean {
  return steps.some((step) => child.startsWith(`${step}.`));
}

/** One order of keys, so that equal memories look equal. */
function sorted<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function keyOf({ type, plugin }: StepNews): string {
  return `${type.split('.')[1]}.${plugin}`;
}
