import type { LockReport } from '../core/report.ts';
import type { StatementLook } from '../core/running-steps.ts';
import { roundMs } from '../core/duration.ts';

/** A lock of a file that other sessions waited for. */
export interface SeenLock extends Omit<LockReport, 'file' | 'heldMs'> {
  /** When the file has obtained it, in ms from the start of the boot; left out while it waits for it itself. */
  readonly sinceMs?: number;
}

/** What was seen of a file while it ran. */
export interface SeenFile {
  /** The last look, and the statement that it was at. */
  look?: StatementLook & { readonly statement?: number; readonly elapsedMs: number };
  /** Its locks that kept other sessions waiting. */
  readonly locks: SeenLock[];
}

const mostNames = 5;

/** Adds what was seen of a file that runs. */
export function addLook(
  run: SeenFile,
  seen: StatementLook & { readonly statement?: number; readonly elapsedMs: number },
): void {
  run.look = seen;
  for (const { longestMs, heldMs, ...lock } of seen.behind ?? []) {
    const at = run.locks.findIndex(
      ({ relation, mode }) => relation === lock.relation && mode === lock.mode,
    );
    const before = run.locks[at];
    const sinceMs = before?.sinceMs ?? (heldMs === undefined ? undefined : seen.elapsedMs - heldMs);
    const names = [...(before?.applicationNames ?? []), ...lock.applicationNames];
    const joined = {
      ...lock,
      ...before,
      ...(sinceMs !== undefined && { sinceMs }),
      sessions: Math.max(lock.sessions, before?.sessions ?? 0),
      longestWaitMs: Math.max(longestMs, before?.longestWaitMs ?? 0),
      applicationNames: [...new Set(names)].slice(0, mostNames),
    };
    if (before) run.locks[at] = joined;
    else run.locks.push(joined);
  }
}

/** Lists the locks of a migration that kept other sessions waiting, in the order in which they were seen. */
export function listLocks(
  files: readonly (SeenFile & { readonly file: string; readonly endMs?: number })[],
  nowMs: number,
): readonly LockReport[] {
  return files.flatMap(({ file, locks, endMs = nowMs }) =>
    locks.map(({ sinceMs, ...lock }) => ({
      file,
      ...lock,
      ...(sinceMs !== undefined && { heldMs: roundMs(endMs - sinceMs) }),
    })),
  );
}
