import type { WaitResult } from '../../../machines/index.ts';
import type { Clock } from '../../core/clock.ts';
import { describeHolder } from '../../core/describe-session.ts';
import { formatDuration, roundMs } from '../../core/duration.ts';
import { BootError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { LockHolder } from '../../core/waits.ts';
import { growPause, sleep, spread } from '../../core/patience.ts';
import { repairCall } from '../../core/repair-call.ts';

interface Refusal {
  readonly sinceMs: number;
  readonly holder: LockHolder;
}

const pauses = { firstMs: 100, longestMs: 2_000 };

/** Keeps the waits for migration locks that other processes hold: how long each has lasted, and the holder. */
export class LockWaits {
  readonly #clock: Clock;
  readonly #longestMs: number;
  readonly #emit: Emit;
  readonly #refusals = new Map<string, Refusal>();
  /** The holders of the last events. */
  readonly #emitted = new Map<string, LockHolder>();

  /** @param longestMs How long to wait for one plugin's lock, from its first refusal. */
  constructor(clock: Clock, longestMs: number, emit: Emit) {
    this.#clock = clock;
    this.#longestMs = longestMs;
    this.#emit = emit;
  }

  /** A holder that let go between the refusal and the look at it is unknown: it is the last one seen that was waited for. */
  refused(plugin: string, holder: LockHolder): void {
    const before = this.#refusals.get(plugin);
    this.#refusals.set(plugin, {
      sinceMs: before?.sinceMs ?? this.#clock.elapsed(),
      holder: holder.pid === undefined ? (before?.holder ?? holder) : holder,
    });
  }

  /** The time since the first refusal of a plugin's lock; 0 when it was never refused. */
  waitedMs(plugin: string): number {
    const refusal = this.#refusals.get(plugin);
    return refusal ? roundMs(this.#clock.elapsed() - refusal.sinceMs) : 0;
  }

  /** Waits until the next attempt. The pauses grow, with jitter, so that replicas do not retry at the same moments. */
  async wait(plugin: string, attempt: number, signal: AbortSignal): Promise<WaitResult> {
    const { holder } = this.#refusals.get(plugin) ?? { holder: {} };
    const waitedMs = this.waitedMs(plugin);
    if (waitedMs >= this.#longestMs) {
      const how = this.#longestMs === 0 ? 'did not get' : `waited ${formatDuration(waitedMs)} for`;
      return { status: 'failed', error: lockTimeout(plugin, how, holder) };
    }
    if (isPowerOfTwo(attempt) || !isSame(holder, this.#emitted.get(plugin))) {
      this.#emit({ type: 'plugin.migrate.waiting', plugin, waitedMs, holder });
      this.#emitted.set(plugin, holder);
    }
    const leftMs = this.#longestMs - waitedMs;
    try {
      await sleep(this.#clock, Math.min(spread(growPause(attempt, pauses)), leftMs), signal);
      return { status: 'done' };
    } catch {
      return { status: 'canceled' };
    }
  }
}

/** Reports the attempts 1, 2, 4, 8 …: soon at first, and few events in a long wait. */
function isPowerOfTwo(attempt: number): boolean {
  return Number.isInteger(Math.log2(attempt));
}

/** Whether it is the same session, in the same state, which waits for the same one. */
function isSame(holder: LockHolder, other: LockHolder | undefined): boolean {
  return (
    holder.pid === other?.pid &&
    holder.state === other?.state &&
    holder.waitsFor?.pid === other?.waitsFor?.pid
  );
}

function lockTimeout(plugin: string, how: string, holder: LockHolder): BootError {
  return new BootError(
    'MIGRATION_LOCK_TIMEOUT',
    `${plugin} ${how} its migration lock, held by ${describeHolder(holder)}`,
    {
      plugin,
      phase: 'migrateAll',
      hint: `Let it finish. ${repairCall('holder', plugin)} shows what the holder does, and with { terminate: true } ends it. A boot waits for migrations.lockWait, a repair for its option wait.`,
    },
  );
}
