import type { Pool } from 'pg';
import type { Clock } from '../../core/clock.ts';
import type { Emit } from '../../core/events.ts';
import { growPause, onAbort } from '../../core/patience.ts';
import type { StatementLook } from '../../core/running-steps.ts';
import { readSqlState } from '../connection/connection-error.ts';
import { lookAtStatements } from './look-at-statements.ts';
import { MonitorSession } from './monitor-session.ts';
import { WatchedFile, type FileOnWatch, type StatementOnWatch } from './watched-file.ts';

/** The options of a {@link StatementWatch}. */
interface WatchOptions {
  /** The pool of the migrations: it says where to connect, and how many connections there may be. */
  readonly pool: Pool;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Aborted: the connection is closed, whatever it does. */
  readonly cut: AbortSignal;
}

/** A file while it is watched. */
export interface FileWatch {
  begin(statement: StatementOnWatch): void;
  end(): void;
  /** Ends the watch: the file is committed, rolled back or given up. */
  close(): void;
}

/** A file that takes less time is not looked at. In ms. */
const firstLookMs = 1_000;
/** Looks at a file are this part of its age apart: each costs the server some milliseconds. */
const pausePart = 0.1;
const longestPauseMs = 10_000;
/** Looks follow each other no sooner, so that files which are due in between are looked at together. */
const togetherMs = 500;
/** A server that does not know the views, or refuses the role, does so the next time as well. */
const unknownHere = /^(?:0A|28|42)/;
/** After a connection that could not be made, or broke. */
const retries = { firstMs: 5_000, longestMs: 60_000 };

/**
 * Watches the migration files that run, from one connection beside the pool: how far their statements are, what they wait for,
 * and which sessions wait for them. Emits what has changed. The connection is opened when a file has run for a second, and
 * closed when no file runs. It counts as one of the pool's: when the pool has as many as it may have, there is none. Nothing
 * depends on what it sees, so that a failure of it changes nothing.
 */
export class StatementWatch {
  readonly #options: WatchOptions;
  readonly #files = new Set<WatchedFile>();
  #session: MonitorSession | undefined;
  #cancelTimer: (() => void) | undefined;
  #isLooking = false;
  #failures = 0;
  #restUntilMs = 0;
  #isOff = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    onAbort(options.cut, () => {
      this.#isOff = true;
      this.#pause();
    });
  }

  /** Begins to watch a file. Costs nothing but a timer, until the file has run for a second. */
  open(about: FileOnWatch): FileWatch {
    const { clock } = this.#options;
    const file = new WatchedFile(about, clock.elapsed());
    file.nextAtMs = file.openedAtMs + firstLookMs;
    this.#files.add(file);
    this.#arm();
    return {
      begin: (statement) => file.begin(statement, clock.elapsed()),
      end: () => file.end(),
      close: () => {
        this.#files.delete(file);
        if (this.#files.size === 0) this.#pause();
      },
    };
  }

  /** Closes the connection for a while: another one was refused, and may get its place. */
  giveWay(): void {
    if (this.#session) this.#fail();
  }

  /** One timer serves all files. */
  #arm(): void {
    if (this.#cancelTimer || this.#isLooking || this.#isOff || this.#files.size === 0) return;
    const { clock } = this.#options;
    const nextAtMs = Math.min(...[...this.#files].map((file) => file.nextAtMs));
    const dueAtMs = Math.max(nextAtMs, this.#restUntilMs);
    this.#cancelTimer = clock.after(Math.max(0, dueAtMs - clock.elapsed()), () => {
      this.#cancelTimer = undefined;
      void this.#look(dueAtMs);
    });
  }

  #pause(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#close();
  }

  #close(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  /** Looks at the files that are due. Never rejects. */
  async #look(dueAtMs: number): Promise<void> {
    const { clock } = this.#options;
    const due = [...this.#files].filter(({ nextAtMs }) => nextAtMs <= dueAtMs);
    this.#isLooking = true;
    try {
      await this.#lookAt(due);
    } catch (error) {
      this.#isOff ||= unknownHere.test(readSqlState(error) ?? '');
      // Without a session it was closed in the middle of the look, because nothing was to be seen any longer.
      if (this.#session) this.#fail();
    }
    this.#isLooking = false;
    const nowMs = clock.elapsed();
    for (const file of due) file.nextAtMs = nowMs + choosePause(file, nowMs);
    this.#restUntilMs = Math.max(this.#restUntilMs, nowMs + togetherMs);
    this.#arm();
  }

  async #lookAt(files: readonly WatchedFile[]): Promise<void> {
    const session = await this.#connect();
    if (!session) {
      for (const file of files) this.#emit(file, file.forget());
      return;
    }
    const asked = files.map(({ statement }) => statement.statement);
    const looks = await lookAtStatements(
      session,
      files.map(({ about }) => about),
    );
    const atMs = this.#options.clock.elapsed();
    for (const [at, file] of files.entries()) {
      const look = looks.find(({ pid }) => pid === file.about.backendPid);
      if (look) this.#emit(file, file.read(look, asked[at], atMs));
    }
    this.#failures = 0;
  }

  /** Returns the connection; `undefined` when the pool has none to give. */
  async #connect(): Promise<MonitorSession | undefined> {
    const { pool } = this.#options;
    const isFull = pool.totalCount >= pool.options.max;
    if (isFull || this.#session?.isGone) this.#close();
    if (isFull) return undefined;
    if (this.#session) return this.#session;
    const session = new MonitorSession(pool);
    this.#session = session;
    await session.connect();
    return session;
  }

  /** Closes the connection, and tries again after a while. What was seen is no longer known. */
  #fail(): void {
    this.#close();
    this.#failures += 1;
    this.#restUntilMs = this.#options.clock.elapsed() + growPause(this.#failures, retries);
    for (const file of this.#files) this.#emit(file, file.forget());
  }

  #emit(file: WatchedFile, look: StatementLook | undefined): void {
    // The file may have ended while the server answered.
    if (look === undefined || !this.#files.has(file)) return;
    const { plugin, file: name } = file.about;
    this.#options.emit({
      type: 'plugin.migrate.progress',
      plugin,
      file: name,
      ...file.statement,
      ...look,
    });
  }
}

function choosePause({ openedAtMs }: WatchedFile, nowMs: number): number {
  return Math.min(Math.max(firstLookMs, (nowMs - openedAtMs) * pausePart), longestPauseMs);
}
