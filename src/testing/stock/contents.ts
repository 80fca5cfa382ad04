import { quoteIdentifier } from '../../postgres/sql/identifier.ts';
import type { FreshDatabase } from './fresh-database.ts';
import type { Table } from './read-tables.ts';

/** How many rows a table has, and sums over them that do not depend on their order. */
export interface Content {
  readonly rows: number;
  /** A sum for each column. */
  readonly columns: ReadonlyMap<string, string>;
  /** A sum over whole rows, of the columns that are compared. */
  readonly whole: string;
}

/** The contents of tables, by the name that people use. */
export type Contents = ReadonlyMap<string, Content>;

interface ContentRow {
  readonly place: number;
  readonly rows: string;
  readonly sums: readonly string[];
  readonly whole: string;
}

/** Reads the contents of all tables in one statement. `isCompared` says which columns count for the sum over whole rows. */
export async function readContents(
  { ask }: Pick<FreshDatabase, 'ask'>,
  tables: readonly Table[],
  isCompared: (table: string, column: string) => boolean,
): Promise<Contents> {
  if (tables.length === 0) return new Map();
  const found = await ask<ContentRow>(
    tables.map((table, place) => contentSql(table, place, isCompared)).join('\nunion all\n'),
  );
  return new Map(
    found.flatMap(({ place, rows, sums, whole }): [string, Content][] => {
      const table = tables[place];
      if (table === undefined) return [];
      const columns = table.columns.map(({ name }, index): [string, string] => [
        name,
        sums[index] ?? '',
      ]);
      return [[table.name, { rows: Number(rows), columns: new Map(columns), whole }]];
    }),
  );
}

function contentSql(
  { schema, table, name, columns }: Table,
  place: number,
  isCompared: (table: string, column: string) => boolean,
): string {
  const sums = columns.map((column) => sumSql(`t.${quoteIdentifier(column.name)}::text`));
  const compared = columns.filter((column) => isCompared(name, column.name));
  const row = compared.map((column) => `t.${quoteIdentifier(column.name)}::text`).join(', ');
  return `select ${place} as place, count(*)::text as rows, array[${sums.join(', ')}]::text[] as sums,
    ${sumSql(`array[${row}]::text[]::text`)} as whole from ${quoteIdentifier(schema)}.${quoteIdentifier(table)} t`;
}

/** A sum of hashes: the same for the same values in any order, and a value that is there twice counts twice. */
function sumSql(text: string): string {
  return `coalesce(sum(coalesce(hashtextextended(${text}, 0), 1)), 0)::text`;
}

const mostRows = 1_000;

/** Reads rows as people read them, at most 1,000. */
export async function readRows(
  { ask }: Pick<FreshDatabase, 'ask'>,
  { schema, table }: Table,
  columns: readonly string[],
): Promise<readonly string[]> {
  const rows = await ask<{ readonly line: string }>(
    `select to_json(r)::text as line from (select ${columns.map(quoteIdentifier).join(', ')}
     from ${quoteIdentifier(schema)}.${quoteIdentifier(table)} limit ${mostRows}) r`,
  );
  return rows.map(({ line }) => line);
}
