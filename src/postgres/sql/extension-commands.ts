import { lexSql } from './sql-lexer.ts';

/** A `CREATE EXTENSION`. */
interface ExtensionCommand {
  /** As it is in the catalogs. */
  readonly name: string;
  /** The version that it insists on. */
  readonly version?: string;
  /** Whether it leaves it to the `search_path` where the extension goes. */
  readonly isHomeless: boolean;
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

/** `VERSION` with its value, a literal or a word, in the form of {@link showCode}. */
const versionOption = new RegExp(String.raw`\bversion\s+(?<value>'+|${name})`, 'id');

/** Finds each `CREATE EXTENSION`: not in literals, comments, or the bodies of functions and DO blocks. */
export function findExtensionCommands(text: string): readonly ExtensionCommand[] {
  if (!hasAny.test(text)) return [];
  return Array.from(showCode(text).matchAll(createExtension), (found) => {
    const { command = '', name: masked = '', rest = '' } = found.groups ?? {};
    const start = found.index + found[0].length - rest.length - command.length;
    const insertAt = start + command.length;
    const end = insertAt + rest.length;
    const nameAt = start + command.indexOf(masked);
    const [from, to] = versionOption.exec(rest)?.indices?.groups?.['value'] ?? [];
    const version =
      from === undefined ? undefined : versionIn(text.slice(insertAt + from, insertAt + (to ?? 0)));
    return {
      name: nameIn(text.slice(nameAt, nameAt + masked.length)),
      ...(version !== undefined && { version }),
      isHomeless: !/\bschema\b/i.test(rest),
      insertAt,
      start,
      end,
    };
  });
}

/**
 * Finds each `CREATE EXTENSION` without a `SCHEMA`.
 *
 * @example findHomelessExtensions('create extension citext;') // [{ name: 'citext', insertAt: 23, start: 0, end: 23, … }]
 */
export function findHomelessExtensions(text: string): readonly ExtensionCommand[] {
  return findExtensionCommands(text).filter(({ isHomeless }) => isHomeless);
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

function versionIn(written: string): string {
  return written.startsWith("'") ? written.slice(1, -1) : nameIn(written);
}
