import type { FreshDatabase } from '../stock/fresh-database.ts';
import { readContents, readRows, type Content } from '../stock/contents.ts';
import { readTables, type Table } from '../stock/read-tables.ts';
import { isLeftOut, type Reference } from './reference.ts';

/** A table whose rows are not those of a single boot. */
export interface WrongTable {
  readonly table: string;
  readonly rows: number;
  readonly expected: number;
  /** For people, several lines. */
  readonly text: string;
}

const mostExamples = 3;

/** Compares the rows of every table with those that a single boot leaves. */
export async function compareContents(
  database: FreshDatabase,
  reference: Reference,
): Promise<readonly WrongTable[]> {
  const { leftOut, names } = reference;
  const isCompared = (table: string, column?: string): boolean =>
    !isLeftOut(leftOut, table, column);
  const tables = await readTables(database, names);
  const found = await readContents(database, tables, isCompared);
  const wrong: WrongTable[] = [];
  for (const expected of reference.tables) {
    const table = tables.find(({ name }) => name === expected.name);
    const [is, wanted] = [found.get(expected.name), reference.contents.get(expected.name)];
    // A table that is missing is a matter of the structure.
    if (!table || !is || !wanted || !isCompared(table.name)) continue;
    if (is.rows === wanted.rows && is.whole === wanted.whole) continue;
    const columns = expected.columns
      .map(({ name }) => name)
      .filter((column) => isCompared(table.name, column));
    const here = await readRows(database, table, columns);
    const there = await readRows(reference.database, expected, columns);
    const examples = [
      ...listRows('too many', without(here, there)),
      ...listRows('missing', without(there, here)),
    ];
    const text = [describe(table, is, wanted), ...examples].join('\n    ');
    wrong.push({ table: table.name, rows: is.rows, expected: wanted.rows, text });
  }
  return wrong;
}

function describe({ name }: Table, is: Content, wanted: Content): string {
  return is.rows === wanted.rows
    ? `${name}: other values than a single boot leaves in its ${is.rows} rows`
    : `${name}: ${is.rows} ${is.rows === 1 ? 'row' : 'rows'}, a single boot leaves ${wanted.rows}`;
}

function listRows(word: string, rows: readonly string[]): readonly string[] {
  const more = rows.length - mostExamples;
  const shown = rows
    .slice(0, mostExamples)
    .map((row) => `${word}: ${row.length > 200 ? `${row.slice(0, 200)}…` : row}`);
  return more > 0 ? [...shown, `${word}: ${more} more`] : shown;
}

/** The lines that are left when each of the others has taken away one that equals it. */
function without(lines: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = counts.get(line) ?? 0;
    counts.set(line, count - 1);
    return count <= 0;
  });
}
