import { lexSql } from './sql-lexer.ts';

/** A `CREATE EXTENSION` that leaves it to the `search_path` where the extension goes. */
export interface HomelessExtension {
  /** As it is in the catalogs. */
  readonly name: string;
  /** Where ` SCHEMA …` can be put in. */
  readonly insertAt: number;
  /** Where the command begins. */
  readonly start: number;
  readonly end: number;
}

const name = String.raw`"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*`;

const createExtension = new RegExp(
  String.raw`(?:^|;)\s*(?<command>create\s+extension\s+(?:if\s+not\s+exists\s+)?(?<name>${name})(?:\s+with(?![\w$]))?)(?<rest>[^;]*)`,
  'gi',
);

/** Most files have none, and need not be read for them. */
const hasAny = /\bextension\b/i;

/**
 * Finds each `CREATE EXTENSION` without a `SCHEMA`: not in literals, comments, or the bodies of functions and DO blocks.
 *
 * @example findHomelessExtensions('create extension citext;') // [{ name: 'citext', insertAt: 23, start: 0, end: 23 }]
 */
export function findHomelessExtensions(text: string): readonly HomelessExtension[] {
  if (!hasAny.test(text)) return [];
  return [...showCode(text).matchAll(createExtension)].flatMap((found) => {
    const { command = '', name: masked = '', rest = '' } = found.groups ?? {};
    if (/\bschema\b/i.test(rest)) return [];
    const start = found.index + found[0].length - rest.length - command.length;
    const nameAt = start + command.indexOf(masked);
    return {
      name: nameIn(text.slice(nameAt, nameAt + masked.length)),
      insertAt: start + command.length,
      start,
      end: start + command.length + rest.length,
    };
  });
}

/** Commands that run code which is not in the file; those in a body are found by the words that only bodies have. */
const callsOthers = /(?:^|;)\s*(?:select|with|call)\b/i;
const mayCallOthers = /select|with|call/i;
const callsOthersInBody = /\b(?:perform|execute)\b/i;

/**
 * Whether SQL may make a schema of extensions: then nobody knows before it runs whether others will find one. It speaks of
 * extensions other than by a `CREATE EXTENSION` that needs such a schema itself, or calls what may.
 */
export function mayPlaceExtensions(text: string): boolean {
  let rest = text;
  for (const { start, end } of findHomelessExtensions(text).toReversed()) {
    rest = rest.slice(0, start) + rest.slice(end);
  }
  return (
    /extension/i.test(rest) ||
    callsOthersInBody.test(rest) ||
    (mayCallOthers.test(rest) && callsOthers.test(showCode(rest)))
  );
}

/**
 * The text with the same length, in which nothing but code can be taken for SQL: breakpoints are semicolons, and there are
 * none inside quoted names.
 */
function showCode(text: string): string {
  let shown = '';
  for (const { kind, start, end } of lexSql(text)) {
    const piece = text.slice(start, end);
    if (kind === 'code') shown += piece.replaceAll('\uFEFF', ' ');
    else if (kind === 'identifier') shown += piece.replaceAll(';', '_');
    else if (kind === 'breakpoint') shown += ';'.padEnd(piece.length);
    else shown += (kind === 'comment' ? ' ' : "'").repeat(piece.length);
  }
  return shown;
}

function nameIn(written: string): string {
  return written.startsWith('"')
    ? written.slice(1, -1).replaceAll('""', '"')
    : written.toLowerCase();
}
