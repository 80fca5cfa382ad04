/** The order that a process of the bench carries out. It is plain data, as JSON in an argument. */
export interface ColdOrder {
  /** The group of the contender, which is the name of a module in this folder. */
  readonly group: 'migrators' | 'orchestrators';
  /** The name of the contender in its group. */
  readonly contender: string;
  /** How many plugins are booted, in layers. */
  readonly plugins: number;
  /** The folders of migrations, and the database. Orchestrators need none. */
  readonly migrations?: MigrationOrder;
  /** The folder whose node_modules has the contender, if it is not a dependency of this package. */
  readonly installedIn?: string;
}

/** What is to be migrated. */
export interface MigrationOrder {
  /** Connection string. */
  readonly url: string;
  /** Has a folder of drizzle-kit for each plugin, named by its id. Every contender reads its `.sql` files. */
  readonly root: string;
  /** What no history has yet. It is read by the contenders only that keep no history. */
  readonly pending: 'everything' | 'last file of the first plugin' | 'nothing';
  /** The file that Slipway records its boot to; none when it is left out. */
  readonly record?: string;
}

/** A contender whose packages are imported. Boots, and returns what has to be done before the process can end. */
export type Boot = (order: ColdOrder) => Promise<() => unknown>;

/** Imports the packages of a contender, and nothing before it is called. */
export type Contender = (order: ColdOrder) => Promise<Boot>;

/** The figures of one process. Times are in ms since the process began. */
export interface ColdTimes {
  /** The moment before the contender's packages were imported. */
  readonly importingAt: number;
  /** The moment after. */
  readonly importedAt: number;
  /** All migrations are done, and the plugins are ready. */
  readonly readyAt: number;
  /** Of this process until it was ready, its own start and all threads included, in ms. */
  readonly cpuMs: number;
}

/** The id of a plugin by its number. */
export function idOf(plugin: number): string {
  return `plugin-${plugin}`;
}

/** The schema of a plugin, as Slipway names it. */
export function schemaOf(plugin: number): string {
  return `plugin_${idOf(plugin)}`;
}
