import { namePart, splitName, qualifiedName, splitList } from './sql-names.ts';
import type { SqlText } from './sql-text.ts';

/** Something that a text makes, and that a catalog can be asked for. */
export interface MadeObject {
  readonly kind: 'relation' | 'type' | 'function' | 'column' | 'constraint';
  /** Undefined where the text names none. */
  readonly schema: string | undefined;
  readonly name: string;
  /** The table of a column or a constraint. */
  readonly table?: string;
}

interface MadeObjects {
  readonly objects: readonly MadeObject[];
  /** The number of commands whose work no catalog shows, such as INSERT or a DO block. */
  readonly others: number;
}

const name = `(?<name>${qualifiedName})`;
const guard = String.raw`(?:if\s+not\s+exists\s+)?`;

const creating: readonly (readonly [form: RegExp, kind: MadeObject['kind']])[] = [
  [
    new RegExp(
      String.raw`^create\s+(?:unlogged\s+)?(?:table|sequence|(?:materialized\s+)?view)\s+${guard}${name}`,
      'i',
    ),
    'relation',
  ],
  [new RegExp(String.raw`^create\s+(?:type|domain)\s+${name}`, 'i'), 'type'],
  [new RegExp(String.raw`^create\s+(?:function|procedure)\s+${name}`, 'i'), 'function'],
];
const index = new RegExp(
  String.raw`^create\s+(?:unique\s+)?index\s+${guard}(?<name>${namePart})\s+on\s+(?:only\s+)?(?<table>${qualifiedName})`,
  'i',
);
const alterTable = new RegExp(
  String.raw`^alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?<table>${qualifiedName})\s+(?<rest>.*)`,
  'is',
);
const addConstraint = new RegExp(String.raw`^add\s+constraint\s+(?<name>${namePart})`, 'i');
const addColumn = new RegExp(
  String.raw`^add\s+(?!(?:constraint|primary|foreign|unique|check|exclude)\b)(?:column\s+)?${guard}(?<name>${namePart})`,
  'i',
);

/**
 * Reads from a text what it makes.
 *
 * @example readMadeObjects(new SqlText('CREATE TABLE t (); INSERT INTO t …')) // { objects: [{ kind: 'relation', name: 't', … }], others: 1 }
 */
export function readMadeObjects(sql: SqlText): MadeObjects {
  const each = sql.commands.map(({ code }) => readCommand(code));
  return {
    objects: each.flatMap((made) => made ?? []),
    others: each.filter((made) => made === undefined).length,
  };
}

function readCommand(command: string): readonly MadeObject[] | undefined {
  for (const [form, kind] of creating) {
    const found = form.exec(command)?.groups?.['name'];
    if (found !== undefined) return [{ kind, ...split(found) }];
  }
  const built = index.exec(command)?.groups;
  if (built) {
    // An index is always in the schema of its table.
    const { schema } = split(built['table'] ?? '');
    return [{ kind: 'relation', schema, name: split(built['name'] ?? '').name }];
  }
  const altered = alterTable.exec(command)?.groups;
  return altered && readAlterTable(altered['table'] ?? '', altered['rest'] ?? '');
}

function readAlterTable(written: string, rest: string): readonly MadeObject[] | undefined {
  const { schema, name: table } = split(written);
  const made = splitList(rest).map((subcommand): MadeObject | undefined => {
    const constraint = addConstraint.exec(subcommand)?.groups?.['name'];
    const found = constraint ?? addColumn.exec(subcommand)?.groups?.['name'];
    const kind = constraint === undefined ? 'column' : 'constraint';
    return found === undefined ? undefined : { kind, schema, table, name: split(found).name };
  });
  return made.every((each) => each !== undefined) ? made : undefined;
}

function split(written: string): Pick<MadeObject, 'schema' | 'name'> {
  const parts = splitName(written);
  return { schema: parts.length > 1 ? parts[0] : undefined, name: parts.at(-1) ?? '' };
}

/** For people: `table "t"` would say more than a catalog knows, so it is `t` or `t.column`. */
export function nameMadeObject({ table, name: own }: MadeObject): string {
  return table === undefined ? own : `${table}.${own}`;
}
