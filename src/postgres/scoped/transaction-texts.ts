import { findSessionChange } from '../sql/refused-commands.ts';
import type { SqlText } from '../sql/sql-text.ts';

const opening = /^(?:begin|start\s+transaction)\b/i;
const ending =
  /^(?:commit|end|abort|prepare\s+transaction|rollback(?!(?:\s+(?:work|transaction))?\s+to\b))\b/i;
const control =
  /^(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;
const chained = /(?<!\bno\s+)\bchain\b/i;

/** Most texts have none of these words, and are not read further. */
const anyControl = /\b(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare)\b/i;

/** The effect of a text on the transaction around it. */
interface TransactionText {
  /** Whether its first command begins a transaction. */
  readonly opens: boolean;
  /** Whether it only ends a transaction. */
  readonly onlyEnds: boolean;
}

const plain: TransactionText = { opens: false, onlyEnds: false };

/**
 * Refuses every command that begins or ends a transaction: a statement after a COMMIT would run outside of the schema.
 *
 * @throws Error
 */
export function refuseControl(sql: SqlText): void {
  if (!anyControl.test(sql.text)) return;
  const found = sql.commands.find(({ code }) => control.test(code));
  if (found === undefined) return;
  throw new Error(
    `${nameControl(found.code)} is refused: each query of the pool is a transaction of its own; take a client with connect()`,
  );
}

/**
 * Reads a text for a client on which the path is set at the beginning of each transaction. All of the text must be inside of
 * one: a BEGIN may only be its first command, and nothing may follow its COMMIT.
 *
 * @param isInside Whether a transaction is open.
 * @throws Error for a text that would run outside of a transaction, or in one without the path.
 */
export function readTransactionText(sql: SqlText, isInside: boolean): TransactionText {
  if (!anyControl.test(sql.text)) return plain;
  const commands = sql.commands.map(({ code }) => code);
  const opens = opening.test(commands[0] ?? '');
  const onlyEnds = commands.length === 1 && ending.test(commands[0] ?? '');
  const wrong = commands.find((command, index) => {
    if (ending.test(command)) return index < commands.length - 1 || chained.test(command);
    return index > 0 && opening.test(command);
  });
  const outside =
    isInside || opens || onlyEnds ? wrong : commands.find((each) => control.test(each));
  if (outside === undefined) return { opens, onlyEnds };
  throw new Error(
    `${nameControl(outside)} is refused: behind a pooler every statement must run in the transaction that sets the path; send it in a query of its own`,
  );
}

/** @throws Error for a text that would leave something to the next user of a pooler's session. */
export function refuseSessionChange(sql: SqlText): void {
  const change = findSessionChange(sql);
  if (!change) return;
  throw new Error(
    `${change.command} is refused: it outlives its transaction, and the pooler in between keeps no session`,
  );
}

function nameControl(command: string): string {
  return (control.exec(command)?.[0] ?? '').replaceAll(/\s+/g, ' ').toUpperCase();
}
