import { DumpSql, isDumpSetting } from './dump-sql.ts';
import { PrismaSql } from './prisma-sql.ts';
import type { SqlCommand, SqlText } from './sql-text.ts';
import type { TextPosition } from './text-position.ts';

/** A command that a rule has found in a text. */
interface FoundCommand extends TextPosition {
  /** Such as `COMMIT`. */
  readonly command: string;
}

/** A command in a migration file that would end its transaction, or lead it out of the plugin's schema. */
interface TransactionControl extends FoundCommand {
  readonly kind: 'transaction' | 'searchPath';
}

const transaction =
  /^(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;
const searchPath =
  /^(?:set\s+(?:session\s+|local\s+)?(?:search_path\b|"search_path"|schema\b)|reset\s+(?:search_path\b|"search_path"|all\b)|discard\b)/i;

/** `SELECT set_config('search_path', …)`, with which every dump begins. */
const setConfig = /^select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(\s*(?=(?<setting>'+))/i;

/**
 * Finds the first top-level command that a file must leave to Slipway.
 *
 * @example findTransactionControl(new SqlText('CREATE TABLE a ();\nCOMMIT;')) // { command: 'COMMIT', line: 2, column: 1, kind: 'transaction' }
 */
export function findTransactionControl(sql: SqlText): TransactionControl | undefined {
  for (const command of topLevelCommands(sql)) {
    if (sql instanceof PrismaSql && sql.ownTransactions.has(command)) continue;
    const place = (): TextPosition => sql.positionAt(command.start);
    const found = transaction.exec(command.code) ?? searchPath.exec(command.code);
    if (found) {
      const kind = transaction.test(command.code) ? 'transaction' : 'searchPath';
      return { command: showCommand(found[0]), ...place(), kind };
    }
    if (setsSearchPath(sql, command)) {
      return { command: "set_config('search_path', …)", ...place(), kind: 'searchPath' };
    }
  }
  return findBehindBody(sql);
}

/**
 * Commands that stand in no body of `BEGIN ATOMIC … END`, so that they are found without knowing where it ends. `END` itself
 * is left to the checks at run time.
 */
const behindBody =
  /(?:^|;)\s*(?<command>start\s+transaction|commit|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;

/** Finds what ends the transaction in the rest of a statement with a body, which {@link topLevelCommands} leaves out. */
function findBehindBody(sql: SqlText): TransactionControl | undefined {
  for (const { commands } of sql.statements) {
    const first = commands.findIndex(({ hasAtomicBody }) => hasAtomicBody);
    if (first < 0) continue;
    for (const { code, start } of commands.slice(first)) {
      const found = behindBody.exec(code);
      const command = found?.groups?.['command'];
      if (!found || command === undefined) continue;
      const end = start + found.index + found[0].length;
      const place = sql.positionAt(end - command.length);
      return { command: showCommand(command), ...place, kind: 'transaction' };
    }
  }
  return undefined;
}

function setsSearchPath(sql: SqlText, { code, start }: SqlCommand): boolean {
  const found = setConfig.exec(code);
  if (!found) return false;
  const literal = start + found[0].length;
  const length = found.groups?.['setting']?.length ?? 0;
  return sql.text.slice(literal, literal + length).toLowerCase() === "'search_path'";
}

/** Commands that change the session they run in. */
const sessionChanges = [
  /^set\s+(?!(?:local|constraints|transaction)\b)(?:"(?:[^"]|"")*"|[\w$]+)(?:\s+[\w$]+)?/i,
  /^(?:listen|load)\b/i,
  /^prepare\b/i,
  /^create\s+(?:(?:global|local)\s+)?temp(?:orary)?\b(?!.*\bon\s+commit\s+drop\b)/is,
  /^declare\b(?=.*\bwith\s+hold\b)/is,
  // SELECT … INTO; in others it is the name of a table.
  /(?<!\b(?:insert|merge)\s+)\binto\s+(?:(?:local|global)\s+)?temp(?:orary)?\s+(?:table\s+)?[\w"]/i,
  // Anywhere in a command, because it is a function. Dumps begin with it.
  /\bset_config\b(?=\s*\([^()]*,\s*false\s*\))/i,
];

/** Commands whose effect outlives the transaction they stand in. */
const lasting = [...sessionChanges, /\bpg_(?:try_)?advisory_lock(?:_shared)?\b/i];

/** They take back what a host has set for all that use its connections. */
const resets = /^(?:reset|discard)\b/i;

/** Most queries of a plugin have none of these words, and are not read. */
const mayChangeSession =
  /\b(?:set|listen|load|prepare|temp|temporary|hold|set_config|reset|discard)\b/i;

/**
 * Finds the first top-level command whose effect outlives its transaction.
 *
 * @example findLasting(new SqlText('SET ROLE app;')) // { command: 'SET ROLE APP', line: 1, column: 1 }
 */
export function findLasting(sql: SqlText): FoundCommand | undefined {
  return findCommand(sql, lasting);
}

/**
 * Finds the first top-level command that leaves its session in another state than it was: for connections that others use
 * afterwards. Advisory locks are none.
 */
export function findSessionChange(sql: SqlText): FoundCommand | undefined {
  if (!mayChangeSession.test(sql.text)) return undefined;
  return findCommand(sql, [...sessionChanges, resets]);
}

/** Finds the first top-level command that fits one of the patterns. */
function findCommand(sql: SqlText, patterns: readonly RegExp[]): FoundCommand | undefined {
  for (const command of topLevelCommands(sql)) {
    // The settings of a dump end with its transaction.
    if (sql instanceof DumpSql && isDumpSetting(command)) continue;
    const { code, start } = command;
    for (const pattern of patterns) {
      const found = pattern.exec(code);
      if (!found) continue;
      return { command: showCommand(found[0]), ...sql.positionAt(start) };
    }
  }
  return undefined;
}

/**
 * The commands that surely are commands. Where exactly a body of `BEGIN ATOMIC … END` ends, its text alone does not say: the
 * rest of such a statement is left to the checks at run time.
 */
function* topLevelCommands({ statements }: SqlText): Generator<SqlCommand, void> {
  for (const { commands } of statements) {
    for (const command of commands) {
      if (command.hasAtomicBody) break;
      yield command;
    }
  }
}

/** Calls and commands that give up every lock of the session, or the session itself. */
const frees =
  /\bpg_advisory_unlock_all(?=\s*\(\s*\))|\bpg_terminate_backend\s*\(\s*(?:pg_catalog\s*\.\s*)?pg_backend_pid\s*\(\s*\)|^discard\s+all\b/i;

/** Most files have none of these words, and need no closer look. */
const mayFree = /pg_advisory_unlock_all|pg_terminate_backend|\bdiscard\b/i;

/** Commands that keep a query or a body for later, and do not run it. */
const defines =
  /^create\s+(?:or\s+replace\s+)?(?:(?:temp|temporary|recursive|constraint)\s+)*(?:view|rule|function|procedure|trigger|policy)\b/i;

/**
 * Finds the first command of a migration that frees its migration lock, so that another replica could run the same file. The
 * bodies of DO blocks are run and searched; those of functions are only defined. A call that is hidden in a function, or in a
 * text for EXECUTE, shows when the file commits.
 *
 * @example findLockRelease(new SqlText('select pg_advisory_unlock_all()')) // { command: 'PG_ADVISORY_UNLOCK_ALL', line: 1, column: 8 }
 */
export function findLockRelease(sql: SqlText): FoundCommand | undefined {
  if (!mayFree.test(sql.text)) return undefined;
  for (const command of topLevelCommands(sql)) {
    const found = defines.test(command.code) ? undefined : findFreeing(command, 0);
    if (!found) continue;
    return { command: showCommand(found.text), ...sql.positionAt(found.index) };
  }
  return undefined;
}

interface Finding {
  readonly text: string;
  readonly index: number;
}

function findFreeing({ code, start, bodies }: SqlCommand, offset: number): Finding | undefined {
  const found = frees.exec(code.replaceAll('"', ' '));
  if (found) return { text: found[0], index: offset + start + found.index };
  if (!/^do\b/i.test(code)) return undefined;
  for (const body of bodies) {
    for (const command of body.sql.commands) {
      const inBody = findFreeing(command, offset + body.start);
      if (inBody) return inBody;
    }
  }
  return undefined;
}

function showCommand(written: string): string {
  return written.replaceAll(/\s+/g, ' ').toUpperCase();
}

const copyFromStdin = [/^copy\b.*\bfrom\s+stdin\b/is];
const quotedNameOrBackslash = /"(?:[^"]|"")*"|\\[^\s'"]*/g;

/**
 * Finds the first thing in a text that only psql understands: a command with a backslash, or COPY FROM STDIN, whose rows psql
 * sends. SQL has no backslash outside of literals, quoted names and comments.
 *
 * @example findPsqlCommand(new SqlText('\\restrict abc\nCREATE TABLE a ();')) // { command: '\\restrict', line: 1, column: 1 }
 */
export function findPsqlCommand(sql: SqlText): FoundCommand | undefined {
  const copy = /\bstdin\b/i.test(sql.text) ? findCommand(sql, copyFromStdin) : undefined;
  const backslash = sql.text.includes('\\') ? findBackslash(sql) : undefined;
  // The rows behind a COPY are no SQL, so a backslash among them says nothing.
  return copy && (!backslash || copy.line <= backslash.line)
    ? { ...copy, command: 'COPY FROM STDIN' }
    : backslash;
}

function findBackslash(sql: SqlText): FoundCommand | undefined {
  for (const { code, start } of sql.commands) {
    if (!code.includes('\\')) continue;
    for (const { 0: command, index } of code.matchAll(quotedNameOrBackslash)) {
      if (!command.startsWith('\\')) continue;
      return { command, ...sql.positionAt(start + index) };
    }
  }
  return undefined;
}

/** Whether one of psql's variables stands at `index`: `:name`, `:'name'` or `:"name"`. */
export function isPsqlVariable(text: string, index: number): boolean {
  return /^:['"A-Za-z_]/.test(text.slice(index, index + 2));
}

/** What to do about something that only psql understands. */
export function psqlAdvice(command: string, file: string): string {
  if (command === String.raw`\restrict`) {
    return `pg_dump wrote \\restrict for psql. It is left out of a dump as pg_dump made it, of up to 16 MB: make the dump again with --schema-only, or remove \\restrict from ${file}.`;
  }
  if (command.startsWith('\\')) {
    return `Lines that begin with a backslash are commands of psql, not SQL: remove ${command} from ${file}.`;
  }
  return command.startsWith('COPY')
    ? `COPY FROM STDIN needs data that a migration cannot send: turn it into INSERT in ${file}, as pg_dump --inserts does.`
    : `PostgreSQL does not know the variables of psql: write the value in place of ${command} in ${file}.`;
}
