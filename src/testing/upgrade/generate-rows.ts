import { quoteIdentifier, quoteLiteral } from '../../postgres/sql/identifier.ts';
import { readMessage } from '../../core/foreign-value.ts';
import type { FreshDatabase } from '../stock/fresh-database.ts';
import type { Column, Reference, Table } from '../stock/read-tables.ts';

/** A way to put rows into a table: an INSERT with the numbers of the rows as $1 and $2, both included. */
export interface RowMaker {
  readonly table: Table;
  readonly sql: string;
}

/** What could be made. */
export interface GeneratedRows {
  /** Those that can make one more row. */
  readonly makers: readonly RowMaker[];
  /** The tables for which no row can be made, each with the reason. */
  readonly notMade: ReadonlyMap<string, string>;
}

/**
 * Puts `count` rows into each table: parents first, values by type, each row with other values so that unique keys hold, and
 * foreign keys to rows that are there. What needs more than that, such as a check over two columns, is reported.
 */
export async function generateRows(
  database: Pick<FreshDatabase, 'ask'>,
  tables: readonly Table[],
  count: number,
): Promise<GeneratedRows> {
  const makers: RowMaker[] = [];
  const notMade = new Map<string, string>();
  for (const table of parentsFirst(tables)) {
    const maker = makeInsert(table, tables);
    const refused = 'reason' in maker ? maker.reason : await insert(database, maker, count);
    if (refused !== undefined) notMade.set(table.name, refused);
    else if ('sql' in maker && !(await tryInsert(database, maker))) makers.push(maker);
  }
  return { makers, notMade };
}

/** Beyond the numbers that plugins give to their first rows. */
const firstNumber = 1_001;

/** Returns why the rows cannot be inserted. */
async function insert(
  { ask }: Pick<FreshDatabase, 'ask'>,
  maker: RowMaker,
  count: number,
): Promise<string | undefined> {
  if (count === 0) return undefined;
  try {
    await ask(numbered(maker, firstNumber, firstNumber + count - 1));
    return undefined;
  } catch (error) {
    return readMessage(error);
  }
}

/** A row that is refused. */
interface Refusal {
  readonly message: string;
  /** SQLSTATE. */
  readonly code: unknown;
}

const takenBack = 'SWTST';

/** Tries to put one more row into the table, as the old release writes it, and takes it back. */
export async function tryInsert(
  { ask }: Pick<FreshDatabase, 'ask'>,
  maker: RowMaker,
): Promise<Refusal | undefined> {
  const statement = quoteLiteral(numbered(maker, firstNumber * 2, firstNumber * 2));
  try {
    // The block is rolled back by its own error, also where the insert succeeds. Checks at the end of a transaction come first.
    await ask(
      `do $$ begin execute ${statement}; set constraints all immediate; raise exception using errcode = '${takenBack}'; end $$`,
    );
    return undefined;
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    return code === takenBack ? undefined : { code, message: readMessage(error) };
  }
}

function numbered({ sql }: RowMaker, first: number, last: number): string {
  return sql.replaceAll('$1', String(first)).replaceAll('$2', String(last));
}

function parentsFirst(tables: readonly Table[]): readonly Table[] {
  const sorted: Table[] = [];
  const visited = new Set<number>();
  const visit = (table: Table): void => {
    if (visited.has(table.oid)) return;
    visited.add(table.oid);
    for (const { toOid } of table.references) {
      const parent = tables.find(({ oid }) => oid === toOid);
      if (parent) visit(parent);
    }
    sorted.push(table);
  };
  for (const table of tables) visit(table);
  return sorted;
}

function makeInsert(
  table: Table,
  tables: readonly Table[],
): RowMaker | { readonly reason: string } {
  const values = new Map<string, string>();
  for (const column of table.columns) {
    const { name, hasDefault, isNumbered, isComputed, isRequired } = column;
    // A default knows best. What is numbered gets its number.
    if (isComputed || isNumbered || hasDefault) continue;
    const reference = table.references.find(({ columns }) => columns.includes(name));
    const value = reference
      ? pickParent(reference, name, table, tables)
      : (pickChecked(column, table) ?? makeValue(column));
    if (value !== undefined) values.set(name, value);
    else if (isRequired) return { reason: `no value of type ${column.castType} for ${name}` };
  }
  const columns = [...values.keys()].map(quoteIdentifier).join(', ');
  const into = `insert into ${quoteIdentifier(table.schema)}.${quoteIdentifier(table.table)}`;
  const rows = 'from generate_series($1::int, $2::int) g';
  return values.size === 0
    ? { table, sql: `${into} default values` }
    : { table, sql: `${into} (${columns}) select ${[...values.values()].join(', ')} ${rows}` };
}

/** A value that a row of the parent has; rows take turns. A table that refers to itself has no row yet. */
function pickParent(
  { columns, toOid, toColumns }: Reference,
  name: string,
  table: Table,
  tables: readonly Table[],
): string | undefined {
  const parent = tables.find(({ oid }) => oid === toOid);
  if (!parent || parent.oid === table.oid) return undefined;
  const target = `${quoteIdentifier(parent.schema)}.${quoteIdentifier(parent.table)}`;
  const order = toColumns.map(quoteIdentifier).join(', ');
  const wanted = quoteIdentifier(toColumns[columns.indexOf(name)] ?? '');
  return `(select ${wanted} from ${target} order by ${order} limit 1 offset (g % greatest((select count(*) from ${target}), 1)))`;
}

/** A value of a check such as `status in ('open', 'paid')`, as PostgreSQL writes it: `status = ANY (ARRAY['open'::text, …])`. */
function pickChecked({ name, castType }: Column, { checks }: Table): string | undefined {
  for (const check of checks) {
    const [, column, list = ''] =
      /\(*"?([^"()\s]+)"?\)?(?:::\w+)* = ANY \(+ARRAY\[(.+?)\]/.exec(check) ?? [];
    const [, value] = column === name ? (/^'((?:[^']|'')*)'/.exec(list) ?? []) : [];
    if (value !== undefined) return `'${value}'::${castType}`;
  }
  return undefined;
}

/** Expressions over the number `g` of a row, by type. */
const byType: Readonly<Record<string, string>> = {
  smallint: 'g',
  integer: 'g',
  bigint: 'g',
  real: 'g',
  'double precision': 'g',
  boolean: 'g % 2 = 0',
  uuid: "md5('slipway ' || g)::uuid",
  date: "date '2024-01-01' + g",
  'timestamp without time zone': "timestamp '2024-01-01' + g * interval '1 minute'",
  'timestamp with time zone': "timestamptz '2024-01-01 00:00Z' + g * interval '1 minute'",
  'time without time zone': "time '00:00' + g * interval '1 second'",
  'time with time zone': "timetz '00:00Z' + g * interval '1 second'",
  interval: "g * interval '1 second'",
  json: "json_build_object('row', g)",
  jsonb: "jsonb_build_object('row', g)",
  bytea: "decode(md5(g::text), 'hex')",
  inet: "inet '10.0.0.0' + g",
  cidr: "set_masklen(inet '10.0.0.0' + g, 32)::cidr",
  macaddr: "(trunc(macaddr '08:00:2b:00:00:00'))",
  money: 'g::money',
  xml: "xml '<row/>'",
  tsvector: "to_tsvector('simple', g::text)",
  point: 'point(g, g)',
};

function makeValue({ name, type, modifier, castType, kind, category }: Column): string | undefined {
  // The last digit first: a short text is then another one for each row.
  const text = `(reverse(g::text) || ' ' || ${quoteLiteral(name)})`;
  const known = byType[type];
  if (known !== undefined) return `(${known})::${castType}`;
  if (category === 'A') return `'{}'::${castType}`;
  if (kind === 'e') {
    return `(enum_range(null::${type}))[1 + g % array_length(enum_range(null::${type}), 1)]::${castType}`;
  }
  // A digit before the point is there in every numeric: numeric(4, 2) holds 99.
  if (type === 'numeric') return `(g % ${10 ** Math.min(wholeDigits(modifier), 9)})::${castType}`;
  // PostgreSQL counts four bytes of its own into the length.
  if (category === 'S')
    return modifier > 4 ? `left(${text}, ${modifier - 4})::${castType}` : `${text}::${castType}`;
  if (category === 'R') return `'empty'::${castType}`;
  return undefined;
}

function wholeDigits(modifier: number): number {
  if (modifier < 4) return 9;
  const scale = (modifier - 4) & 0xffff;
  return Math.max(((modifier - 4) >> 16) - scale, 0);
}
