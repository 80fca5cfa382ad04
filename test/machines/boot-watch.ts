import type { BootOutput, Change, MachineNews, PhaseNews } from '../../machines/index.ts';
import { ChangesWatch, WatchedBoot } from './changes-watch.ts';
import type { NamedPlugin, Up } from './changing-plugins.ts';
import { law, nameNews } from './edge-reading.ts';
import { nameTask, type LaunchPlan, type TaskName } from './launch-plan.ts';
import { LaunchWatch } from './launch-watch.ts';
import { StopWatch } from './stop-watch.ts';

/**
 * Watches a whole boot from outside, by its graph, its tasks and its news alone, and throws at the first law that is broken. It
 * knows nothing of the machines.
 */
export class BootWatch {
  readonly #plans: (launch: number) => LaunchPlan;
  readonly #now = new WatchedBoot();
  readonly #changes: ChangesWatch;
  readonly #live = new Set<string>();
  /** The tasks that were asked to end. */
  readonly #asked = new Set<string>();
  /** The tasks that were alive when STOP came. */
  readonly #atStop = new Set<string>();
  #stage: 'idle' | 'launching' | 'ready' | 'stopping' | 'stopped' = 'idle';

  constructor(plans: (launch: number) => LaunchPlan) {
    this.#plans = plans;
    this.#changes = new ChangesWatch(this.#now, plans);
  }

  get up(): Up {
    return this.#now.up;
  }

  get isReady(): boolean {
    return this.#stage === 'ready';
  }

  get isLaunching(): boolean {
    return this.#stage === 'launching';
  }

  /** Whether the plugins of the launch that runs fit to those that are up. */
  get canSort(): boolean {
    const added = this.#now.launch?.plan.plugins ?? [];
    const isUp = (id: string): boolean => this.#now.up.started.includes(id);
    const isAdded = (id: string): boolean => added.some((other) => other.id === id);
    const isThere = (id: string): boolean => this.#now.up.plugins.some((other) => other.id === id);
    return added.every(
      ({ id, needs }) => !isThere(id) && needs.every((other) => isUp(other) || isAdded(other)),
    );
  }

  get adding(): readonly NamedPlugin[] {
    return this.#now.launch?.plan.plugins ?? [];
  }

  get upToDate(): readonly string[] {
    return this.#now.launch?.plan.upToDate ?? [];
  }

  /** What decides the future of a boot. */
  get view(): unknown {
    const launch = this.#now.launch;
    return [
      [...this.#live].toSorted(),
      launch && [
        [...launch.settled].map(String).toSorted(),
        launch.cause,
        launch.started,
        launch.outcome,
      ],
      [this.#now.up, this.#stage, this.#now.reason],
      [this.#changes.pending, this.#changes.isUndone, this.#changes.removal],
      this.#now.stops?.hasFailed,
    ];
  }

  start(): void {
    if (this.#stage !== 'idle') return;
    this.#stage = 'launching';
    this.#now.launch = new LaunchWatch(this.#plans(1));
  }

  stop(reason: string): void {
    if (this.#stage === 'stopping' || this.#stage === 'stopped') return;
    this.#now.reason ??= reason;
    for (const name of this.#live) this.#atStop.add(name);
    if (!this.#now.stops) this.#now.launch?.stop();
  }

  askToEnd(name: TaskName): void {
    this.#asked.add(nameTask(name));
  }

  /** A change counts only while the boot is up. */
  ask(change: Change): void {
    if (this.#stage === 'ready') this.#changes.pending.push(change);
  }

  begin({ task, plugin }: TaskName, slot: number): void {
    const name = nameTask({ task, plugin });
    law(!this.#live.has(name), `begins ${name} twice`);
    this.#live.add(name);
    if (task === 'stop') {
      const others = [...this.#live].filter((other) => !other.startsWith('stop.'));
      law(others.length === 0, `stops ${plugin} while ${others.join()} is alive`);
      law(this.#now.stops !== null, `stops ${plugin} though nobody asked`);
      this.#now.stops.begin(plugin);
      return;
    }
    law(this.#now.launch !== null && !this.#now.stops, `begins ${name} outside of a launch`);
    law(this.#now.reason === null || task === 'flush', `begins ${name} after STOP`);
    if (task === 'migrate' || task === 'init' || task === 'ready') {
      const needs = this.adding.find(({ id }) => id === plugin)?.needs ?? [];
      const isHere = (id: string): boolean => this.adding.some((other) => other.id === id);
      for (const id of needs) {
        law(isHere(id) || this.#now.up.started.includes(id), `begins ${name}, but ${id} is not up`);
      }
    }
    this.#now.launch.begin({ task, plugin }, slot);
  }

  end({ task, plugin }: TaskName, status: string): void {
    const name = nameTask({ task, plugin });
    for (const names of [this.#live, this.#asked, this.#atStop]) names.delete(name);
    if (task === 'stop') this.#now.stops?.end(plugin, status);
    else this.#now.launch?.end({ task, plugin }, status);
  }

  hear(news: MachineNews): void {
    switch (news.type) {
      case 'phase.started':
      case 'phase.finished':
        this.#hearPhase(news);
        break;
      case 'launch.started':
      case 'launch.finished':
      case 'removal.started':
      case 'removal.finished':
        this.#changes.hear(news, this.#live.size > 0);
        break;
      case 'plugin.stop.finished':
        law(this.#now.stops !== null, `tells ${nameNews(news)} though nothing is stopped`);
        this.#now.stops.hear(news.plugin, news.outcome);
        break;
      default:
        law(
          this.#now.launch !== null && !this.#now.stops,
          `tells ${nameNews(news)} outside of a launch`,
        );
        this.#now.launch.hearStep(news);
    }
  }

  /** After everything that one deed has led to. */
  look(state: unknown): void {
    if (!this.#now.stops) this.#now.launch?.look();
    if (!this.#now.stops && this.#now.launch?.cause) this.#checkAsked();
    if (this.#stage === 'launching' && state === 'ready') this.#becomeReady();
    const isUp = state === 'ready';
    law(isUp === this.isReady, `the boot is ${String(state)}, and ${this.#stage} is expected`);
    const isAtRest = this.#live.size === 0;
    if (this.#stage === 'launching' || this.#stage === 'stopping')
      law(!isAtRest, 'waits for nobody');
    if (this.#stage !== 'ready' || !isAtRest) return;
    law(this.#changes.pending.length === 0, `forgets ${this.#changes.pending.length} changes`);
    law(this.#now.reason === null, 'stays up after STOP');
    law(this.#now.launch === null && this.#now.stops === null, 'a change came to no end');
  }

  over(output: BootOutput): void {
    law(this.#live.size === 0, `ends while ${[...this.#live].join()} is alive`);
    law(this.#changes.pending.length === 0, 'ends with changes that are pending');
    const [first] = this.#now.over;
    const hasBegun = first !== undefined;
    law(hasBegun ? this.#stage === 'stopped' : this.#stage === 'idle', `ends ${this.#stage}`);
    law(output.defect === undefined, `has a defect: ${String(output.defect)}`);
    law(
      output.reason === this.#now.reason,
      `gives ${output.reason} as reason, not ${this.#now.reason}`,
    );
    const hasFailed = first?.outcome === 'failed';
    law(output.outcome === (hasFailed ? 'failed' : 'stopped'), `says ${output.outcome}`);
    law((output.launch !== null) === hasBegun, 'has a launch that never began');
    const end = first?.outcome;
    law(output.launch?.outcome === end, `the launch was ${output.launch?.outcome}, not ${end}`);
    const failures = this.#now.stops?.failures ?? 0;
    law(output.stopFailures.length === failures, `${output.stopFailures.length} stops failed`);
  }

  /** Whatever is alive after the end was decided knows of it; a flush goes on unless STOP came meanwhile. */
  #checkAsked(): void {
    for (const name of this.#live) {
      const mayGoOn = name === 'flush' && !this.#atStop.has(name);
      law(mayGoOn || this.#asked.has(name), `${name} was not asked to end`);
    }
  }

  #becomeReady(): void {
    law(this.#now.reason === null, 'ready after STOP');
    law(this.#now.launch?.outcome === 'launched', `ready after ${this.#now.launch?.outcome}`);
    this.#now.endLaunch(true);
    this.#stage = 'ready';
  }

  #hearPhase(news: PhaseNews): void {
    const { phase, launch = 1 } = news;
    const outcome = news.type === 'phase.finished' ? news.outcome : undefined;
    if (phase !== 'stopAll') {
      law(launch === this.#now.launch?.plan.launch, `tells ${nameNews(news)} outside of it`);
      const error = news.type === 'phase.finished' ? news.error : undefined;
      this.#now.launch.hearPhase(phase, outcome, error);
      return;
    }
    if (outcome !== undefined) {
      law(this.#now.stops !== null && !this.#changes.removal, `tells ${nameNews(news)} too early`);
      this.#now.stops.checkEnd();
      const hasFailed = this.#now.stops.hasFailed;
      law(outcome === (hasFailed ? 'failed' : 'done'), `stopAll is told as ${outcome}`);
      if (launch === 1) this.#stage = 'stopped';
      else this.#changes.isUndone = true;
      return;
    }
    law(this.#now.stops === null, `tells ${nameNews(news)} while plugins are stopped`);
    law(this.#live.size === 0, `tells ${nameNews(news)} while tasks are alive`);
    if (launch === 1) this.#goDown();
    else this.#undo(launch);
  }

  #goDown(): void {
    if (this.#stage === 'launching') this.#now.endLaunch(true);
    law(
      this.#now.launch === null && this.#changes.pending.length === 0,
      'goes down during a change',
    );
    const [first] = this.#now.over;
    law(
      this.#now.reason !== null || first?.outcome !== 'launched',
      'goes down though nobody asked',
    );
    this.#stage = 'stopping';
    this.#now.stops = new StopWatch(this.#now.up.plugins, this.#now.up.started);
  }

  #undo(launch: number): void {
    law(launch === this.#now.launch?.plan.launch, `undoes launch ${launch}, which is not at work`);
    this.#now.launch.look();
    const { outcome: end, started, plan, isSorted } = this.#now.launch;
    const isLeft = end !== 'failed' && this.#now.reason !== null;
    law(end !== 'launched' && !isLeft, `undoes a launch that was ${end}`);
    this.#now.stops = new StopWatch(isSorted ? plan.plugins : [], started);
  }
}
