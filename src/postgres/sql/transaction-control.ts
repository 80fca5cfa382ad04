import { keepCode, lexSql } from './sql-lexer.ts';
import { positionAt } from './source-position.ts';
import { splitStatements } from './statement-splitter.ts';

/** A command in a migration file that would end its transaction, or lead it out of the plugin's schema. */
export interface TransactionControl extends FoundCommand {
  readonly kind: 'transaction' | 'searchPath';
}

/** A command that a rule has found in a text. */
export interface FoundCommand {
  /** Such as `COMMIT`. */
  readonly command: string;
  /** Counts from 1. */
  readonly line: number;
}

const transaction =
  /^(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;
const searchPath =
  /^(?:set\s+(?:session\s+|local\s+)?(?:search_path|schema)|reset\s+(?:search_path|all)|discard)\b/i;

/**
 * Finds the first top-level command that a file must leave to Slipway.
 *
 * @example findTransactionControl('CREATE TABLE a ();\nCOMMIT;') // { command: 'COMMIT', line: 2, kind: 'transaction' }
 */
export function findTransactionControl(text: string): TransactionControl | undefined {
  const found = findCommand(text, [transaction, searchPath]);
  const call = findSearchPathCall(text);
  if (call && (!found || call.line < found.line)) return { ...call, kind: 'searchPath' };
  return (
    found && { ...found, kind: transaction.test(found.command) ? 'transaction' : 'searchPath' }
  );
}

/** `SELECT set_config('search_path', …)`, with which every dump begins. */
const searchPathCall =
  /(?:^|;)\s*(select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(\s*'search_path')/gi;

function findSearchPathCall(text: string): FoundCommand | undefined {
  if (!/set_config/i.test(text)) return undefined;
  const code = keepCode(text);
  for (const found of blankComments(text).matchAll(searchPathCall)) {
    const index = found.index + found[0].length - (found[1] ?? '').length;
    // Blank there: it is inside a literal or a body.
    if (code[index] === ' ') continue;
    return { command: "set_config('search_path', …)", line: positionAt(text, index).line };
  }
  return undefined;
}

function blankComments(text: string): string {
  return Array.from(lexSql(text), ({ kind, start, end }) => {
    if (kind === 'comment') return ' '.repeat(end - start);
    return kind === 'breakpoint' ? ';'.padEnd(end - start) : text.slice(start, end);
  }).join('');
}

/**
 * Finds the first top-level command that begins like one of the patterns. What stands in literals, comments and dollar-quoted
 * bodies is none; a body of `BEGIN ATOMIC … END` looks like several statements, so that piece is left to the checks at run
 * time.
 */
export function findCommand(text: string, patterns: readonly RegExp[]): FoundCommand | undefined {
  for (const piece of splitStatements(text)) {
    const found = findIn(piece.text, patterns);
    if (!found) continue;
    const { line } = positionAt(text, piece.offset + found.offset);
    return { command: found.command, line };
  }
  return undefined;
}

function findIn(
  piece: string,
  patterns: readonly RegExp[],
): { readonly command: string; readonly offset: number } | undefined {
  const code = keepCode(piece);
  if (/\bbegin\s+atomic\b/i.test(code)) return undefined;
  let start = 0;
  for (const statement of code.split(';')) {
    const offset = start + (statement.length - statement.trimStart().length);
    const trimmed = statement.trim();
    const command = patterns.map((pattern) => pattern.exec(trimmed)?.[0]).find(Boolean);
    if (command !== undefined) {
      return { command: command.replaceAll(/\s+/g, ' ').toUpperCase(), offset };
    }
    start += statement.length + 1;
  }
  return undefined;
}
