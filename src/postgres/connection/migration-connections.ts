import { setMaxListeners } from 'node:events';
import type { Pool } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { onAbort } from '../../core/patience.ts';
import { checkOutUnlessAborted, type HeldClient } from './held-client.ts';

/** To wait longer than this for a connection that is in use costs more than a new one. In ms. */
const patienceMs = 25;

/** A connection that no migration takes over is closed after this time: others may need its place in the pool. In ms. */
const idleMs = 50;

/** A migration that waits for a connection. */
interface Asking {
  readonly take: (held: HeldClient) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * The connections of the migrations of one boot. A migration has one for itself, for its whole life, and hands it over to the
 * next: a new backend has empty caches, which costs more than the migrations of a small plugin. There are no more connections
 * than there is work for them.
 */
export class MigrationConnections {
  readonly #pool: Pool;
  readonly #clock: Clock;
  /** How many migrations have had no connection yet. */
  #ahead = 0;
  #inUse = 0;
  #connecting = 0;
  readonly #asking: Asking[] = [];
  /** Those that no migration has, each with what stops its timer. */
  readonly #idle = new Map<HeldClient, () => void>();
  #closing = endlessController();

  constructor(pool: Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** Says how many migrations will come. */
  expect(migrations: number): void {
    this.#ahead = migrations;
    this.#closing = endlessController();
  }

  /**
   * Returns a connection that another migration has handed over, or one of the pool.
   *
   * @throws the signal's reason, or why there is no connection.
   */
  async checkOut(signal: AbortSignal): Promise<HeldClient> {
    signal.throwIfAborted();
    const held = this.#takeIdle() ?? (await this.#ask(signal));
    this.#ahead = Math.max(0, this.#ahead - 1);
    this.#inUse += 1;
    return new LentClient(held, this);
  }

  /** Lets go of those that no migration uses, and from now on of each that comes back. */
  close(): void {
    this.#closing.abort();
    for (const held of this.#idle.keys()) this.#letGo(held);
  }

  /** Takes a connection back from its migration, for the next one. */
  takeBack(held: HeldClient): void {
    this.#inUse -= 1;
    this.#offer(held);
  }

  /** Forgets a connection that went back to the pool, or broke. */
  forget(): void {
    this.#inUse -= 1;
  }

  #ask(signal: AbortSignal): Promise<HeldClient> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        cancel();
        stopListening();
        const at = this.#asking.indexOf(asking);
        if (at >= 0) this.#asking.splice(at, 1);
      };
      const asking: Asking = {
        take: (held) => {
          leave();
          resolve(held);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      this.#asking.push(asking);
      // Also beside one that is made at once: the first in the queue gets that.
      const cancel = this.#clock.after(patienceMs, () => this.#connect());
      const stopListening = onAbort(signal, () => asking.fail(signal.reason));
      if (this.#isQueueLong()) this.#connect();
    });
  }

  /** Whether more migrations wait for a connection than have one. */
  #isQueueLong(): boolean {
    const waiting = Math.max(this.#ahead, this.#asking.length) - this.#connecting;
    return waiting > this.#inUse + this.#connecting;
  }

  /** Makes a connection for the first that asks by then, unless as many are being made as are asked for. */
  #connect(): void {
    if (this.#asking.length <= this.#connecting) return;
    this.#connecting += 1;
    const done = (): void => {
      this.#connecting -= 1;
    };
    checkOutUnlessAborted(this.#pool, this.#closing.signal)
      .finally(done)
      .then(
        (held) => this.#offer(held),
        (error: unknown) => this.#asking[0]?.fail(error),
      );
  }

  #offer(held: HeldClient): void {
    const [next] = this.#asking;
    if (next) next.take(held);
    else if (this.#ahead === 0 || this.#closing.signal.aborted || this.#pool.waitingCount > 0) {
      this.#letGo(held);
    } else {
      const cancel = this.#clock.after(idleMs, () => this.#letGo(held));
      this.#idle.set(held, cancel);
    }
  }

  #takeIdle(): HeldClient | undefined {
    for (const [held, cancel] of this.#idle) {
      cancel();
      this.#idle.delete(held);
      if (!held.firstError) return held;
      held.giveBack(held.firstError);
    }
    return undefined;
  }

  #letGo(held: HeldClient): void {
    this.#idle.get(held)?.();
    this.#idle.delete(held);
    const hasMigrated = held.backendPid !== undefined;
    held.giveBack(hasMigrated);
  }
}

/** Each connection that is being made listens, and Node.js warns of a leak at eleven. */
function endlessController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** A connection while a migration has it. */
class LentClient implements HeldClient {
  readonly #held: HeldClient;
  readonly #connections: MigrationConnections;
  /** Whether a migration before this one has used it: then the pool must not have it again. */
  readonly #isUsed: boolean;

  constructor(held: HeldClient, connections: MigrationConnections) {
    this.#held = held;
    this.#connections = connections;
    this.#isUsed = held.backendPid !== undefined;
  }

  get client(): HeldClient['client'] {
    return this.#held.client;
  }

  get firstError(): Error | undefined {
    return this.#held.firstError;
  }

  get wasNew(): boolean {
    return this.#held.wasNew;
  }

  get backendPid(): number | undefined {
    return this.#held.backendPid;
  }

  set backendPid(pid: number | undefined) {
    this.#held.backendPid = pid;
  }

  giveBack(destroy?: boolean | Error): void {
    if (this.#isUsed && !destroy) this.handOver();
    else {
      this.#connections.forget();
      this.#held.giveBack(destroy);
    }
  }

  handOver(): void {
    this.#connections.takeBack(this.#held);
  }
}
