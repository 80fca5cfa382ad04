import { createActor, waitFor, type ActorRefFrom, type SnapshotFrom } from 'xstate';
import {
  fromTask,
  provideMachines,
  type BootOutput,
  type MachineNews,
  type Tasks,
  type bootMachine,
} from '../../machines/index.ts';
import type { GraphNode } from '../../src/core/schedule.ts';
import { nameNews } from './edge-reading.ts';

type Result = { readonly status: string; readonly error?: unknown };
type Boot = ActorRefFrom<typeof bootMachine>;
type BootState = Extract<SnapshotFrom<typeof bootMachine>['value'], string>;

interface Waiting {
  readonly child: string;
  readonly resolve: () => void;
}

/**
 * A boot with real machines and real tasks, whose tasks end when the test says so. Children are called by their ids:
 * `survey`, `init.auth`.
 */
export class Stage {
  /** What began, ended and was told, in order. */
  readonly log: string[] = [];
  readonly boot: Boot;
  readonly #script: (child: string) => Result | undefined;
  readonly #live = new Map<string, { end(result: Result): void; fail(error: unknown): void }>();
  #waiting: Waiting[] = [];

  /** @param script Results of the tasks that end by themselves; the others wait for the test. */
  constructor(
    nodes: readonly GraphNode[],
    script: (child: string) => Result | undefined = () => undefined,
    widths: { readonly migrate?: number; readonly init?: number } = {},
  ) {
    this.#script = script;
    const machine = provideMachines(this.#tasks(nodes), (news) => this.log.push(written(news)));
    this.boot = createActor(machine, {
      input: { migrateWidth: widths.migrate ?? 4, initWidth: widths.init ?? 8 },
    });
    this.boot.start();
  }

  start(until: 'ready' | 'migrated' = 'ready'): void {
    this.boot.send({ type: 'START', until });
  }

  stop(): void {
    this.boot.send({ type: 'STOP', reason: 'SIGTERM' });
  }

  /** Resolves once this task is at work. */
  async begun(child: string): Promise<void> {
    if (this.#live.has(child)) return;
    await new Promise<void>((resolve) => this.#waiting.push({ child, resolve }));
  }

  async end(child: string, status = 'done'): Promise<void> {
    await this.begun(child);
    this.#live.get(child)?.end({ status, ...(status === 'failed' && { error: broken(child) }) });
    await quiet();
  }

  /** Lets a task reject: a defect. */
  async defect(child: string): Promise<void> {
    await this.begun(child);
    this.#live.get(child)?.fail(broken(child));
    await quiet();
  }

  get live(): readonly string[] {
    return [...this.#live.keys()].toSorted();
  }

  async reaches(state: BootState): Promise<void> {
    await waitFor(this.boot, ({ value }) => value === state);
  }

  async output(): Promise<BootOutput> {
    const { output } = await waitFor(this.boot, ({ status }) => status === 'done');
    if (!output) throw new Error('The boot ended without an output');
    return output;
  }

  /** The part of the log that begins like this, without that beginning. */
  logged(beginning: string): readonly string[] {
    return this.log
      .filter((line) => line.startsWith(beginning))
      .map((line) => line.slice(beginning.length));
  }

  #tasks(nodes: readonly GraphNode[]): Tasks {
    const task = (kind: keyof Tasks): never =>
      fromTask<Result, { readonly plugin?: string } | undefined>(({ input, signal, windDown }) =>
        this.#run(input?.plugin ? `${kind}.${input.plugin}` : kind, nodes, signal, windDown),
      ) as never;
    return {
      discover: task('discover'),
      sort: task('sort'),
      survey: task('survey'),
      migrate: task('migrate'),
      wait: task('wait'),
      flush: task('flush'),
      register: task('register'),
      init: task('init'),
      ready: task('ready'),
      stop: task('stop'),
    };
  }

  async #run(
    child: string,
    nodes: readonly GraphNode[],
    signal: AbortSignal,
    windDown: AbortSignal,
  ): Promise<Result> {
    this.log.push(`begin ${child}`);
    signal.addEventListener('abort', () => this.log.push(`cancel ${child}`));
    windDown.addEventListener('abort', () => {
      if (!signal.aborted) this.log.push(`wind down ${child}`);
    });
    try {
      const result = this.#script(child) ?? (await this.#told(child));
      return { nodes, allNodes: nodes, upToDate: [], ...result } as Result;
    } finally {
      this.#live.delete(child);
      this.log.push(`end ${child}`);
    }
  }

  #told(child: string): Promise<Result> {
    return new Promise((end, fail) => {
      this.#live.set(child, { end, fail });
      const isIt = (waiting: Waiting): boolean => waiting.child === child;
      for (const { resolve } of this.#waiting.filter(isIt)) resolve();
      this.#waiting = this.#waiting.filter((waiting) => !isIt(waiting));
    });
  }
}

export function broken(child: string): Error {
  return new Error(`${child} is broken`);
}

/** Resolves when everything that could happen by itself has happened. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A plugin that needs these, by their index. */
export function plugin(id: string, ...needs: readonly number[]): GraphNode {
  return { id, required: true, needs, after: [] };
}

export function optional(node: GraphNode): GraphNode {
  return { ...node, required: false };
}

/** Every task is done at once. */
export function allDone(): Result {
  return { status: 'done' };
}

/** Everything is done at once but these, which wait for the test. */
export function allDoneBut(...held: readonly string[]): (child: string) => Result | undefined {
  return (child) =>
    held.some((name) => child === name || child.startsWith(`${name}.`))
      ? undefined
      : { status: 'done' };
}

function written(news: MachineNews): string {
  switch (news.type) {
    case 'phase.started':
      return `phase ${news.phase}`;
    case 'phase.finished':
      return `phase ${news.phase} ${news.outcome}`;
    case 'launch.started':
    case 'launch.finished':
    case 'removal.started':
    case 'removal.finished':
      return nameNews(news);
    default:
      return `${news.type.split('.')[1]}.${news.plugin} ${news.outcome}${news.because ? `: ${news.because}` : ''}`;
  }
}
