import { createHash } from 'node:crypto';
import { readKeywords } from './command-keywords.ts';
import { readLoneCommand } from './lone-commands.ts';
import type { SqlCommand, SqlText, Statement } from './sql-text.ts';

/**
 * How a command of a file without a transaction runs. `transaction`: in one transaction with the row that remembers it. `alone`:
 * by itself, and it is remembered right after it. `session`: it only changes a setting of the session, so it is never remembered,
 * and runs again in each session.
 */
type CommandWay = 'transaction' | 'alone' | 'session';

/** A command of a file without a transaction. */
export interface FileCommand extends Statement {
  readonly way: CommandWay;
  /** SHA-256 of its text, with LF line ends: it is the same in every checkout and in every schema. */
  readonly hash: string;
}

/**
 * Cuts a file into its commands. What stands behind a body of `BEGIN ATOMIC … END` is one with it up to the next breakpoint,
 * because the text alone does not show where such a body ends.
 */
export function listCommands(sql: SqlText): readonly FileCommand[] {
  return sql.statements.flatMap((statement) =>
    cutStatement(sql, statement).map((cut) => ({ ...cut, ...describe(sql, cut) })),
  );
}

function cutStatement({ text }: SqlText, statement: Statement): readonly Statement[] {
  const { commands, offset, isLeftOpen } = statement;
  if (commands.length < 2) return [statement];
  const atomic = commands.findIndex(({ hasAtomicBody }) => hasAtomicBody);
  const firsts = atomic === -1 ? commands : commands.slice(0, atomic + 1);
  const end = offset + statement.text.length;
  return firsts.map((first, at) => {
    const next = firsts[at + 1];
    return {
      text: text.slice(first.start, next ? endOf(first) : end),
      offset: first.start,
      codeOffset: first.start,
      commands: next ? [first] : commands.slice(at),
      isLeftOpen: !next && isLeftOpen,
    };
  });
}

function endOf({ start, code }: SqlCommand): number {
  return start + code.length;
}

function describe({ text }: SqlText, { commands }: Statement): Pick<FileCommand, 'way' | 'hash'> {
  const [first] = commands;
  const last = commands.at(-1);
  const written = first && last ? text.slice(first.start, endOf(last)) : '';
  const hash = createHash('sha256').update(written.replaceAll('\r\n', '\n')).digest('hex');
  return { way: first ? readWay(first) : 'alone', hash };
}

/**
 * Commands that PostgreSQL runs in a transaction, by the keywords that they begin with. One that is not listed runs alone: to run
 * twice after a crash is better than never.
 */
const inTransaction = new Set(
  `ANALYZE|ANALYSE|COMMENT ON|COPY|DELETE|DELETE FROM|GRANT|IMPORT FOREIGN SCHEMA|INSERT|INSERT INTO|MERGE|MERGE INTO
  |REASSIGN OWNED|REFRESH MATERIALIZED VIEW|REFRESH MATERIALIZED VIEW CONCURRENTLY|REVOKE|SECURITY LABEL|SELECT|TABLE|TRUNCATE
  |TRUNCATE TABLE|UPDATE|VALUES|WITH|WITH RECURSIVE`
    .split('|')
    .map((keywords) => keywords.trim()),
);

/** With a kind of object behind it. */
const changesObject = /^(?:CREATE|ALTER|DROP) \S/;

/** A setting of one transaction ends with its command. */
const setting = /^(?:set\s+(?!local\b|constraints\b|transaction\b)|reset\b)/i;

/** Only in such a body can a transaction end: by itself, in a procedure, or in a text. Other languages write it `commit()`. */
const mayCommit = /commit|rollback|call|execute/i;

/**
 * Reads how a command runs in a file without a transaction.
 *
 * @example readWay(new SqlText('insert into items values (1)').commands[0]) // 'transaction'
 */
export function readWay(command: SqlCommand): CommandWay {
  if (readLoneCommand(command)) return 'alone';
  if (setting.test(command.code)) return 'session';
  const keywords = readKeywords(command);
  if (inTransaction.has(keywords) || changesObject.test(keywords)) return 'transaction';
  const [body, ...others] = command.bodies;
  const isHarmless = keywords === 'DO' && body && others.length === 0;
  return isHarmless && !mayCommit.test(body.sql.text) ? 'transaction' : 'alone';
}
