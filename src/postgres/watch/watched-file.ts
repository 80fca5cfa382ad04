import { roundMs } from '../../core/duration.ts';
import type { SessionsBehind, StatementLook } from '../../core/running-steps.ts';
import { namesInSql } from '../sql/sql-names.ts';
import type { SqlText } from '../sql/sql-text.ts';
import type { SessionLook, WaitingSession, WatchedSession } from './look-at-statements.ts';
import { PhasePace } from './phase-pace.ts';

/** A file while it runs. */
export interface FileOnWatch extends WatchedSession {
  readonly plugin: string;
  readonly file: string;
}

/** A statement of it. */
export interface StatementOnWatch {
  readonly number: number;
  readonly command: string;
  readonly sql: Pick<SqlText, 'commands'>;
}

/** A statement that has begun. */
interface BegunStatement extends StatementOnWatch {
  readonly atMs: number;
  /** The words of it that may be tables; read when a lock has to be explained. */
  names?: readonly string[];
}

/** A file may have any number of statements; these are kept, to find the one that took a lock. */
const mostStatements = 1_000;
/** Statements that lock rows, and a table only weakly. */
const ofRows = /^(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|COPY|SET|COMMENT)\b/;
const mostLocks = 5;
const mostNames = 5;

/** What is known of a file that runs, and of the locks that it has taken. */
export class WatchedFile {
  readonly about: FileOnWatch;
  readonly openedAtMs: number;
  /** When to look at it next. */
  nextAtMs = 0;
  #current: BegunStatement | undefined;
  readonly #lockers: BegunStatement[] = [];
  /** The last moment at which the file still waited for a lock itself, by lock. */
  readonly #waitedUntilMs = new Map<string, number>();
  #pace = new PhasePace();
  #lastSeen = '{}';

  constructor(about: FileOnWatch, openedAtMs: number) {
    this.about = about;
    this.openedAtMs = openedAtMs;
  }

  begin(statement: StatementOnWatch, atMs: number): void {
    const { number, command, sql } = statement;
    this.#current = { number, command, sql, atMs };
    this.#pace = new PhasePace();
    const mayLock = !ofRows.test(command);
    if (mayLock && this.#lockers.length < mostStatements) this.#lockers.push(this.#current);
  }

  end(): void {
    this.#current = undefined;
  }

  /** The statement that runs, for an event. */
  get statement(): { readonly statement?: number; readonly command?: string } {
    const { number: statement, command } = this.#current ?? {};
    return { ...(statement !== undefined && { statement }), ...(command && { command }) };
  }

  /**
   * Reads a look; `undefined` when there is nothing new in it.
   *
   * @param asked The statement that ran when the server was asked. What was seen of another one is left out.
   */
  read(seen: SessionLook, asked: number | undefined, atMs: number): StatementLook | undefined {
    const isSame = asked !== undefined && asked === this.#current?.number;
    const { counted, blockers } = isSame ? seen : { counted: undefined, blockers: [] };
    const behind = this.#groupByLock(seen.waiting, atMs);
    const look = {
      ...(counted && { progress: this.#pace.measure(counted, atMs) }),
      ...(blockers.length > 0 && { blockers }),
      ...(behind.length > 0 && { behind }),
    };
    return this.#isNews(look) ? look : undefined;
  }

  /** Forgets what was seen; `undefined` when that is nothing new. */
  forget(): StatementLook | undefined {
    return this.#isNews({}) ? {} : undefined;
  }

  #isNews(look: StatementLook): boolean {
    // These grow by themselves.
    const seen = JSON.stringify({ of: this.#current?.number, ...look }, (key, value: unknown) =>
      key === 'transactionMs' || key === 'heldMs' ? undefined : value,
    );
    const isEmpty = Object.keys(look).length === 0;
    const isNews = isEmpty ? this.#lastSeen !== '{}' : seen !== this.#lastSeen;
    this.#lastSeen = isEmpty ? '{}' : seen;
    return isNews;
  }

  #groupByLock(waiting: readonly WaitingSession[], atMs: number): readonly SessionsBehind[] {
    const groups = new Map<string, WaitingSession[]>();
    for (const each of waiting) {
      const key = JSON.stringify([each.relation, each.mode]);
      const group = groups.get(key);
      if (group) group.push(each);
      else groups.set(key, [each]);
    }
    return [...groups]
      .map(([key, group]) => this.#describe(key, group, atMs))
      .toSorted((a, b) => b.sessions - a.sessions)
      .slice(0, mostLocks);
  }

  #describe(key: string, group: readonly WaitingSession[], atMs: number): SessionsBehind {
    const { relation, mode, isHeld } = group[0] ?? {};
    const locker = mode === undefined ? undefined : this.#findLocker(relation);
    if (isHeld === false) this.#waitedUntilMs.set(key, atMs);
    const sinceMs = Math.max(locker?.atMs ?? this.openedAtMs, this.#waitedUntilMs.get(key) ?? 0);
    return {
      ...(locker && { statement: locker.number }),
      ...(locker?.command && { command: locker.command }),
      ...(relation !== undefined && { relation }),
      ...(mode !== undefined && { mode: nameMode(mode) }),
      ...(isHeld !== false && { heldMs: roundMs(atMs - sinceMs) }),
      sessions: group.length,
      longestMs: Math.max(...group.map(({ waitedMs }) => waitedMs)),
      applicationNames: countNames(group),
    };
  }

  /** Finds the statement that locked a table: the first that names it. It may have ended long ago, and its lock goes on. */
  #findLocker(relation = ''): BegunStatement | undefined {
    const name = withoutSchema(relation);
    const begun = [...this.#lockers, ...(this.#current ? [this.#current] : [])];
    return begun.find((each) => (each.names ??= namesInSql(each.sql)).includes(name));
  }
}

/** The name of a table of another schema is `schema.table`, without quotes. */
function withoutSchema(relation: string): string {
  return /^[^.]+\.(.+)$/.exec(relation)?.[1] ?? relation;
}

/** `AccessExclusiveLock` is `ACCESS EXCLUSIVE` in SQL. */
function nameMode(mode: string): string {
  return mode
    .replace(/Lock$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase();
}

/** The names of applications, the commonest first. */
function countNames(sessions: readonly WaitingSession[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { applicationName } of sessions) {
    if (applicationName === undefined) continue;
    counts.set(applicationName, (counts.get(applicationName) ?? 0) + 1);
  }
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, mostNames)
    .map(([name]) => name);
}
