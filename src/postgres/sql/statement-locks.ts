import { readCommandLocks, type CommandLocks } from './command-locks.ts';
import { strongestOfEach, type CommandLock, type LockMode } from './lock-modes.ts';
import { partsOfName, readCommands } from './sql-commands.ts';

/** A lock that a statement is known to take from its text, until its transaction ends. */
export interface StatementLock {
  /** `unknown`: it may lock more than its text tells, such as a DO block, a function or CASCADE. */
  readonly lock: LockMode | 'unknown';
  /** Without the plugin's own schema; left out for what the text does not name, such as the table of a dropped index. */
  readonly relation?: string;
  /** Made by an earlier statement of the same transaction: nobody else can wait for it. */
  readonly isNew?: true;
}

/**
 * Reads from the statements of a migration what each is known to lock, the strongest on each relation.
 *
 * @param inTransaction Whether they share one transaction: only then is what one makes hidden from others.
 */
export function readStatementLocks(
  statements: readonly string[],
  schema: string,
  inTransaction: boolean,
): readonly (readonly StatementLock[])[] {
  const made = new Set<string>();
  return statements.map((text) => {
    const found = readCommands(text).map(readCommandLocks).map(withNames(schema));
    const locks = strongestOfEach(found.flatMap((command) => lockedBy(command, made)));
    if (!inTransaction) made.clear();
    const isComplete = found.every((command) => command.isComplete);
    return isComplete ? locks : [...locks, { lock: 'unknown' }];
  });
}

function lockedBy(
  { locks, makes }: CommandLocks,
  made: Set<string>,
): readonly (CommandLock & Pick<StatementLock, 'isNew'>)[] {
  const marked = locks.map((each) =>
    each.relation !== undefined && made.has(each.relation)
      ? { ...each, isNew: true as const }
      : each,
  );
  if (makes !== undefined) made.add(makes);
  return marked;
}

/** Gives each relation the one name that it has, however it is written. */
function withNames(schema: string): (command: CommandLocks) => CommandLocks {
  const nameOf = (written: string): string => {
    const parts = partsOfName(written);
    return (parts.length > 1 && parts[0] === schema ? parts.slice(1) : parts).join('.');
  };
  return ({ locks, isComplete, makes }) => ({
    locks: locks.map(({ lock, relation }) =>
      relation === undefined ? { lock } : { lock, relation: nameOf(relation) },
    ),
    isComplete,
    ...(makes !== undefined && { makes: nameOf(makes) }),
  });
}
