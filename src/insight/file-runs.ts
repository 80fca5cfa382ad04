import type { AnyEvent } from './recorded-event.ts';
import { addLook, type SeenFile } from './seen-locks.ts';

/** The time when something began, and when it ended unless it goes on; in ms from the start of the boot. */
export interface Span {
  readonly startMs: number;
  endMs?: number;
}

/** A statement of a migration file. Without an end it runs, has failed, or was cut off. */
export interface StatementRun extends Span {
  readonly statement: number;
  readonly statements?: number;
  readonly line?: number;
  readonly command: string;
}

/** An attempt at a migration file. */
export interface FileRun extends Span, SeenFile {
  readonly file: string;
  readonly index: number;
  readonly of: number;
  readonly transaction: boolean;
  outcome?: 'applied' | 'rolledBack' | 'failed';
  readonly statements: StatementRun[];
}

/** Adds what an event says of the files of one migration, of a plugin or of a tenant. */
export function addToFiles(files: FileRun[], event: AnyEvent): void {
  const { elapsedMs: atMs } = event;
  switch (event.type) {
    case 'plugin.migrate.applying': {
      const { file, index, of, transaction } = event;
      files.push({ file, index, of, transaction, startMs: atMs, statements: [], locks: [] });
      break;
    }
    case 'plugin.migrate.executing': {
      const { statement, statements, line, command } = event;
      const runs = files.at(-1)?.statements ?? [];
      if (runs.length >= mostStatements) joinLast(runs, atMs);
      runs.push({
        statement,
        command,
        ...(statements !== undefined && { statements }),
        ...(line !== undefined && { line }),
        startMs: atMs,
      });
      break;
    }
    case 'plugin.migrate.executed': {
      const run = files.at(-1)?.statements.at(-1);
      if (run?.statement === event.statement) run.endMs = atMs;
      break;
    }
    case 'plugin.migrate.progress': {
      const run = files.at(-1);
      if (run) addLook(run, event);
      break;
    }
    case 'plugin.migrate.retrying':
      endFile(files, atMs, 'rolledBack');
      break;
    case 'plugin.migrate.applied':
      endFile(files, atMs, 'applied');
      break;
    case 'plugin.migrate.settled':
    case 'plugin.migrate.finished':
      endFile(files, atMs, 'failed');
      break;
    default:
  }
}

/** The statements of one file that are kept apart. What comes after them is kept as one, so that the memory has a limit. */
const mostStatements = 1_000;

function joinLast(runs: StatementRun[], atMs: number): void {
  const last = runs.pop();
  const before = runs.at(-1);
  if (last && before) before.endMs = last.endMs ?? atMs;
}

function endFile(files: readonly FileRun[], atMs: number, outcome: FileRun['outcome']): void {
  const last = files.at(-1);
  if (!last || last.endMs !== undefined || outcome === undefined) return;
  last.endMs = atMs;
  last.outcome = outcome;
}
