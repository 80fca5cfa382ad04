import { partsOfName, qualifiedName, splitList } from './sql-commands.ts';
import { lexSql } from './sql-lexer.ts';
import { positionAt } from './source-position.ts';

/** A function that a text makes or alters, with the `search_path` that it runs with. */
export interface FunctionPath {
  /** Without its schema, as PostgreSQL keeps it. */
  readonly name: string;
  /** As it is written: `SET search_path = public, pg_temp`. */
  readonly clause: string;
  readonly schemas: readonly string[];
  /** Where the clause begins in the text. */
  readonly index: number;
  /** Counts from 1. */
  readonly line: number;
}

/** Most files have neither, and need not be read for them. */
const hasAny = /search_path|\bset\s+schema\b/i;

const head = new RegExp(
  String.raw`\b(?:create\s+(?:or\s+replace\s+)?|alter\s+)(?:function|procedure|routine)\s+(?<name>${qualifiedName})`,
  'i',
);
const item = String.raw`(?:'+|"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const clauses = new RegExp(
  String.raw`\bset\s+(?:local\s+|session\s+)?(?:"?search_path"?\s*(?:=|\bto\b)|schema(?=\s+'))\s*(?<list>${item}(?:\s*,\s*${item})*)` +
    String.raw`|\bset_config\s*\(\s*(?<setting>'+)\s*,\s*(?<value>'+)`,
  'gi',
);

/**
 * Finds the functions of a text that set a `search_path` for themselves: by a clause before or behind the body, in the body, by
 * ALTER, or in a DO block that makes them. `FROM CURRENT` and `DEFAULT` set none of their own.
 *
 * @example findFunctionPaths(`CREATE FUNCTION f() … SET search_path = public AS '…'`)[0]?.schemas // ['public']
 */
export function findFunctionPaths(text: string): readonly FunctionPath[] {
  if (!hasAny.test(text)) return [];
  return readPaths(text, 0).map((found) => ({
    ...found,
    line: positionAt(text, found.index).line,
  }));
}

type Found = Omit<FunctionPath, 'line'>;

/** @param offset Where `text` begins in the whole. */
function readPaths(text: string, offset: number): readonly Found[] {
  const { shown, bodies } = show(text);
  const found: Found[] = [];
  let start = 0;
  for (const command of shown.split(';')) {
    const end = start + command.length;
    const inside = bodies.filter((body) => body.start >= start && body.end <= end);
    const written = head.exec(command)?.groups?.['name'];
    if (written === undefined) {
      // A DO block may make functions.
      found.push(...inside.flatMap((body) => readPaths(body.text, offset + body.start)));
    } else {
      const name = partsOfName(foldName(written)).at(-1) ?? written;
      const places = [
        { text: text.slice(start, end), shown: command, start },
        ...inside.map((body) => ({ ...body, shown: show(body.text).shown })),
      ];
      for (const place of places) {
        for (const clause of readClauses(place.text, place.shown)) {
          found.push({ name, ...clause, index: offset + place.start + clause.index });
        }
      }
    }
    start = end + 1;
  }
  return found;
}

function readClauses(text: string, shown: string): readonly Omit<Found, 'name'>[] {
  return [...shown.matchAll(clauses)].flatMap(({ 0: whole, index, groups = {} }) => {
    const { list, setting, value = '' } = groups;
    const clause = text.slice(index, index + whole.length).replaceAll(/\s+/g, ' ');
    if (list !== undefined) {
      const names = splitList(text.slice(index + whole.length - list.length, index + whole.length));
      const schemas = names.map(schemaIn);
      return list.toLowerCase() === 'default' ? [] : [{ clause, schemas, index }];
    }
    const literals = text.slice(index, index + whole.length).match(/'(?:[^']|'')*'/g) ?? [];
    if (setting === undefined || value === '' || schemaIn(literals[0] ?? '') !== 'search_path') {
      return [];
    }
    const schemas = splitList(schemaIn(literals[1] ?? '')).map(schemaIn);
    return [{ clause: `${clause})`, schemas, index }];
  });
}

/** In a list, a literal is a name too. */
function schemaIn(written: string): string {
  const quoted = /^(?:e?'(?<literal>.*)'|"(?<name>.*)")$/is.exec(written)?.groups;
  if (!quoted) return written.toLowerCase();
  return quoted['literal']?.replaceAll("''", "'") ?? quoted['name']?.replaceAll('""', '"') ?? '';
}

function foldName(written: string): string {
  return written.replaceAll(/"(?:[^"]|"")*"|[^"]+/g, (piece) =>
    piece.startsWith('"') ? piece : piece.toLowerCase(),
  );
}

interface Body {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The text with the same length, in which literals are quotes only, and the dollar-quoted bodies in it. */
function show(text: string): { readonly shown: string; readonly bodies: readonly Body[] } {
  let shown = '';
  const bodies: Body[] = [];
  for (const { kind, start, end } of lexSql(text)) {
    const piece = text.slice(start, end);
    if (kind === 'code') shown += piece;
    else if (kind === 'identifier') shown += piece.replaceAll(';', '_');
    else if (kind === 'breakpoint') shown += ';'.padEnd(piece.length);
    else shown += (kind === 'comment' ? ' ' : "'").repeat(piece.length);
    if (kind === 'dollar') {
      const tag = piece.indexOf('$', 1) + 1;
      bodies.push({ text: piece.slice(tag, -tag), start: start + tag, end: end - tag });
    }
  }
  return { shown, bodies };
}
