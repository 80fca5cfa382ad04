import type { Pool } from 'pg';
import type { Logger } from './logger.ts';
import { namedServiceRef } from './service.ts';

export type StopHandler = () => void | Promise<void>;

/** A plugin's own life: when it is asked to stop, and what to do then. */
export interface Lifecycle {
  readonly signal: AbortSignal;
  readonly onStop: (handler: StopHandler) => void;
}

/** The services Slipway itself gives to every plugin; each is also in `init`'s context under its own name. */
export const coreServices = {
  logger: namedServiceRef<Logger, 'core.logger'>('core.logger'),
  database: namedServiceRef<Pool, 'core.database'>('core.database'),
  lifecycle: namedServiceRef<Lifecycle, 'core.lifecycle'>('core.lifecycle'),
} as const;

/** Ids that only Slipway provides. */
export const coreServiceIds: ReadonlySet<string> = new Set(
  Object.values(coreServices).map((ref) => ref.id),
);
