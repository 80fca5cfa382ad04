import { AsyncResource } from 'node:async_hooks';
import { firstLaunch, type Change, type ChangeNews } from '../../machines/index.ts';
import { asBootError, BootError } from '../core/errors.ts';
import { readMessage } from '../core/foreign-value.ts';
import type { Plugin } from '../core/plugin.ts';
import type { RemovalRequest } from '../core/removal.ts';

/** The end of a launch: without an error its plugins are up. */
interface LaunchEnded {
  readonly launch: number;
  readonly error?: BootError;
}

/** A call that waits for the end of its change. */
interface OpenCall {
  /** The async context of the caller, such as that of a trace. */
  readonly context: AsyncResource;
  /** Called at the end, with an error when the change did not take place. */
  readonly end: (error: BootError | undefined) => void;
}

/** The changes of a boot that is up: the plugins that each launch adds, and the calls that wait for the end of a change. */
export class Changes {
  readonly #send: (change: Change) => void;
  readonly #added = new Map<number, readonly Plugin[]>();
  readonly #open = new Map<string, OpenCall>();
  #launches = firstLaunch;
  #removals = 0;

  /** @param send Hands a change to the machine, which takes one after the other. */
  constructor(send: (change: Change) => void) {
    this.#send = send;
  }

  /** Asks for a launch of these plugins. Resolves at its end, with an error when they are not up. */
  async add(plugins: readonly Plugin[]): Promise<LaunchEnded> {
    this.#launches += 1;
    const launch = this.#launches;
    this.#added.set(launch, plugins);
    const error = await this.#ask({ type: 'ADD', launch });
    this.#added.delete(launch);
    return { launch, ...(error && { error }) };
  }

  /**
   * Asks for the stop of a plugin. Returns the number of the removal once it is down.
   *
   * @throws BootError `REMOVAL_REFUSED`, `BOOT_CANCELED`
   */
  async remove(request: RemovalRequest): Promise<number> {
    this.#removals += 1;
    const removal = this.#removals;
    const error = await this.#ask({ type: 'REMOVE', removal, ...request });
    if (error) throw error;
    return removal;
  }

  /** Lists the plugins that a launch adds. */
  listAdded(launch: number): readonly Plugin[] {
    return this.#added.get(launch) ?? [];
  }

  /** Runs what reports the beginning of a change in the async context of the caller that has asked for it. */
  begin(news: Exclude<ChangeNews, { readonly outcome: string }>, report: () => void): void {
    const call = this.#open.get(nameChange(news));
    if (call) call.context.runInAsyncScope(report);
    else report();
  }

  /** Settles a change that has ended. */
  settle(news: Extract<ChangeNews, { readonly outcome: string }>): void {
    const name = nameChange(news);
    this.#open.get(name)?.end(readError(news));
    this.#open.delete(name);
  }

  /** Settles every change that is open, because the machine has broken. */
  failAll(error: BootError): void {
    for (const { end } of this.#open.values()) end(error);
    this.#open.clear();
  }

  #ask(change: Change): Promise<BootError | undefined> {
    return new Promise((end) => {
      this.#open.set(nameChange(change), { context: new AsyncResource('slipway.change'), end });
      this.#send(change);
    });
  }
}

function nameChange(change: Change | ChangeNews): string {
  return 'launch' in change ? `launch ${change.launch}` : `removal ${change.removal}`;
}

/** Makes the error of a change that did not take place. */
function readError(news: Extract<ChangeNews, { readonly outcome: string }>): BootError | undefined {
  const isLaunch = news.type === 'launch.finished';
  const what = isLaunch ? 'The launch' : `The removal of ${news.plugin}`;
  switch (news.outcome) {
    case 'canceled':
      return new BootError('BOOT_CANCELED', `${what} was canceled, because the boot stops`);
    case 'refused': {
      const message = `${news.plugin} cannot be removed: ${news.because ?? 'it is refused'}`;
      return new BootError('REMOVAL_REFUSED', message, { plugin: news.plugin });
    }
    case 'failed':
      // A plugin whose stop has failed is removed all the same.
      if (!isLaunch) return undefined;
      return asBootError(news.error) ?? broken(news.error);
    default:
      return undefined;
  }
}

/** Wraps an error that Slipway does not expect: it comes neither from a plugin nor from the database. */
export function broken(cause: unknown): BootError {
  const message = `Slipway itself failed: ${readMessage(cause)}`;
  return new BootError('BOOT_BROKEN', message, { cause });
}
