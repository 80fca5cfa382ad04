import { createActor, type ActorLogic, type AnyActorRef, type Snapshot } from 'xstate';
import { isSuccess, type GraphNode } from '../../src/core/schedule.ts';
import type { Outcome } from '../../src/core/steps.ts';
import type * as Machines from '../../machines/index.ts';
import { law } from './phase-laws.ts';

/** One thing that the world does: it starts or stops the boot, or ends a task. */
export type Deed = 'START' | 'STOP' | readonly [child: string, status: string];

type ProvideMachines = Pick<typeof Machines, 'provideMachines'>;

type PuppetEvent =
  | { readonly type: 'END'; readonly output: unknown }
  | { readonly type: 'CANCEL' | 'WIND_DOWN' };

/**
 * A real boot, all machines nested and running, whose tasks are puppets that end when they are told. Watches the laws that
 * no single machine can keep alone.
 */
export class WholeBoot {
  readonly #nodes: readonly GraphNode[];
  readonly #live = new Map<string, AnyActorRef>();
  /** Who was told to end. */
  readonly #asked = new Set<string>();
  readonly #settled = new Map<string, Outcome>();
  readonly #phases: string[] = [];
  readonly #inits: string[] = [];
  readonly #stops: string[] = [];
  readonly #actor: AnyActorRef;
  /** Like a real task, a puppet begins only when the machines have said all they had to say. */
  #beginning: AnyActorRef[] = [];
  #isStopping = false;
  #isSorted = false;
  #isFlushed = false;
  #broken: unknown;

  constructor({ provideMachines }: ProvideMachines, nodes: readonly GraphNode[]) {
    this.#nodes = nodes;
    const puppet = this.#puppet() as never;
    const tasks = {
      discover: puppet,
      sort: puppet,
      survey: puppet,
      migrate: puppet,
      wait: puppet,
      flush: puppet,
      register: puppet,
      init: puppet,
      ready: puppet,
      stop: puppet,
    };
    const machine = provideMachines(tasks, (news) => this.#attempt(() => this.#hear(news)));
    this.#actor = createActor(machine, { input: { migrateWidth: 2, initWidth: 2 } });
    this.#actor.subscribe({ error: (error) => (this.#broken ??= error) });
    this.#actor.start();
  }

  do(deed: Deed): void {
    if (deed === 'STOP') this.#isStopping = true;
    if (deed === 'START') this.#actor.send({ type: 'START', until: 'ready' });
    else if (deed === 'STOP') this.#actor.send({ type: 'STOP', reason: 'SIGTERM' });
    else this.#end(...deed);
    for (const child of this.#beginning) this.#begin(child.id, child);
    this.#beginning = [];
    if (this.#broken !== undefined) throw this.#broken;
    if (this.isOver) this.#checkEnd();
  }

  get isOver(): boolean {
    return this.#actor.getSnapshot().status !== 'active';
  }

  /** What may happen next. */
  deeds(): readonly Deed[] {
    if (this.isOver) return [];
    const ends = [...this.#live.keys()].flatMap((child) =>
      this.#endingsOf(child).map((status) => [child, status] as const),
    );
    const value = this.#actor.getSnapshot().value;
    return [
      ...(value === 'idle' ? (['START'] as const) : []),
      ...(this.#isStopping ? [] : (['STOP'] as const)),
      ...ends,
    ];
  }

  /** What tells two boots apart; texts and errors decide nothing. */
  view(): string {
    return JSON.stringify(
      [
        [...this.#live.keys()].toSorted(),
        [...this.#asked].toSorted(),
        [...this.#settled].toSorted(([a], [b]) => (a < b ? -1 : 1)),
        this.#phases,
        this.#stops.toSorted(),
        this.#isStopping,
        this.#actor.getPersistedSnapshot(),
      ],
      (key, value: unknown) => (ignored.has(key) ? undefined : value),
    );
  }

  #end(child: string, status: string): void {
    this.#isSorted ||= child === 'sort' && status === 'done';
    this.#isFlushed ||= child === 'flush' && status === 'done';
    const output = {
      status,
      ...(status === 'failed' && { error: 'broken' }),
      ...(child === 'sort' && { nodes: this.#nodes }),
      ...(child === 'survey' && { upToDate: [] }),
    };
    this.#live.get(child)?.send({ type: 'END', output });
  }

  #begin(child: string, self: AnyActorRef): void {
    const [task = '', plugin = ''] = child.split('.');
    law(!this.#live.has(child), `begins ${child} twice`);
    const mayComeLate = task === 'stop' || task === 'flush';
    law(!this.#isStopping || mayComeLate, `begins ${child} after STOP`);
    if (task === 'init' || task === 'ready') {
      const before = this.#alive(['survey', 'migrate', 'wait', 'flush', 'register']);
      law(before.length === 0, `begins ${child} while ${before.join()} is alive`);
      law(this.#isFlushed, `begins ${child} before what was migrated is on the disk`);
      for (const { id, required } of this.#nodes) {
        const outcome = this.#settled.get(`migrate.${id}`);
        law(outcome !== undefined, `begins ${child} before ${id} was migrated`);
        law(!required || isSuccess(outcome), `begins ${child} though ${id} was not migrated`);
      }
    }
    if (task === 'init') this.#inits.push(plugin);
    if (task === 'stop') this.#checkStop(plugin);
    this.#live.set(child, self);
  }

  #checkStop(plugin: string): void {
    const others = [...this.#live.keys()].filter((child) => !child.startsWith('stop.'));
    law(others.length === 0, `stops ${plugin} while ${others.join()} is alive`);
    law(this.#inits.includes(plugin), `stops ${plugin}, which never began`);
    this.#stops.push(plugin);
    const index = this.#nodes.findIndex(({ id }) => id === plugin);
    for (const { id, needs, after } of this.#nodes) {
      if (![...needs, ...after].includes(index)) continue;
      law(this.#settled.has(`stop.${id}`), `stops ${plugin} while ${id} is up`);
    }
  }

  #hear(news: Machines.MachineNews): void {
    if (news.type === 'phase.started' || news.type === 'phase.finished') {
      const open = this.#phases.at(-1);
      const told = `${news.type} ${news.phase}`;
      if (news.type === 'phase.finished') {
        law(open === `phase.started ${news.phase}`, `tells ${told} after ${open}`);
      } else law(!open?.startsWith('phase.started'), `tells ${told} within ${open}`);
      law(!this.#phases.includes(told), `tells ${told} twice`);
      this.#phases.push(told);
      return;
    }
    const key = `${news.type.split('.')[1]}.${news.plugin}`;
    law(!this.#settled.has(key), `settles ${key} twice`);
    this.#settled.set(key, news.outcome);
  }

  #checkEnd(): void {
    law(this.#live.size === 0, `ends while ${[...this.#live.keys()].join()} is alive`);
    const open = this.#phases.at(-1);
    law(!open?.startsWith('phase.started'), `ends within ${open}`);
    if (!this.#isSorted) return;
    for (const { id, required } of this.#nodes) {
      for (const step of ['migrate', 'init', 'ready', 'stop']) {
        law(this.#settled.has(`${step}.${id}`), `ends without settling ${step}.${id}`);
      }
      const outcome = this.#settled.get(`init.${id}`);
      const mustStop = outcome === 'done' || (required && this.#inits.includes(id));
      law(!mustStop || this.#stops.includes(id), `ends without stopping ${id}`);
    }
  }

  #endingsOf(child: string): readonly string[] {
    const endings = ['done', 'failed'];
    if (child.startsWith('migrate.')) endings.push('locked');
    if (this.#asked.has(child)) endings.push('canceled');
    return endings;
  }

  #alive(tasks: readonly string[]): readonly string[] {
    return [...this.#live.keys()].filter((child) => tasks.includes(child.split('.')[0] ?? ''));
  }

  /** A law that breaks inside an actor must not be mistaken for a defect of the machines. */
  #attempt(watch: () => void): void {
    try {
      watch();
    } catch (error) {
      this.#broken ??= error;
    }
  }

  #puppet(): ActorLogic<Snapshot<unknown>, PuppetEvent, unknown> {
    return {
      getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined }),
      getPersistedSnapshot: (snapshot) => snapshot,
      start: (_, { self }) => void this.#beginning.push(self),
      transition: (snapshot, event, { self }) => {
        if (event.type !== 'END') {
          this.#asked.add(self.id);
          return snapshot;
        }
        this.#live.delete(self.id);
        this.#asked.delete(self.id);
        return { status: 'done', output: event.output, error: undefined };
      },
    };
  }
}

const ignored = new Set([
  'attempts',
  'slot',
  'because',
  'error',
  'failures',
  'losses',
  'reason',
  'nodes',
  'dependents',
  'followers',
  'presets',
]);

/** Walks over all that can happen in a boot. A boot cannot be copied, so that every fork replays the way to it. */
export function exploreBoots(machines: ProvideMachines, nodes: readonly GraphNode[]): number {
  const seen = new Set<string>();
  const forks: (readonly Deed[])[] = [[]];
  for (let fork = forks.pop(); fork; fork = forks.pop()) {
    const boot = new WholeBoot(machines, nodes);
    const way: Deed[] = [];
    const go = (deed: Deed): void => {
      way.push(deed);
      explain(way, () => boot.do(deed));
    };
    fork.forEach(go);
    for (let key = boot.view(); !seen.has(key); key = boot.view()) {
      seen.add(key);
      const [next, ...others] = boot.deeds();
      for (const other of others) forks.push([...way, other]);
      if (next) go(next);
    }
  }
  return seen.size;
}

function explain(way: readonly Deed[], act: () => void): void {
  try {
    act();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`${text}\n  after ${way.map(String).join(' → ')}`, { cause: error });
  }
}
