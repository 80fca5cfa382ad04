import type { LockBlocker } from '../../core/events.ts';
import type { MigrationWork, WorkStatement } from './migration-work.ts';

/**
 * How far the migrations of a plugin have come. It changes while they run, so that an error can say where it happened,
 * wherever it is noticed.
 */
export interface MigrationProgress {
  readonly plugin: string;
  /** Names of the files committed in this run. */
  readonly applied: string[];
  /** The migration that is open. */
  work: MigrationWork | undefined;
  /** Its statement that runs or has failed; undefined while it is none of its own, such as the history row. */
  statement: WorkStatement | undefined;
  isCommitting: boolean;
  /** Whether the files applied so far are not on disk yet: then a crash of the server may take them along. */
  isInstall: boolean;
  /** Who was found in the way at the last look; undefined when nobody looked. */
  blockers?: readonly LockBlocker[];
  /** What a look into the catalogs has found out about the failure. */
  advice?: string | undefined;
}

/** The progress of a plugin whose first file has not begun. */
export function noProgress(plugin: string): MigrationProgress {
  return {
    plugin,
    applied: [],
    work: undefined,
    statement: undefined,
    isCommitting: false,
    isInstall: false,
  };
}

/** A migration begins, for the first time or once more. */
export function beginWork(progress: MigrationProgress, work: MigrationWork): void {
  progress.work = work;
  progress.statement = undefined;
  progress.isCommitting = false;
}

/** All statements of the open migration are through; what comes now makes it last. */
export function beginCommit(progress: MigrationProgress): void {
  progress.statement = undefined;
  progress.isCommitting = true;
}

/** The open migration is committed, with its history row. */
export function finishWork(progress: MigrationProgress, { file }: MigrationWork): void {
  progress.applied.push(file.name);
  progress.work = undefined;
  progress.isCommitting = false;
}
