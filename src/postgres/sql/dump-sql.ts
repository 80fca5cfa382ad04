import { quoteIdentifier } from './identifier.ts';
import type { SqlEdit } from './sql-edits.ts';
import { keptName, namePart } from './sql-names.ts';
import { nestedCommands, SqlText, type SqlCommand } from './sql-text.ts';

/**
 * The beginning of a dump: comments, commands of psql, and the settings of its session, up to the first command that makes
 * something. There is no literal with a line end in it, so that lines are lines.
 */
const opening =
  /^\uFEFF?(?:(?:[ \t]*(?:--[^\r\n]*|\\restrict \S+|SET [^;\r\n]*;|SELECT pg_catalog\.set_config\('search_path', '', false\);))?[ \t]*(?:\r?\n|$))+/;
const title = /^-- PostgreSQL database dump\r?$/m;
const emptyPath = /^SELECT pg_catalog\.set_config\('search_path', '', false\);/gm;

/** Since the security releases of August 2025, the same key stands at both ends of a dump: none of its data can have it. */
const restrict = /^\\restrict (\S+)/m;

/** The characters at the beginning of a dump that show what it is. */
export const openingLength = 64 * 1024;

/**
 * Whether a text is what pg_dump wrote, of PostgreSQL 12 to 18. One that was edited until it was plain SQL, without the empty
 * `search_path`, is a file like any other.
 *
 * @param text The text, or the first 64 K characters of it.
 */
export function isDump(text: string): boolean {
  const found = readOpening(text);
  return found.search(title) >= 0 && found.search(emptyPath) >= 0;
}

function readOpening(text: string): string {
  return opening.exec(text.slice(0, openingLength))?.[0] ?? '';
}

/** The SQL of a dump. What only psql understands, and the empty `search_path`, are blanks; each character is in its place. */
export class DumpSql extends SqlText {
  readonly #original: string;

  constructor(text: string) {
    super(blankOut(text));
    this.#original = text;
  }

  override get original(): string {
    return this.#original;
  }
}

function blankOut(text: string): string {
  const head = readOpening(text);
  const key = restrict.exec(head)?.[1];
  const blanked = head.replace(restrict, toBlanks).replaceAll(emptyPath, toBlanks);
  const rest = text.slice(head.length);
  if (key === undefined) return blanked + rest;
  const end = `\\unrestrict ${key}`;
  const at = rest.lastIndexOf(end);
  if (at < 0 || rest.slice(at + end.length).trim() !== '') return blanked + rest;
  return blanked + rest.slice(0, at) + toBlanks(end) + rest.slice(at + end.length);
}

function toBlanks(text: string): string {
  return ' '.repeat(text.length);
}

/**
 * Settings that a dump makes for psql, and that do not matter here: its timeouts would replace the limits of a migration. The
 * text has been read as UTF-8.
 */
const droppedSetting =
  /^set\s+(?:statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|client_encoding|standard_conforming_strings|xmloption|client_min_messages|row_security)\b/i;
/** Settings for what comes after them in the dump. */
const keptSetting =
  /^set\s+(?=(?:check_function_bodies|default_tablespace|default_table_access_method|default_toast_compression)\b)/i;

/** Whether a command of a dump is a setting that {@link dumpEdits} takes out, or ends with its transaction. */
export function isDumpSetting({ code }: SqlCommand): boolean {
  return droppedSetting.test(code) || keptSetting.test(code);
}

/**
 * The edits that make a dump run in `schema`, in memory. Its settings end with its transaction, or are left out. A schema that
 * exists already is not made again, and comments on schemas and extensions, which belong to others, are left out. What the dump
 * itself makes in `public` is made in `schema`.
 *
 * @param isPublicRewritten Whether names in `public` are rewritten.
 */
export function dumpEdits(
  sql: SqlText,
  schema: string,
  isPublicRewritten: boolean,
): readonly SqlEdit[] {
  if (!(sql instanceof DumpSql)) return [];
  const rewritten = isPublicRewritten && schema !== 'public' ? readMadeInPublic(sql) : noNames;
  return [
    ...sql.commands.flatMap((command) => editCommand(command, schema)),
    ...(rewritten.size > 0 ? [...publicNameEdits(sql, schema, rewritten)] : []),
  ];
}

const noNames: ReadonlySet<string> = new Set();

function editCommand(command: SqlCommand, schema: string): readonly SqlEdit[] {
  const { code, start } = command;
  const kept = keptSetting.exec(code)?.[0].length;
  if (kept !== undefined)
    return [{ start: start + kept, end: start + kept, replacement: 'LOCAL ' }];
  const isLeftOut = droppedSetting.test(code) || touchesOthers(code, schema);
  return isLeftOut ? [{ start, end: start + code.length, replacement: '' }] : [];
}

const ofSchema = new RegExp(
  String.raw`^(?:create\s+schema\s+(?:if\s+not\s+exists\s+)?(?<made>${namePart})$|comment\s+on\s+schema\s+(?<noted>${namePart}))`,
  'i',
);

function touchesOthers(code: string, schema: string): boolean {
  if (/^comment\s+on\s+extension\b/i.test(code)) return true;
  const { made, noted } = ofSchema.exec(code)?.groups ?? {};
  const name = made ?? noted;
  return name !== undefined && ['public', schema].includes(keptName(name));
}

/** The sign of an operator, or a name. pg_dump never quotes `public`, and puts no blank around its dot. */
const signOrName = String.raw`(?:${namePart}|[-+*/<>=~!@#%^&|\x60?]+)`;
const inPublic = new RegExp(
  String.raw`(?<![\w$".\u0080-\uffff])public\.(?<name>${signOrName})`,
  'g',
);

const makes = new RegExp(
  String.raw`^create\s+(?:or\s+replace\s+)?(?:(?:unlogged|foreign|recursive|materialized)\s+)*(?:table|view|sequence|type|domain|function|procedure|aggregate|operator(?:\s+(?:class|family))?|collation|(?:default\s+)?conversion|statistics|text\s+search\s+\w+)\s+public\.(?<name>${signOrName})`,
  'i',
);
const makesBeside = new RegExp(
  String.raw`^create\s+(?:unique\s+)?index\s+(?<index>${namePart})\s+on\b|\badd\s+constraint\s+(?<constraint>${namePart})|\bsequence\s+name\s+public\.(?<sequence>${namePart})`,
  'i',
);

/** The names of what a dump makes in `public`. What its extensions have there is not among them. */
function readMadeInPublic({ commands }: SqlText): ReadonlySet<string> {
  const names = commands.flatMap(({ code }) => {
    const groups = { ...makes.exec(code)?.groups, ...makesBeside.exec(code)?.groups };
    return Object.values(groups).filter((name) => name !== undefined);
  });
  return new Set(names.map(keptName));
}

/** Names in code, in bodies of functions, and in literals that name an object: `nextval('public.orders_id_seq'::regclass)`. */
function* publicNameEdits(
  sql: SqlText,
  schema: string,
  names: ReadonlySet<string>,
): Generator<SqlEdit, void> {
  const replacement = quoteIdentifier(schema);
  for (const { command, start, isInBody } of nestedCommands(sql)) {
    const { code } = command;
    for (const { index, groups } of code.matchAll(inPublic)) {
      if (!names.has(keptName(groups?.['name'] ?? ''))) continue;
      yield { start: start + index, end: start + index + 'public'.length, replacement };
    }
    if (isInBody) continue;
    for (const { 0: found, index } of code.matchAll(objectLiteral)) {
      const at = start + index + found.indexOf("'");
      const name = nameInLiteral.exec(sql.text.slice(at, at + 200))?.groups?.['name'];
      if (name === undefined || !names.has(keptName(name.replaceAll("''", "'")))) continue;
      const quoted = replacement.replaceAll("'", "''");
      yield { start: at + 1, end: at + 1 + 'public'.length, replacement: quoted };
    }
  }
}

const objectLiteral = /\b(?:next|set|curr)val\s*\(\s*'+|'+(?=::(?:pg_catalog\.)?reg[a-z]+\b)/gi;
const nameInLiteral = new RegExp(String.raw`^'public\.(?<name>${namePart})`);
