import { isDeepStrictEqual } from 'node:util';
import type { Change, ChangeNews } from '../../machines/index.ts';
import { findRemoved, withoutPlugins, withPlugins, type Up } from './changing-plugins.ts';
import { law, nameNews } from './edge-reading.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { LaunchWatch } from './launch-watch.ts';
import { StopWatch } from './stop-watch.ts';

/** What an observer knows of a boot at one moment. */
export class WatchedBoot {
  up: Up = { plugins: [], started: [] };
  /** The launch that runs. */
  launch: LaunchWatch | null = null;
  /** The launches that have ended. */
  readonly over: LaunchWatch[] = [];
  /** The plugins that are stopped now. */
  stops: StopWatch | null = null;
  /** The reason of the first STOP. */
  reason: string | null = null;

  /** Ends the launch that runs. Joined are the plugins that stay, or are stopped with all others. */
  endLaunch(isJoined: boolean): void {
    const launch = this.launch;
    law(launch !== null, 'there is no launch to end');
    launch.look();
    launch.checkEnd();
    this.over.push(launch);
    this.launch = null;
    if (isJoined && launch.isSorted) {
      this.up = withPlugins(this.up, launch.plan.plugins, launch.started);
    }
  }
}

/** Watches the changes of a boot that is up: each has its turn, and its end. */
export class ChangesWatch {
  /** Asked and not ended yet, in order. */
  readonly pending: Change[] = [];
  /** The plugins that a removal stops now. */
  removal: readonly string[] | null = null;
  /** Whether what a failed launch has started was stopped again. */
  isUndone = false;
  readonly #now: WatchedBoot;
  readonly #plans: (launch: number) => LaunchPlan;

  constructor(now: WatchedBoot, plans: (launch: number) => LaunchPlan) {
    this.#now = now;
    this.#plans = plans;
  }

  /** Hears of a change; `isBusy` while some task is alive. */
  hear(news: ChangeNews, isBusy: boolean): void {
    const [change] = this.pending;
    law(change !== undefined, `tells ${nameNews(news)}, which nobody asked`);
    if ('launch' in news) {
      law(change.type === 'ADD' && change.launch === news.launch, `${nameNews(news)} out of turn`);
    } else {
      law(change.type === 'REMOVE', `${nameNews(news)} out of turn`);
      law(change.removal === news.removal, `${nameNews(news)} out of turn`);
      law(change.plugin === news.plugin, `removes ${news.plugin} in place of ${change.plugin}`);
    }
    if (news.type === 'launch.started' || news.type === 'removal.started') {
      law(!isBusy, `${nameNews(news)} while another change takes place`);
      law(
        this.#now.launch === null && this.#now.stops === null,
        `${nameNews(news)} twice, or within another`,
      );
      law(this.#now.reason === null, `${nameNews(news)} after STOP`);
      if (news.type === 'launch.started')
        this.#now.launch = new LaunchWatch(this.#plans(news.launch));
      else this.#beginRemoval(change, news.plugins);
      return;
    }
    if (news.type === 'launch.finished') this.#finishLaunch(news.outcome);
    else this.#finishRemoval(change, news);
    this.pending.shift();
  }

  #beginRemoval(change: Change, plugins: readonly string[]): void {
    const expected = change.type === 'REMOVE' ? findRemoved(this.#now.up, change) : null;
    law(
      isDeepStrictEqual(plugins, expected),
      `removes ${plugins.join()}, expected ${String(expected)}`,
    );
    this.removal = plugins;
    this.#now.stops = new StopWatch(
      withoutPlugins(
        this.#now.up,
        this.#now.up.plugins.map(({ id }) => id).filter((id) => !plugins.includes(id)),
      ).plugins,
      plugins,
    );
  }

  #finishLaunch(outcome: string): void {
    const launch = this.#now.launch;
    launch?.look();
    if (!launch) {
      law(
        outcome === 'canceled' && this.#now.reason !== null,
        `a launch is ${outcome} before its turn`,
      );
      return;
    }
    const good = launch.isDegraded ? 'degraded' : 'ready';
    const { outcome: end } = launch;
    law(
      outcome === (end === 'launched' ? good : end),
      `a launch is told as ${outcome}, was ${end}`,
    );
    const isLeft = this.#now.reason !== null && !this.#now.stops;
    const mustUndo = end === 'failed' || (end !== 'launched' && !isLeft);
    law(mustUndo === this.isUndone, `a launch that was ${end} is ${mustUndo ? 'not ' : ''}undone`);
    this.#now.endLaunch(!mustUndo);
    this.isUndone = false;
    this.#now.stops = null;
  }

  #finishRemoval(change: Change, news: ChangeNews & { readonly type: 'removal.finished' }): void {
    const removed = this.removal;
    if (!removed) {
      const isRefused = change.type === 'REMOVE' && findRemoved(this.#now.up, change) === null;
      const expected = this.#now.reason === null && isRefused ? 'refused' : 'canceled';
      law(news.outcome === expected, `a removal is ${news.outcome}, not ${expected}`);
      law(
        expected === 'refused' || this.#now.reason !== null,
        'a removal is canceled, but never began',
      );
      law(news.plugins.length === 0, 'a removal that has not begun tells of plugins');
      return;
    }
    this.#now.stops?.checkEnd();
    const expected = this.#now.stops?.hasFailed ? 'failed' : 'done';
    law(news.outcome === expected, `a removal is told as ${news.outcome}, was ${expected}`);
    law(isDeepStrictEqual(news.plugins, removed), `removed ${news.plugins.join()}`);
    this.#now.up = withoutPlugins(this.#now.up, removed);
    this.removal = null;
    this.#now.stops = null;
  }
}
