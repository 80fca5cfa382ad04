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
  /** Ends the waiting when it is aborted, and aborts the signal that `work` got. */
  readonly signal?: AbortSignal;
}

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
