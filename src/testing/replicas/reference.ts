import type { DatabaseMaker, FreshDatabase } from '../stock/fresh-database.ts';
import { readContents, type Contents } from '../stock/contents.ts';
import { readStructure, type Structure } from '../stock/read-structure.ts';
import { readTables, type Table } from '../stock/read-tables.ts';
import { isListed, nameTables, type TableNames } from '../stock/table-names.ts';
import type { Moment } from './moments.ts';
import type { Heard, ReplicaStarter } from './replica.ts';

/** What a single boot leaves in a fresh database: the truth that several replicas are held against. */
export interface Reference {
  readonly database: FreshDatabase;
  readonly names: TableNames;
  readonly structure: Structure;
  readonly tables: readonly Table[];
  readonly contents: Contents;
  /** Columns and tables that are not compared, each with the reason. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** The files of each plugin. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  readonly moments: readonly Moment[];
}

/** A single boot does not come up. There is nothing to compare then. */
export class NoReference extends Error {}

/**
 * Boots once on each of two fresh databases, one after the other, and calls `use` with what they leave while the first is
 * there. What differs between the two says nothing, such as times and random ids, and is left out.
 */
export async function withReference<T>(
  { withDatabase }: DatabaseMaker,
  starter: ReplicaStarter,
  { timeoutMs, mayDiffer }: { readonly timeoutMs: number; readonly mayDiffer: readonly string[] },
  use: (reference: Reference) => Promise<T>,
): Promise<T> {
  return withDatabase(async (database) => {
    const heard = await bootAlone(database, starter, timeoutMs);
    const names = nameTables(readSchemas(heard));
    const tables = await readTables(database, names);
    const everything = (): boolean => true;
    const first = await readContents(database, tables, everything);
    const second = await withDatabase(async (other) => {
      await bootAlone(other, starter, timeoutMs);
      return readContents(other, await readTables(other, names), everything);
    });
    const leftOut = findVolatile(tables, first, second, mayDiffer);
    return use({
      database,
      names,
      structure: await readStructure(database, names),
      tables,
      contents: await readContents(database, tables, (table, column) => {
        return !isLeftOut(leftOut, table, column);
      }),
      leftOut,
      files: new Map(
        heard.flatMap((each) => (each.kind === 'planned' ? [[each.plugin, each.pending]] : [])),
      ),
      moments: heard.flatMap((each) => (each.kind === 'moment' ? [each.moment] : [])),
    });
  });
}

async function bootAlone(
  { url }: FreshDatabase,
  starter: ReplicaStarter,
  timeoutMs: number,
): Promise<readonly Heard[]> {
  const replica = await starter.start({ number: 1, url, timeoutMs }, async () => undefined);
  const settlement = await replica.settled;
  await replica.stop();
  if (settlement.outcome === 'failed') throw new NoReference(settlement.text);
  return replica.heard;
}

function readSchemas(heard: readonly Heard[]): ReadonlyMap<string, string> {
  return new Map(
    heard.flatMap((each) => (each.kind === 'planned' ? [[each.schema, each.plugin]] : [])),
  );
}

export function isLeftOut(
  leftOut: ReadonlyMap<string, string>,
  table: string,
  column?: string,
): boolean {
  return isListed(new Set(leftOut.keys()), table, column);
}

/** Finds what must not be compared: what differs between two single boots, what is numbered, and what refers to such a column. */
function findVolatile(
  tables: readonly Table[],
  first: Contents,
  second: Contents,
  mayDiffer: readonly string[],
): ReadonlyMap<string, string> {
  const leftOut = new Map(mayDiffer.map((name) => [name, 'listed in mayDiffer']));
  const add = (name: string, why: string): void => {
    if (!leftOut.has(name)) leftOut.set(name, why);
  };
  for (const { name, columns } of tables) {
    const [one, two] = [first.get(name), second.get(name)];
    if (one?.rows !== two?.rows) add(name, 'two single boots leave different numbers of rows');
    for (const column of columns) {
      const isSame = one?.columns.get(column.name) === two?.columns.get(column.name);
      // Another replica may have taken a number, and rolled back.
      if (column.isNumbered) add(`${name}.${column.name}`, 'numbered by PostgreSQL');
      if (!isSame) add(`${name}.${column.name}`, 'differs between two single boots');
    }
  }
  for (const [table, column] of findReferring(tables, leftOut)) {
    add(`${table}.${column}`, 'refers to a column that is left out');
  }
  return leftOut;
}

/** Columns that refer to a column that is left out, also by way of others. */
function findReferring(
  tables: readonly Table[],
  leftOut: ReadonlyMap<string, string>,
): readonly (readonly [table: string, column: string])[] {
  const found: (readonly [string, string])[] = [];
  const isOut = (table: string, column: string): boolean =>
    isLeftOut(leftOut, table, column) || found.some(([t, c]) => t === table && c === column);
  for (let before = -1; before < found.length;) {
    before = found.length;
    for (const { name, references } of tables) {
      for (const { columns, toOid, toColumns } of references) {
        const target = tables.find(({ oid }) => oid === toOid)?.name ?? '';
        columns.forEach((column, index) => {
          if (isOut(target, toColumns[index] ?? '') && !isOut(name, column))
            found.push([name, column]);
        });
      }
    }
  }
  return found;
}
