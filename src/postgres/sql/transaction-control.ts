import { positionAt } from './source-position.ts';
import { keepCode, lexSql } from './sql-lexer.ts';

/** A command in a migration file that would end its transaction, or lead it out of the plugin's schema. */
interface TransactionControl extends FoundCommand {
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
  let found: (CodeCommand & { readonly command: string }) | undefined;
  let atomicPiece: number | undefined;
  for (const each of readCode(text)) {
    if (found && found.piece !== each.piece) break;
    if (atomic.test(each.code)) {
      atomicPiece = each.piece;
      found = undefined;
    }
    if (found || each.piece === atomicPiece) continue;
    const command = patterns.map((pattern) => pattern.exec(each.code)?.[0]).find(Boolean);
    if (command !== undefined) found = { ...each, command };
  }
  if (!found) return undefined;
  const { line } = positionAt(text, found.start);
  return { command: found.command.replaceAll(/\s+/g, ' ').toUpperCase(), line };
}

const atomic = /\bbegin\s+atomic\b/i;

/** The plain code of a command, with a blank in place of everything else. */
interface CodeCommand {
  readonly code: string;
  /** Where it begins in the text. */
  readonly start: number;
  /** Counts the pieces between Drizzle's breakpoints. */
  readonly piece: number;
}

function* readCode(text: string): Generator<CodeCommand, void> {
  let code = '';
  let start = 0;
  let piece = 0;
  const add = (part: string, at: number): void => {
    if (code !== '') code += part;
    else {
      code = part.trimStart();
      start = at + part.length - code.length;
    }
  };
  for (const { kind, start: begin, end } of lexSql(text)) {
    if (kind === 'code') {
      const part = text.slice(begin, end);
      let from = 0;
      for (let at = part.indexOf(';'); at >= 0; at = part.indexOf(';', from)) {
        add(part.slice(from, at), begin + from);
        if (code !== '') yield { code, start, piece };
        code = '';
        from = at + 1;
      }
      add(part.slice(from), begin + from);
    } else if (kind === 'breakpoint') {
      if (code !== '') yield { code, start, piece };
      code = '';
      piece += 1;
    } else if (code !== '') code += ' ';
  }
  if (code !== '') yield { code, start, piece };
}
