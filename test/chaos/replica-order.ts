import type { BootEventName, BootOptions, BootReport } from 'slipway';
import type { ReplicaPlan } from './round-plan.ts';

/** What a replica's process is told when it starts. */
export interface ReplicaOrder {
  readonly plan: ReplicaPlan;
  readonly url: string;
  /** Where the releases have been written to. */
  readonly folder: string;
}

/** What it is told later: to end, or to take every client of its pool for so many ms. */
export interface Word {
  readonly word: 'end' | 'exhaust';
  readonly ms: number;
}

/** What it says. */
export type Said =
  | { readonly kind: 'up' }
  | { readonly kind: 'event'; readonly type: BootEventName }
  | {
      readonly kind: 'settled';
      readonly outcome: BootReport['outcome'];
      readonly failures: readonly Failure[];
    }
  | { readonly kind: 'done' };

/** An error, as far as a verdict needs it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly plugin?: string;
  /** SQLSTATE. */
  readonly state?: string;
}

/** The times that a replica gives everything: short, so that a round is. */
export const patience: Omit<BootOptions, 'pool'> = {
  connect: { wait: '10s' },
  migrations: { lockWait: '15s', ddlLockTimeout: '500ms', ddlRetry: '10s' },
  init: { timeout: '8s', grace: '1s' },
  stop: { timeout: '3s', total: '6s' },
};

/** How long after the last fault a boot may still take: its patience above, and a busy machine. */
export const settlesWithinMs = 60_000;
/** How long a process may take to end when it was told to: `stop.total`, and a busy machine. */
export const endsWithinMs = 20_000;
