import { isSql, type Migration } from '../sources/migration.ts';
import { listCommands, type FileCommand } from '../sql/file-commands.ts';
import { quoteIdentifier, quoteLiteral } from '../sql/identifier.ts';
import { needsNoTransaction } from '../sql/lone-commands.ts';
import { LongSql } from '../sql/long-text.ts';

/** Slipway's own table beside a history. It exists only while a file without a transaction is unfinished. */
export const unfinishedTable = '__slipway_unfinished';

/** A row of it: a command that has run, of a file that has no row in the history yet. */
export interface DoneCommand {
  /** The name of the file in the history. */
  readonly file: string;
  /** Its place among the commands of the file that are remembered; counts from 1. */
  readonly command: number;
  /** See {@link FileCommand}. */
  readonly hash: string;
}

/** Writes the name of the table of a schema, quoted and qualified. */
export function quoteUnfinished(schema: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(unfinishedTable)}`;
}

/** The SQL that makes the table. */
export function createUnfinishedSql(schema: string): string {
  return `create table ${quoteUnfinished(schema)} (file text not null, command int not null, hash text not null, ran_at timestamptz not null default now(), primary key (file, command))`;
}

/** The SQL that remembers that a command has run. */
export function rememberCommandSql(schema: string, { file, command, hash }: DoneCommand): string {
  return `insert into ${quoteUnfinished(schema)} (file, command, hash) values (${quoteLiteral(file)}, ${command}, ${quoteLiteral(hash)})`;
}

/**
 * The SQL that forgets files, because they have their rows in the history now. With the last of them the table goes.
 *
 * @param done All rows of the table; undefined when there is no table.
 */
export function forgetFilesSql(
  schema: string,
  files: ReadonlySet<string>,
  done: readonly DoneCommand[] | undefined,
): readonly string[] {
  if (!done) return [];
  if (done.every(({ file }) => files.has(file))) return [`drop table ${quoteUnfinished(schema)}`];
  if (done.every(({ file }) => !files.has(file))) return [];
  const names = [...files].map((name) => quoteLiteral(name)).join(', ');
  return [`delete from ${quoteUnfinished(schema)} where file in (${names})`];
}

/** The rows that are left when a file is forgotten; undefined when the table goes with them. */
export function leaveOut(
  done: readonly DoneCommand[] | undefined,
  file: string,
): readonly DoneCommand[] | undefined {
  const others = done?.filter((row) => row.file !== file);
  return others?.[0] && others;
}

/** An SQL expression of type json that gives each row with its schema, of tables that exist. */
export function doneCommandsSql(schemas: readonly string[]): string {
  const rows = schemas.map(
    (name) =>
      `select ${quoteLiteral(name)} as schema, file::text, command::int, hash::text from ${quoteUnfinished(name)}`,
  );
  return `(select coalesce(json_agg(u order by u.schema, u.file, u.command), '[]') from (${rows.join(' union all ')}) u)`;
}

/** The unfinished files of a plugin. */
interface Unfinished {
  /** Pending files with those of their commands that have run, in their order. */
  readonly files: ReadonlyMap<Migration, readonly DoneCommand[]>;
  /** Rows of files that are not pending, such as those of a newer release. */
  readonly others: readonly DoneCommand[];
}

/**
 * Pairs the rows of the table with the pending files: by name, or else by the texts of the commands, for a file that was renamed.
 */
export function pairUnfinished(
  pending: readonly Migration[],
  done: readonly DoneCommand[],
): Unfinished {
  const files = new Map<Migration, readonly DoneCommand[]>();
  const others: DoneCommand[] = [];
  for (const name of new Set(done.map(({ file }) => file))) {
    const rows = done.filter(({ file }) => file === name);
    const found =
      pending.find(({ historyName }) => historyName === name) ??
      pending.find((file) => !files.has(file) && findNext(commandsOf(file), rows) !== undefined);
    if (found) files.set(found, rows);
    else others.push(...rows);
  }
  return { files, others };
}

/** The commands of a file that can run one by one; of a function or a long file there are none. */
export function commandsOf(file: Migration): readonly FileCommand[] {
  return isSql(file) && !(file.sql instanceof LongSql) ? listCommands(file.sql) : [];
}

/** Whether a file runs command by command, and has several. */
export function remembersCommands(file: Migration): boolean {
  return isSql(file) && needsNoTransaction(file.sql) && commandsOf(file).length > 1;
}

type Remembered = Pick<FileCommand, 'way' | 'hash'>;

/**
 * Finds where a file goes on: the index of its first command that has not run. Settings of the session do not count.
 *
 * @returns undefined when a command that has run is another one now; see {@link findChanged}.
 */
export function findNext(
  commands: readonly Remembered[],
  done: readonly DoneCommand[],
): number | undefined {
  const counted = commands.filter(({ way }) => way !== 'session');
  if (done.some(({ hash }, at) => counted[at]?.hash !== hash)) return undefined;
  const next = counted[done.length];
  return next ? commands.indexOf(next) : commands.length;
}

/** Finds the first command that is not the one that has run in its place. */
export function findChanged(
  commands: readonly FileCommand[],
  done: readonly DoneCommand[],
): { readonly ran: DoneCommand; readonly now: FileCommand | undefined } | undefined {
  const counted = commands.filter(({ way }) => way !== 'session');
  const at = done.findIndex(({ hash }, index) => counted[index]?.hash !== hash);
  const ran = done[at];
  return ran && { ran, now: counted[at] };
}
