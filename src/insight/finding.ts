import type { Step } from '../core/steps.ts';
import type { Story } from './story.ts';

/** Every finding in one line. The table is closed. */
export const findingMeanings = {
  'lost-plugin': 'an optional plugin is not up or not migrated, and others with it',
  'slow-imports': 'the process took longer before the boot than the boot itself',
  'one-plugin': 'one plugin is most of the critical chain',
  'long-statement': 'one statement is most of the boot',
  'few-slots': 'steps waited for slots, and the boot would be faster with more',
  'lock-wait': 'migrations waited for the lock that another process had',
  'held-lock': 'locks of migrations kept other sessions waiting',
  'connection-wait': 'migrations waited for a client of the pool',
  'database-wait': 'the boot waited for a PostgreSQL that did not answer',
  'disk-wait': 'the boot waited for PostgreSQL to write the migrations to its disk',
  'migration-wait': 'the boot waited for migrations that another process applies',
  retries: 'files or plugins failed for a while, and were tried again',
} as const;

/** The name of a finding. */
export type FindingId = keyof typeof findingMeanings;

/** A fact that a finding rests on. */
export interface Evidence {
  readonly plugin?: string;
  readonly step?: Step;
  readonly ms?: number;
  /** In words. */
  readonly fact: string;
}

/** Something about a boot that is worth a look. */
export interface Finding {
  readonly id: FindingId;
  /** What is to be seen: one sentence. */
  readonly title: string;
  /** Why it is so: one sentence. */
  readonly why: string;
  /** When not to act on it: one sentence. */
  readonly caveat: string;
  /** The most important fact comes first. */
  readonly evidence: readonly Evidence[];
  /** How much shorter the boot would have been, in ms; left out when it cannot be known. */
  readonly savedMs?: number;
}

/** Less time, in ms, or a smaller part of the boot, is not worth the attention. */
const shortestMs = 100;
const smallestPart = 0.05;

/** Whether a time is much of a boot. */
export function isWorthALook({ endMs }: Story, ms: number): boolean {
  return ms >= shortestMs && ms >= smallestPart * endMs;
}
