import { keptName, splitName, qualifiedName, splitList } from './sql-names.ts';
import type { SqlCommand, SqlText } from './sql-text.ts';
import type { TextPosition } from './text-position.ts';

/** A function that a text makes or alters, with the `search_path` that it runs with. */
export interface FunctionPath extends TextPosition {
  /** Without its schema, as PostgreSQL keeps it. */
  readonly name: string;
  /** As it is written: `SET search_path = public, pg_temp`. */
  readonly clause: string;
  readonly schemas: readonly string[];
  /** Where the clause begins in the text. */
  readonly index: number;
}

type Found = Omit<FunctionPath, keyof TextPosition>;

/** Most files have neither, and their commands and bodies need no closer look. */
const mayHaveAny = /search_path|\bset\s+schema\b/i;

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
 * @example findFunctionPaths(new SqlText(`CREATE FUNCTION f() … SET search_path = public AS '…'`))[0]?.schemas // ['public']
 */
export function findFunctionPaths(sql: SqlText): readonly FunctionPath[] {
  if (!mayHaveAny.test(sql.text)) return [];
  return readPaths(sql, 0).map((found) => {
    return { ...found, ...sql.positionAt(found.index) };
  });
}

/** @param offset Where the text begins in the whole. */
function readPaths(sql: SqlText, offset: number): readonly Found[] {
  return sql.commands.flatMap((command): readonly Found[] => {
    const written = head.exec(command.code)?.groups?.['name'];
    if (written === undefined) {
      // A DO block may make functions.
      return command.bodies.flatMap(({ sql: body, start }) => readPaths(body, offset + start));
    }
    const name = splitName(written).at(-1) ?? written;
    const inBodies = command.bodies.flatMap(({ sql: body, start }) =>
      body.commands.flatMap((inner) => readClauses(body, inner, offset + start)),
    );
    return [...readClauses(sql, command, offset), ...inBodies].map((found) => ({ name, ...found }));
  });
}

function readClauses(
  { text }: SqlText,
  { code, start }: SqlCommand,
  offset: number,
): readonly Omit<Found, 'name'>[] {
  return Array.from(code.matchAll(clauses)).flatMap(({ 0: { length }, index: at, groups = {} }) => {
    const { list, setting, value = '' } = groups;
    const end = start + at + length;
    const written = text.slice(start + at, end);
    const clause = written.replaceAll(/\s+/g, ' ');
    const index = offset + start + at;
    if (list !== undefined) {
      const schemas = splitList(text.slice(end - list.length, end)).map(schemaIn);
      return list.toLowerCase() === 'default' ? [] : [{ clause, schemas, index }];
    }
    const literals = written.match(/'(?:[^']|'')*'/g) ?? [];
    if (setting === undefined || value === '' || schemaIn(literals[0] ?? '') !== 'search_path') {
      return [];
    }
    const schemas = splitList(schemaIn(literals[1] ?? '')).map(schemaIn);
    return [{ clause: `${clause})`, schemas, index }];
  });
}

/** In a list, a literal is a name as well. */
function schemaIn(written: string): string {
  const literal = /^e?'(?<content>.*)'$/is.exec(written)?.groups?.['content'];
  return literal?.replaceAll("''", "'") ?? keptName(written);
}
