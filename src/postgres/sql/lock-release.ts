import { lexSql } from './sql-lexer.ts';
import { positionAt } from './source-position.ts';
import { splitStatements } from './statement-splitter.ts';
import type { FoundCommand } from './transaction-control.ts';

/** Most files have none of these words, and need not be read for them. */
const hasAny = /pg_advisory_unlock_all|pg_terminate_backend|\bdiscard\b/i;

/** What gives up every lock of the session, or the session itself. */
const frees =
  /\bpg_advisory_unlock_all(?=\s*\(\s*\))|\bpg_terminate_backend\s*\(\s*(?:pg_catalog\s*\.\s*)?pg_backend_pid\s*\(\s*\)|^discard\s+all\b/i;

/** Commands that keep a query or a body for later, and do not run it. */
const defines =
  /^create\s+(?:or\s+replace\s+)?(?:(?:temp|temporary|recursive|constraint)\s+)*(?:view|rule|function|procedure|trigger|policy)\b/i;
const beginsDo = /^do(?:\s+language\s+[\w$]+)?$/i;

/**
 * Finds the first command of a migration that frees its migration lock, so that another replica could run the same file. The
 * bodies of DO blocks are run and searched; those of functions are only defined. A call that is hidden in a function, or in a
 * text for EXECUTE, shows when the file commits.
 *
 * @example findLockRelease('select pg_advisory_unlock_all()') // { command: 'PG_ADVISORY_UNLOCK_ALL', line: 1 }
 */
export function findLockRelease(text: string): FoundCommand | undefined {
  if (!hasAny.test(text)) return undefined;
  for (const piece of splitStatements(text)) {
    const code = showRun(piece.text);
    if (/\bbegin\s+atomic\b/i.test(code)) continue;
    let start = 0;
    for (const command of code.split(';')) {
      const blank = command.length - command.trimStart().length;
      const trimmed = command.trim();
      const found = defines.test(trimmed) ? null : frees.exec(trimmed);
      if (found) {
        const { line } = positionAt(text, piece.offset + start + blank + found.index);
        return { command: found[0].replaceAll(/\s+/g, ' ').toUpperCase(), line };
      }
      start += command.length + 1;
    }
  }
  return undefined;
}

/** The text with the same length, in which only what is run at once can be read: one command up to each semicolon. */
function showRun(text: string): string {
  let shown = '';
  for (const { kind, start, end } of lexSql(text)) {
    const piece = text.slice(start, end);
    if (kind === 'code') shown += piece;
    else if (kind === 'identifier') shown += piece.replaceAll(/[";]/g, ' ');
    else if (kind === 'dollar' && beginsDo.test(commandIn(shown))) shown += showBody(piece);
    else shown += ' '.repeat(piece.length);
  }
  return shown;
}

function commandIn(shown: string): string {
  return shown.slice(shown.lastIndexOf(';') + 1).trim();
}

/** All of a body belongs to the one command that runs it. */
function showBody(dollar: string): string {
  const tag = dollar.indexOf('$', 1) + 1;
  const body = showRun(dollar.slice(tag, -tag)).replaceAll(';', ' ');
  return ' '.repeat(tag) + body.padEnd(dollar.length - tag);
}
