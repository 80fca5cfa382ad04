import { keptName, namePart } from './sql-names.ts';
import type { SqlCommand, SqlText } from './sql-text.ts';

/** A `CREATE EXTENSION`. */
interface ExtensionCommand {
  /** As it is in the catalogs. */
  readonly name: string;
  /** The version that it insists on. */
  readonly version?: string;
  /** Whether it has a `SCHEMA`; without one, the `search_path` decides where the extension goes. */
  readonly namesSchema: boolean;
  /** Where ` SCHEMA …` can be put in. */
  readonly insertAt: number;
  /** Where the command begins. */
  readonly start: number;
  readonly end: number;
}

const createExtension = new RegExp(
  String.raw`^create\s+extension\s+(?:if\s+not\s+exists\s+)?(?<name>${namePart})(?:\s+with(?![\w$]))?`,
  'i',
);

/** `VERSION` with its value, a literal or a word. */
const versionOption = new RegExp(String.raw`\bversion\s+(?<value>'+|${namePart})`, 'i');

/** Whether a text may have a `CREATE EXTENSION`. Applied files are asked as well: one without the word is not read for it. */
export function namesExtensions({ text }: SqlText): boolean {
  return /\bextension\b/i.test(text);
}

/** Finds each `CREATE EXTENSION`: not in literals, comments, or the bodies of functions and DO blocks. */
export function findExtensionCommands(sql: SqlText): readonly ExtensionCommand[] {
  if (!namesExtensions(sql)) return [];
  return sql.commands.flatMap((command) => readExtensionCommand(sql, command) ?? []);
}

function readExtensionCommand(
  sql: SqlText,
  { code, start }: SqlCommand,
): ExtensionCommand | undefined {
  const found = createExtension.exec(code);
  if (!found) return undefined;
  const insertAt = start + found[0].length;
  const options = code.slice(found[0].length);
  const version = versionOption.exec(options);
  const valueEnd = insertAt + (version ? version.index + version[0].length : 0);
  const value = version?.groups?.['value'] ?? '';
  return {
    name: keptName(found.groups?.['name'] ?? ''),
    ...(version && { version: readValue(sql.text.slice(valueEnd - value.length, valueEnd)) }),
    namesSchema: /\bschema\b/i.test(options),
    insertAt,
    start,
    end: start + code.length,
  };
}

function readValue(written: string): string {
  return written.startsWith("'") ? written.slice(1, -1) : keptName(written);
}

/**
 * Finds each `CREATE EXTENSION` without a `SCHEMA`.
 *
 * @example findHomelessExtensions(new SqlText('create extension citext;')) // [{ name: 'citext', insertAt: 23, start: 0, end: 23, … }]
 */
export function findHomelessExtensions(sql: SqlText): readonly ExtensionCommand[] {
  return findExtensionCommands(sql).filter(({ namesSchema }) => !namesSchema);
}

/** Commands that run code which is not in the file. */
const callsOthers = /^(?:select|with|call)\b/i;
/** The same in a body: words that only bodies have. */
const callsOthersInBody = /\b(?:perform|execute)\b/i;

/**
 * Whether SQL may make a schema of extensions: then it is not known before it runs whether others will find one. It names
 * extensions other than by a `CREATE EXTENSION` that needs such a schema itself, or calls what may.
 */
export function mayMakeExtensionSchema(sql: SqlText): boolean {
  let rest = sql.text;
  for (const { start, end } of findHomelessExtensions(sql).toReversed()) {
    rest = rest.slice(0, start) + rest.slice(end);
  }
  return (
    /extension/i.test(rest) ||
    callsOthersInBody.test(rest) ||
    sql.commands.some(({ code }) => callsOthers.test(code))
  );
}
