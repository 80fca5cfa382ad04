import { list, text } from '../../core/expect.ts';

/** The names that people use: `catalog.items` is the table `items` of the plugin `catalog`. */
export interface TableNames {
  /** Names what is in a schema; without a name, the schema itself. */
  nameIn(schema: string, name?: string): string;
}

/** Names schemas by the plugin that they belong to; a schema of no plugin keeps its own name. */
export function nameTables(pluginOf: ReadonlyMap<string, string>): TableNames {
  return {
    nameIn: (schema, name) =>
      [pluginOf.get(schema) ?? schema, ...(name === undefined ? [] : [name])].join('.'),
  };
}

/** Checks a list of tables and columns. */
export const checkNames = list(text(/^[^.]+\..+$/, "a table or a column, such as 'catalog.items'"));

/** Whether a list such as `['catalog.items', 'catalog.orders.price']` has a table, or a column of one. */
export function isListed(names: ReadonlySet<string>, table: string, column?: string): boolean {
  return names.has(table) || (column !== undefined && names.has(`${table}.${column}`));
}
