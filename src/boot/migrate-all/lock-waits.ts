import type { WaitResult } from '../../../machines/index.ts';
import type { Clock } from '../../core/clock.ts';
import { describeHolder } from '../../core/describe-session.ts';
import { formatDuration, roundMs } from '../../core/duration.ts';
import { BootError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { LockHolder } from '../../core/waits.ts';
import { growPause, sleep, spread } from '../../core/patience.ts';
import { repairCall } from '../../core/repair-call.ts';
import { readTenant } from '../../core/tenants.ts';

interface Refusal {
  readonly sinceMs: number;
  readonly holder: LockHolder;
  /** The plugin, or the tenant of it that was refused. */
  readonly who: string;
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

  /**
   * A holder that let go between the refusal and the look at it is unknown: it is the last one seen that was waited for.
   *
   * @param who The tenant whose lock was refused; left out for the plugin itself.
   */
  refused(plugin: string, holder: LockHolder, who = plugin): void {
    const before = this.#refusals.get(plugin);
    const seen = before?.who === who ? before.holder : holder;
    this.#refusals.set(plugin, {
      sinceMs: before?.sinceMs ?? this.#clock.elapsed(),
      holder: holder.pid === undefined ? seen : holder,
      who,
    });
  }

  /** Begins the wait of a plugin anew, because one of its tenants has settled. */
  restart(plugin: string): void {
    this.#refusals.delete(plugin);
  }

  /** The time since the first refusal of a plugin's lock; 0 when it was never refused, or it was that of another tenant. */
  waitedMs(plugin: string, who?: string): number {
    const refusal = this.#refusals.get(plugin);
    return refusal && (who ?? refusal.who) === refusal.who
      ? roundMs(this.#clock.elapsed() - refusal.sinceMs)
      : 0;
  }

  /** Waits until the next attempt. The pauses grow, with jitter, so that replicas do not retry at the same moments. */
  async wait(plugin: string, attempt: number, signal: AbortSignal): Promise<WaitResult> {
    const { holder, who } = this.#refusals.get(plugin) ?? { holder: {}, who: plugin };
    const waitedMs = this.waitedMs(plugin);
    if (isPowerOfTwo(attempt) || !isSame(holder, this.#emitted.get(plugin))) {
      this.#emit({ type: 'plugin.migrate.waiting', plugin: who, waitedMs, holder });
      this.#emitted.set(plugin, holder);
    }
    if (waitedMs >= this.#longestMs) {
      const how = this.#longestMs === 0 ? 'did not get' : `waited ${formatDuration(waitedMs)} for`;
      return { status: 'failed', error: lockTimeout(who, how, holder) };
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

function lockTimeout(who: string, how: string, holder: LockHolder): BootError {
  return new BootError(
    'MIGRATION_LOCK_TIMEOUT',
    `${who} ${how} its migration lock, held by ${describeHolder(holder)}`,
    {
      plugin: readTenant(who).plugin,
      phase: 'migrateAll',
      hint: `Let it finish. ${repairCall('holder', who)} shows what the holder does, and with { terminate: true } ends it. A boot waits for migrations.lockWait, a repair for its option wait.`,
    },
  );
}
