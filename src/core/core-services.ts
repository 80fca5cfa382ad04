import type { Pool } from 'pg';
import type { Duration } from './duration.ts';
import type { Logger } from './logger.ts';
import { namedServiceRef } from './service.ts';

/** Called on the way down; the stop waits for it. */
export type StopHandler = () => void | Promise<void>;

/** A plugin's own life: when it is asked to stop, and what to do then. */
export interface Lifecycle {
  readonly signal: AbortSignal;
  readonly onStop: (handler: StopHandler) => void;
}

/** A lock that is held until it is released, or its connection breaks, or the boot ends. */
export interface HeldLock extends AsyncDisposable {
  /** Aborted when the lock is lost: from then on another process may hold it. */
  readonly signal: AbortSignal;
  /** Any number of calls; never rejects. */
  release(): Promise<void>;
}

/** How long to wait for a lock. */
export interface LockOptions {
  /**
   * How long to wait for a lock that is taken, in ms or as `'5s'`.
   *
   * @default no limit
   */
  readonly wait?: Duration;
  /**
   * Ends the waiting when it is aborted, and aborts the signal that `work` got.
   *
   * @default none
   */
  readonly signal?: AbortSignal;
}

/** How {@link AdvisoryLock.runOnce} deals with other replicas, and with later boots. */
export interface RunOnceOptions extends LockOptions {
  /**
   * What to do while another replica runs the work: wait for its end, or skip the work at once. Only with `'wait'` can `wait`
   * be set.
   *
   * @default 'wait'
   */
  readonly others?: 'wait' | 'skip';
  /**
   * Whether a run that ended well counts for later calls as well: for good, or for so long after its end, in ms or as `'1h'`.
   *
   * @default false
   */
  readonly remember?: boolean | Duration;
}

/**
 * What became of the work of {@link AdvisoryLock.runOnce}: it `ran` here, with its value; the call `waited` for a run of another
 * caller that ended well; it was `skipped` because another caller was running it; or an earlier run was `remembered`.
 */
export type OnceResult<T> =
  | { readonly outcome: 'ran'; readonly value: T }
  | { readonly outcome: 'waited' | 'skipped' | 'remembered' };

/**
 * Locks that PostgreSQL keeps, so that one process of many does something. A key is any text; all plugins and processes on
 * a database share them, so begin it with the plugin's id.
 */
export interface AdvisoryLock {
  /**
   * Runs `work` while it holds the key alone. Its signal is aborted when the lock is lost, when `options.signal` is, or
   * when the plugin is to stop.
   *
   * @throws what `work` throws; BootError `LOCK_TIMEOUT`, `LOCK_LOST`; the reason of a signal that ended the waiting.
   * @example await locks.withLock('billing.invoices', (signal) => sendInvoices(signal), { wait: '5s' });
   */
  withLock<T>(
    key: string,
    work: (signal: AbortSignal) => T | Promise<T>,
    options?: LockOptions,
  ): Promise<T>;
  /**
   * Takes the key if it is free, and returns `undefined` otherwise.
   *
   * @example await using lock = await locks.tryLock('billing.leader');
   */
  tryLock(key: string): Promise<HeldLock | undefined>;
  /**
   * Runs work that one replica of many should do, such as a seed or a sweep. Of all calls that overlap, one runs `work` to its
   * end; a call that waited for this run does not run it again. When the run fails, or its process dies, the next waiter runs
   * it. A later call runs it anew, unless `remember` is set.
   *
   * A run ends well when `work` returns before its signal is aborted, and the lock is still held. It then leaves a row in the
   * table `slipway.once`; to forget what is remembered, delete the row. The signal is aborted as that of `withLock`. The
   * keys are apart from those of `withLock`.
   *
   * @param key 1 to 255 printable characters.
   * @throws what `work` throws; BootError `LOCK_TIMEOUT`; `LOCK_LOST`, also when the row may be there already; `LOCK_NESTED`
   * inside of its own work; `DATABASE_PRIVILEGE`, `DATABASE_READ_ONLY` or `SCHEMA_TAKEN` before the work when the table cannot
   * be used; `OPTIONS_INVALID`; the reason of a signal that was aborted before the work had ended.
   * @example
   * const seed = await locks.runOnce('billing.seed', (signal) => insertPlans(signal), { remember: true });
   * if (seed.outcome === 'ran') logger.info(`${seed.value} plans`);
   */
  runOnce<T>(
    key: string,
    work: (signal: AbortSignal) => T | Promise<T>,
    options?: RunOnceOptions,
  ): Promise<OnceResult<T>>;
}

/** The services Slipway itself gives to every plugin; logger and database are also in `init`'s context under their own names. */
export const coreServices = {
  logger: namedServiceRef<Logger, 'core.logger'>('core.logger'),
  database: namedServiceRef<Pool, 'core.database'>('core.database'),
  advisoryLock: namedServiceRef<AdvisoryLock, 'core.advisoryLock'>('core.advisoryLock'),
  lifecycle: namedServiceRef<Lifecycle, 'core.lifecycle'>('core.lifecycle'),
} as const;

/** Ids that only Slipway provides. */
export const coreServiceIds: ReadonlySet<string> = new Set(
  Object.values(coreServices).map((ref) => ref.id),
);
