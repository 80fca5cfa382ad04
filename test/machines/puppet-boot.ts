import { createActor, type ActorLogic, type AnyActorRef, type Snapshot } from 'xstate';
import type * as Machines from '../../machines/index.ts';
import { BootWatch } from './boot-watch.ts';
import { toNodes } from './changing-plugins.ts';
import type { LaunchPlan, TaskName } from './launch-plan.ts';

/**
 * One thing that the world does, in words: `START`, `STOP`, `ADD 2`, `REMOVE a`, `REMOVE a and users`, `survey done`,
 * `init.a failed`.
 */
export type Deed = string;

export type ProvideMachines = Pick<typeof Machines, 'provideMachines'>;

type PuppetEvent =
  | { readonly type: 'END'; readonly status: string; readonly output: unknown }
  | { readonly type: 'CANCEL' | 'WIND_DOWN' };

interface Puppet {
  readonly self: AnyActorRef;
  isAsked: boolean;
}

/** The machines with puppets for tasks. They are provided once for many boots, of which one runs at a time. */
export class PuppetStage {
  readonly machine: typeof Machines.bootMachine;
  boot: PuppetBoot | null = null;

  constructor({ provideMachines }: ProvideMachines) {
    const puppet = this.#createPuppet() as never;
    const tasks: Machines.Tasks = {
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
    this.machine = provideMachines(tasks, (news) => this.boot?.hear(news));
  }

  #createPuppet(): ActorLogic<Snapshot<unknown> & { slot: number }, PuppetEvent, unknown> {
    const rest = { output: undefined, error: undefined, slot: 0 };
    return {
      getInitialSnapshot: (_, input) => {
        const { slot = 0 } = (input ?? {}) as { readonly slot?: number };
        return { ...rest, status: 'active', slot };
      },
      getPersistedSnapshot: (snapshot) => snapshot,
      start: ({ slot }, { self }) => this.boot?.announce(self, slot),
      transition: (snapshot, event, { self }) => {
        if (event.type !== 'END') {
          this.boot?.cancel(self);
          return snapshot;
        }
        const { status, output } = event;
        if (status === 'defect') return { ...rest, status: 'error', error: `${self.id} is broken` };
        return { ...rest, status: 'done', output };
      },
    };
  }
}

/** A real boot, all machines nested and running, whose tasks are puppets that end when they are told, under a watch. */
export class PuppetBoot {
  readonly watch: BootWatch;
  readonly #live = new Map<string, Puppet>();
  readonly #actor: AnyActorRef;
  /** Like a real task, a puppet begins only when the machines have said all they had to say. */
  #beginning: { readonly self: AnyActorRef; readonly slot: number }[] = [];
  /** Puppets that were asked to end before they have begun. */
  readonly #askedEarly = new Set<AnyActorRef>();
  #removals = 0;
  #broken: unknown;

  constructor(stage: PuppetStage, plans: (launch: number) => LaunchPlan) {
    this.watch = new BootWatch(plans);
    stage.boot = this;
    const { migrate, init } = plans(1).widths;
    const input = { migrateWidth: migrate, initWidth: init };
    this.#actor = createActor(stage.machine, { input });
    this.#actor.subscribe({ error: (error) => (this.#broken ??= error) });
    this.#actor.start();
  }

  do(deed: Deed): void {
    const [what = '', which = '', withUsers] = deed.split(' ');
    switch (what) {
      case 'START':
        this.watch.start();
        this.#actor.send({ type: 'START', until: 'ready' });
        break;
      case 'STOP':
        this.watch.stop('SIGTERM');
        this.#actor.send({ type: 'STOP', reason: 'SIGTERM' });
        break;
      case 'ADD':
        this.#ask({ type: 'ADD', launch: Number(which) });
        break;
      case 'REMOVE':
        this.#removals += 1;
        this.#ask({
          type: 'REMOVE',
          removal: this.#removals,
          plugin: which,
          withDependents: withUsers !== undefined,
        });
        break;
      default:
        this.#end(what, which);
    }
    this.#beginAll();
    if (this.#broken !== undefined) throw this.#broken;
    const { status, value, output } = this.#actor.getSnapshot();
    if (status === 'active') this.watch.look(value);
    else this.watch.over(output);
  }

  get isOver(): boolean {
    return this.#actor.getSnapshot().status !== 'active';
  }

  /** The tasks that are alive. */
  get live(): readonly string[] {
    return [...this.#live.keys()];
  }

  /** How a task may end now; the good end comes first. */
  endsOf(child: string): readonly string[] {
    const ends = ['failed'];
    if (child !== 'sort' || this.watch.canSort) ends.unshift('done');
    if (child.startsWith('migrate.')) ends.push('locked');
    if (this.#live.get(child)?.isAsked) ends.push('canceled');
    return ends;
  }

  /** As {@link endsOf}, with the ends that the machines take for a failure. */
  allEndsOf(child: string): readonly string[] {
    const mayTakeLong = /^(init|ready|stop)\./.test(child);
    return [...this.endsOf(child), ...(mayTakeLong ? ['timeout'] : []), 'defect'];
  }

  /** What tells two boots apart; texts and errors decide nothing. */
  view(): string {
    const asked = [...this.#live].flatMap(([child, { isAsked }]) => (isAsked ? [child] : []));
    return JSON.stringify(
      [this.watch.view, asked.toSorted(), this.#actor.getPersistedSnapshot()],
      (key, value: unknown) => (ignored.has(key) ? undefined : value),
    );
  }

  hear(news: Machines.MachineNews): void {
    this.#attempt(() => this.watch.hear(news));
  }

  announce(self: AnyActorRef, slot: number): void {
    this.#beginning.push({ self, slot });
  }

  cancel(self: AnyActorRef): void {
    this.watch.askToEnd(readName(self.id));
    const puppet = this.#live.get(self.id);
    if (puppet?.self === self) puppet.isAsked = true;
    else this.#askedEarly.add(self);
  }

  #ask(change: Machines.Change): void {
    this.watch.ask(change);
    this.#actor.send(change);
  }

  #end(child: string, status: string): void {
    const { watch } = this;
    const output = {
      status,
      ...(status !== 'done' && { error: `${child} is broken` }),
      ...(child === 'sort' &&
        status === 'done' && {
          nodes: toNodes(watch.adding),
          allNodes: toNodes([...watch.up.plugins, ...watch.adding]),
        }),
      ...(child === 'survey' && { upToDate: watch.upToDate }),
    };
    const puppet = this.#live.get(child);
    if (!puppet) throw new Error(`${child} is not alive`);
    this.#live.delete(child);
    watch.end(readName(child), status);
    puppet.self.send({ type: 'END', status, output });
  }

  #beginAll(): void {
    const beginning = this.#beginning;
    this.#beginning = [];
    for (const { self, slot } of beginning) {
      this.#attempt(() => this.watch.begin(readName(self.id), slot));
      this.#live.set(self.id, { self, isAsked: this.#askedEarly.delete(self) });
    }
  }

  /** A law that breaks inside an actor must not be mistaken for a defect of the machines. */
  #attempt(watch: () => void): void {
    try {
      watch();
    } catch (error) {
      this.#broken ??= error;
    }
  }
}

function readName(child: string): TaskName {
  const [task = '', plugin = ''] = child.split('.');
  return { task, plugin };
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
  'allNodes',
  'dependents',
  'followers',
  'presets',
  'updatedSnapshot',
]);

/** Adds to a broken law the way that led to it. */
export function explain(way: readonly Deed[], act: () => void): void {
  try {
    act();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`${text}\n  after ${way.join(' → ')}`, { cause: error });
  }
}
