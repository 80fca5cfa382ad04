import type { LockReport } from '../core/report.ts';
import type { Finding } from './finding.ts';
import { listFiles } from './plugin-record.ts';
import { listLocks } from './seen-locks.ts';
import { describeLock } from './statement-words.ts';
import type { Story } from './story.ts';

/** A lock that kept other sessions waiting, with its plugin. */
export interface HeldLock extends LockReport {
  readonly plugin: string;
}

/** Lists the locks of all migrations that kept other sessions waiting; the longest wait comes first. */
export function listHeldLocks({
  record,
  nowMs,
}: Pick<Story, 'record' | 'nowMs'>): readonly HeldLock[] {
  return record.plugins
    .flatMap((plugin) =>
      listLocks(listFiles(plugin), nowMs).map((lock) => ({ plugin: plugin.id, ...lock })),
    )
    .toSorted((a, b) => b.longestWaitMs - a.longestWaitMs);
}

/** Locks of migrations that kept other sessions waiting, all in one finding. */
export function findHeldLocks(story: Story): readonly Finding[] {
  const locks = listHeldLocks(story);
  const [longest] = locks;
  if (!longest) return [];
  return [
    {
      id: 'held-lock',
      title: `${longest.plugin} kept others waiting: ${describeLock(longest)}`,
      why: 'A file keeps its locks until its transaction ends',
      caveat: 'Waits of less than a second are not seen',
      evidence: locks.slice(0, 10).map((lock) => ({
        plugin: lock.plugin,
        step: 'migrate',
        ms: lock.longestWaitMs,
        fact: `${lock.file}: ${describeLock(lock)}`,
      })),
    },
  ];
}
