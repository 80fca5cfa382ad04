import { quoteIdentifier } from '../../postgres/sql/identifier.ts';
import type { FreshDatabase } from '../stock/fresh-database.ts';
import type { Table } from '../stock/read-tables.ts';
import { isListed } from '../stock/table-names.ts';

/** The rows of a table before an upgrade: each the texts of its columns, or null. */
export interface KeptTable {
  readonly table: Table;
  readonly rows: readonly (readonly (string | null)[])[];
}

/** Rows of one table that are compared; of a larger table, the first ones of its key. */
const mostRows = 1_000;

/** Reads the rows of every table, to be compared later. */
export async function keepRows(
  database: Pick<FreshDatabase, 'ask'>,
  tables: readonly Table[],
): Promise<readonly KeptTable[]> {
  const kept: KeptTable[] = [];
  for (const table of tables) {
    const names = table.columns.map(({ name }) => name);
    kept.push({ table, rows: await readTexts(database, table, names, table.key, mostRows) });
  }
  return kept;
}

/**
 * Finds what an upgrade has lost or changed: tables and columns that are gone or have another name, rows that are gone, and
 * values that are others. What is listed in `mayChange` is not looked at. Another name is a fault only beside the old release.
 */
export async function findLosses(
  database: Pick<FreshDatabase, 'ask'>,
  kept: readonly KeptTable[],
  now: readonly Table[],
  { mayChange, beside }: { readonly mayChange: ReadonlySet<string>; readonly beside: boolean },
): Promise<readonly string[]> {
  const losses: string[] = [];
  for (const { table: before, rows } of kept) {
    if (isListed(mayChange, before.name)) continue;
    const after = now.find(({ oid }) => oid === before.oid);
    if (!after) {
      losses.push(
        `${before.name} is gone, with ${count(rows.length, 'row')}\n    → ${goneAdvice(before.name)}`,
      );
      continue;
    }
    const isRenamed = after.schema !== before.schema || after.table !== before.table;
    if (beside && isRenamed) {
      losses.push(`${before.name} is called ${after.name} now\n    → ${renameAdvice(before.name)}`);
    }
    const shared = before.columns.flatMap((column, index) => {
      const name = `${before.name}.${column.name}`;
      const same = after.columns.find(({ number }) => number === column.number);
      if (isListed(mayChange, before.name, column.name)) return [];
      if (!same) losses.push(`${name} is gone\n    → ${goneAdvice(name)}`);
      else if (beside && same.name !== column.name) {
        losses.push(`${name} is called ${same.name} now\n    → ${renameAdvice(name)}`);
      }
      return same ? [{ index, was: column.name, is: same.name }] : [];
    });
    losses.push(...(await compareRows(database, { before, after, rows, shared })));
  }
  return losses;
}

interface Comparison {
  readonly before: Table;
  readonly after: Table;
  readonly rows: KeptTable['rows'];
  /** Columns that are there before and after: their place in the rows, and both names. */
  readonly shared: readonly { readonly index: number; readonly was: string; readonly is: string }[];
}

async function compareRows(
  database: Pick<FreshDatabase, 'ask'>,
  { before, after, rows, shared }: Comparison,
): Promise<readonly string[]> {
  const names = shared.map(({ is }) => is);
  const found = await readTexts(database, after, names, []);
  const keyPlaces = before.key.map((key) => shared.findIndex(({ was }) => was === key));
  const hasKey = keyPlaces.length > 0 && !keyPlaces.includes(-1);
  const identify = (row: readonly (string | null)[]): string =>
    JSON.stringify(hasKey ? keyPlaces.map((place) => row[place]) : row);
  const left = new Map<string, (readonly (string | null)[])[]>();
  for (const row of found) left.set(identify(row), [...(left.get(identify(row)) ?? []), row]);
  let lost = 0;
  const changed = new Map<string, { rows: number; example: string }>();
  for (const whole of rows) {
    const row = shared.map(({ index }) => whole[index] ?? null);
    const same = left.get(identify(row))?.pop();
    if (!same) lost += 1;
    else
      shared.forEach(({ was }, place) => {
        if (same[place] === row[place]) return;
        const known = changed.get(was);
        const example = `${show(row[place])} became ${show(same[place])}`;
        changed.set(was, { rows: (known?.rows ?? 0) + 1, example: known?.example ?? example });
      });
  }
  return [
    ...(lost > 0
      ? [
          `${before.name}: ${lost} of ${count(rows.length, 'row')} ${lost === 1 ? 'is' : 'are'} gone${hasKey ? '' : ', or changed'}\n    → If that is meant, list '${before.name}' in mayChange.`,
        ]
      : []),
    ...[...changed].map(
      ([column, { rows: times, example }]) =>
        `${before.name}.${column}: other values in ${count(times, 'row')}, such as ${example}\n    → If that is meant, list '${before.name}.${column}' in mayChange.`,
    ),
  ];
}

async function readTexts(
  { ask }: Pick<FreshDatabase, 'ask'>,
  { schema, table }: Table,
  columns: readonly string[],
  order: readonly string[],
  limit?: number,
): Promise<KeptTable['rows']> {
  const fields = columns.map((name) => `${quoteIdentifier(name)}::text`).join(', ');
  const sql = [
    `select array[${fields}]::text[] as texts from ${quoteIdentifier(schema)}.${quoteIdentifier(table)}`,
    ...(order.length > 0 ? [`order by ${order.map(quoteIdentifier).join(', ')}`] : []),
    ...(limit === undefined ? [] : [`limit ${limit}`]),
  ];
  const rows = await ask<{ readonly texts: (string | null)[] }>(sql.join(' '));
  return rows.map(({ texts }) => texts);
}

function show(value: string | null | undefined): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function goneAdvice(name: string): string {
  return `A replica of the old release fails when it uses it. Stop using it in one release, and drop it in the next; in that one, list '${name}' in mayChange.`;
}

function renameAdvice(name: string): string {
  return `A replica of the old release knows the old name only. Add the new one beside it, write both, and drop the old one in a later release; or list '${name}' in mayChange.`;
}
