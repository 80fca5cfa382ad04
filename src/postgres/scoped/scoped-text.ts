import { readLoneCommand } from '../sql/lone-commands.ts';
import { findSessionChange } from '../sql/refused-commands.ts';
import { SqlText } from '../sql/sql-text.ts';

/** The facts about a text of SQL that matter for its transaction and its session. */
export interface ScopedText {
  /**
   * - `rows`: one command that reads or changes rows, or none.
   * - `other`: several commands, or one such as `SET TRANSACTION`, which must come before any query.
   * - `block`: a `DO` or a `CALL`, which may commit when nothing else is in its message.
   * - `opening`: its first command begins a transaction.
   * - `control`: it ends a transaction, or sets or releases a savepoint.
   */
  readonly form: 'rows' | 'other' | 'block' | 'opening' | 'control';
  /** A command whose effect outlives its transaction, such as `SET ROLE`. */
  readonly sessionChange: string | undefined;
  /** A command that runs in no transaction, such as `VACUUM`. */
  readonly lone: string | undefined;
  /** The first command that begins or ends a transaction, or part of one. */
  readonly transactionControl: string | undefined;
  /** The command that would let others of the text run under another path, if a transaction is open. */
  readonly outsideWhenOpen: string | undefined;
  /** The same, if none is open. */
  readonly outsideWhenIdle: string | undefined;
  /** The end of the first command. */
  readonly firstEnd: number;
}

/** Nearly every text: one command that reads or changes rows. It is not read further. */
const ordinary = /^\s*(?:select|insert|update|delete|with|values|merge|table|show|explain)\b/i;
const extraordinary = /;(?!\s*$)|\bset_config\b|\binto\s+(?:(?:local|global)\s+)?temp/i;

const rows: ScopedText = {
  form: 'rows',
  firstEnd: 0,
  sessionChange: undefined,
  lone: undefined,
  transactionControl: undefined,
  outsideWhenOpen: undefined,
  outsideWhenIdle: undefined,
};

const opening = /^(?:begin|start\s+transaction)\b/i;
const ending =
  /^(?:commit|end|abort|prepare\s+transaction|rollback(?!(?:\s+(?:work|transaction))?\s+to\b))\b/i;
const control =
  /^(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;
const chained = /(?<!\bno\s+)\bchain\b/i;
const block = /^(?:call|do)\b/i;

/** The facts about other texts, by text: `begin` and `commit` come again with every transaction. */
const known = new Map<string, ScopedText>();
const mostKnown = 200;
const longestKnown = 200;

/** Reads a text once, before it is sent. */
export function readScopedText(text: string): ScopedText {
  if (ordinary.test(text) && !extraordinary.test(text)) return rows;
  if (text.length > longestKnown) return readInFull(text);
  const found = known.get(text);
  if (found) return found;
  const read = readInFull(text);
  if (known.size >= mostKnown) known.clear();
  known.set(text, read);
  return read;
}

function readInFull(text: string): ScopedText {
  const sql = new SqlText(text);
  const [begin] = sql.commands;
  const commands = sql.commands.map(({ code }) => code);
  const form = readForm(commands);
  const transactionControl = findControl(commands);
  const outsideWhenOpen = findOutside(commands);
  const isEnd = commands.length === 1 && ending.test(commands[0] ?? '');
  return {
    form,
    firstEnd: begin ? begin.start + begin.code.length : 0,
    sessionChange: findSessionChange(sql)?.command,
    lone: nameLone(sql),
    transactionControl,
    outsideWhenOpen,
    outsideWhenIdle: form === 'opening' || isEnd ? outsideWhenOpen : transactionControl,
  };
}

function readForm(commands: readonly string[]): ScopedText['form'] {
  const [first = ''] = commands;
  if (opening.test(first)) return 'opening';
  if (findControl(commands) !== undefined) return 'control';
  if (commands.length > 1) return 'other';
  if (block.test(first)) return 'block';
  return first === '' || ordinary.test(first) ? 'rows' : 'other';
}

function findControl(commands: readonly string[]): string | undefined {
  return nameControl(commands.find((command) => control.test(command)));
}

function findOutside(commands: readonly string[]): string | undefined {
  return nameControl(
    commands.find((command, index) =>
      ending.test(command)
        ? index < commands.length - 1 || chained.test(command)
        : index > 0 && opening.test(command),
    ),
  );
}

/** Returns the error that refuses a text on a client, inside or outside of a transaction. Its message says what to do. */
export function refuseText(
  read: ScopedText,
  { isInside }: { readonly isInside: boolean },
): Error | undefined {
  if (read.lone !== undefined) return refuseLone(read.lone);
  const outside = isInside ? read.outsideWhenOpen : read.outsideWhenIdle;
  if (outside === undefined) return undefined;
  return new Error(
    `${outside} is refused: every command must run in a transaction that sets the search_path; send it in a query of its own`,
  );
}

/** Returns the error that refuses a text as a query of the pool. */
export function refusePoolText({ lone, transactionControl }: ScopedText): Error | undefined {
  if (lone !== undefined) return refuseLone(lone);
  if (transactionControl === undefined) return undefined;
  return new Error(
    `${transactionControl} is refused: each query of the pool is a transaction of its own; take a client with connect()`,
  );
}

function refuseLone(command: string): Error {
  return new Error(
    `${command} is refused: it runs in no transaction, and only a transaction has the search_path of the plugin; send it to the host's pool, with the schema before each name`,
  );
}

function nameControl(command: string | undefined): string | undefined {
  return command && control.exec(command)?.[0].replaceAll(/\s+/g, ' ').toUpperCase();
}

/** Returns the keywords of the first command that runs in no transaction. */
function nameLone({ commands }: SqlText): string | undefined {
  const lone = commands.find((command) => readLoneCommand(command) !== undefined);
  return lone && keywords.exec(lone.code)?.[0].replaceAll(/\s+/g, ' ').toUpperCase();
}

const keywords =
  /^\w+(?:\s+(?:unique|index|concurrently|table|database|tablespace|subscription|system|schema)\b)*/i;
