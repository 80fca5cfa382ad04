import { historyTools, type HistoryTool } from '../../core/migration-source.ts';
import type { MigrationIdentity } from '../sources/migration.ts';
import { compareNumbers } from '../sources/compare-versions.ts';
import { writeFlywayVersion, readFlywayVersion } from '../sources/formats/flyway.ts';
import { quoteIdentifier, textArray } from '../sql/identifier.ts';

/** The name of a migration, in messages and in Slipway's history. */
type Named = Pick<MigrationIdentity, 'name' | 'historyName'>;

/** The table in which a tool keeps what is applied, with the tool's rules for it. */
interface ToolHistory {
  /** Its name by default. */
  readonly table: string;
  /** Columns that it has. */
  readonly columns: readonly string[];
  /** Whether it has no other columns: several tools have a table of that name. */
  readonly isExact?: boolean;
  /**
   * SQL expressions of the key of a row and of its state, which is one of {@link ToolRow}; and the order of the rows, in which a
   * later one counts for the same key.
   */
  readonly key: string;
  readonly state: string;
  readonly order: string;
  /** A condition on the rows that are about migrations. */
  readonly filter?: string;
  /** The key of a migration; undefined when its name is none of the tool's. */
  readonly readKey: (migration: Named) => string | undefined;
  /** Makes a key in the table what `readKey` makes of the name. */
  readonly normalize?: (key: string) => string;
  /** What to do about a row whose migration has failed, or is not finished. */
  readonly whenFailed?: string;
}

/** A row of another tool's history. */
export interface ToolRow {
  readonly key: string;
  /** `baseline`: everything up to this version counts as applied. */
  readonly state: 'applied' | 'undone' | 'failed' | 'baseline' | 'repeatable';
}

const digits = (name: string, pattern: RegExp): string | undefined => pattern.exec(name)?.[1];

/** Read from the same sources as the formats, which each file in sources/formats names; of Prisma from its schema-engine. */
const tools: Readonly<Record<HistoryTool, ToolHistory>> = {
  // `CreateMigrationsTable`: https://github.com/amacneil/dbmate/blob/main/pkg/driver/postgres/postgres.go
  dbmate: {
    table: 'schema_migrations',
    columns: ['version'],
    isExact: true,
    key: 'version',
    state: "'applied'",
    order: 'version',
    readKey: ({ name }) => digits(name, /^(\d+)/),
  },
  // https://github.com/pressly/goose/blob/main/internal/dialects/postgres.go. The newest row of a version counts
  // (`EnsureDBVersion` in migrate.go); goose wrote one with is_applied = false for a migration that was undone.
  goose: {
    table: 'goose_db_version',
    columns: ['id', 'version_id', 'is_applied'],
    key: 'version_id',
    state: "case when is_applied then 'applied' else 'undone' end",
    order: 'id',
    filter: 'version_id > 0',
    readKey({ name }) {
      const version = digits(name, /^(\d+)_/);
      return version === undefined ? undefined : String(BigInt(version));
    },
  },
  // https://github.com/flyway/flyway/blob/main/flyway-database/flyway-database-postgresql: PostgreSQLDatabase.java, and
  // CoreMigrationType.java in flyway-core. Rows without a version are repeatable files, or say that the schema was made.
  flyway: {
    table: 'flyway_schema_history',
    columns: ['installed_rank', 'version', 'type', 'script', 'success'],
    key: 'coalesce(version, script)',
    state: `case when not success then 'failed' when type = 'DELETE' or type like 'UNDO%' then 'undone'
      when type in ('BASELINE', 'SQL_BASELINE', 'JDBC_BASELINE', 'SCRIPT_BASELINE') then 'baseline'
      when version is null then 'repeatable' else 'applied' end`,
    order: 'installed_rank',
    filter: "type <> 'SCHEMA'",
    readKey({ historyName }) {
      const version = digits(historyName, /^[VB](\d+(?:[._]\d+)*)(?:__|$)/);
      return version === undefined ? undefined : writeFlywayVersion(readFlywayVersion(version));
    },
    normalize: (key) =>
      /^\d+(?:[._]\d+)*$/.test(key) ? writeFlywayVersion(readFlywayVersion(key)) : key,
    whenFailed: 'Correct what it has left, then run `flyway repair`, which removes its row',
  },
  // `ensureMigrationsTable`: https://github.com/salsita/node-pg-migrate/blob/main/src/runner.ts
  'node-pg-migrate': {
    table: 'pgmigrations',
    columns: ['id', 'name', 'run_on'],
    key: 'name',
    state: "'applied'",
    order: 'id',
    // Its older loader keeps the `.up` of `1_a.up.sql`.
    readKey: ({ historyName }) => historyName.replace(/\.up$/, ''),
    normalize: (key) => key.replace(/\.up$/, ''),
  },
  // `MigrationRecord`: https://github.com/rubenv/sql-migrate/blob/master/migrate.go
  'sql-migrate': {
    table: 'gorp_migrations',
    columns: ['id', 'applied_at'],
    key: 'id',
    state: "'applied'",
    order: 'id',
    readKey: ({ historyName }) => `${historyName}.sql`,
  },
  // https://github.com/prisma/prisma-engines/blob/main/schema-engine: a row without finished_at has failed or is still running,
  // and one with rolled_back_at does not count.
  prisma: {
    table: '_prisma_migrations',
    columns: ['migration_name', 'started_at', 'finished_at', 'rolled_back_at'],
    key: 'migration_name',
    state:
      "case when rolled_back_at is not null then 'undone' when finished_at is null then 'failed' else 'applied' end",
    order: 'started_at',
    readKey: ({ historyName }) => historyName,
    whenFailed:
      'Finish it with Prisma, or correct by hand what it has left and run `prisma migrate resolve`',
  },
};

export const toolHistories: ReadonlyMap<HistoryTool, ToolHistory> = new Map(
  historyTools.map((tool) => [tool, tools[tool]]),
);

/** A table that may be the history of another tool. */
export interface FoundTable {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
}

/** Whether a table has the columns of a tool's history. */
export function isHistoryOf(tool: HistoryTool, { columns }: FoundTable): boolean {
  const { columns: own, isExact = false } = tools[tool];
  const hasAll = own.every((column) => columns.includes(column));
  return hasAll && (!isExact || columns.length === own.length);
}

/** Finds the tool that a table with its name and columns is the history of. */
export function findTool(found: FoundTable): HistoryTool | undefined {
  return historyTools.find((tool) => tools[tool].table === found.table && isHistoryOf(tool, found));
}

/**
 * An SQL expression of type json: the tables with these names in these schemas, each a {@link FoundTable}. It reads only
 * catalogs.
 *
 * @param filter A condition on the row `c` of pg_class.
 */
export function foundTablesSql(
  schemas: readonly string[],
  names: readonly string[],
  filter = 'true',
): string {
  return `(
    select coalesce(json_agg(json_build_object('schema', n.nspname, 'table', c.relname, 'columns', (
      select coalesce(json_agg(a.attname), '[]') from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))), '[]')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v') and n.nspname = any(${textArray(schemas)})
      and c.relname = any(${textArray(names)}) and ${filter})`;
}

/** The histories of other tools in these schemas that have, or had, any rows. */
export function foreignHistoriesSql(schemas: readonly string[]): string {
  const names = historyTools.map((tool) => tools[tool].table);
  return foundTablesSql(schemas, names, 'pg_relation_size(c.oid) > 0');
}

/** SQL that reads the rows of a tool's history, as {@link ToolRow}s. */
export function toolRowsSql(tool: HistoryTool, { schema, table }: FoundTable): string {
  const { key, state, order, filter = 'true' } = tools[tool];
  return `select (${key})::text as key, ${state} as state from ${quoteTable({ schema, table })} where ${filter} order by ${order}`;
}

/** What a tool's history says of the migrations of a plugin. */
interface AppliedByTool {
  readonly isApplied: (migration: Named) => boolean;
  /** The keys of rows that no migration has. */
  readonly unknown: readonly ToolRow[];
  readonly failed: readonly string[];
  /** Baseline migrations of Flyway for a version that the history has not reached. */
  readonly notReached: readonly string[];
  /** The first migrations that have one key, when it is applied: only one of them can have run. */
  readonly alike: readonly string[];
}

/** Compares the rows of a tool's history with migrations. */
export function readApplied(
  tool: HistoryTool,
  rows: readonly ToolRow[],
  migrations: readonly Named[],
): AppliedByTool {
  const { readKey, normalize = (key) => key } = tools[tool];
  const last = new Map<string, ToolRow>();
  for (const row of rows) {
    const key = normalize(row.key);
    last.set(key, { ...row, key });
  }
  const left = [...last.values()].filter(({ state }) => state !== 'undone');
  const isApplied = (migration: Named): boolean => {
    const key = readKey(migration);
    if (key === undefined) return false;
    const state = last.get(key)?.state;
    if (state === 'applied' || state === 'baseline') return true;
    return tool === 'flyway' && isBelowBaseline(migration, key, left);
  };
  const hasAny = left.some(({ state }) => state === 'applied' || state === 'baseline');
  const keys = new Set(migrations.map((migration) => readKey(migration)));
  return {
    isApplied,
    unknown: left.filter(({ key, state }) => state !== 'baseline' && !keys.has(key)),
    failed: left.filter(({ state }) => state === 'failed').map(({ key }) => key),
    notReached: migrations
      .filter((migration) => tool === 'flyway' && hasAny && isBaseline(migration))
      .filter((migration) => !isApplied(migration))
      .map(({ name }) => name),
    alike: findAlike(migrations.filter(isApplied), readKey),
  };
}

function findAlike(
  migrations: readonly Named[],
  readKey: ToolHistory['readKey'],
): readonly string[] {
  const names = new Map<string, string[]>();
  for (const migration of migrations) {
    const key = readKey(migration) ?? migration.name;
    names.set(key, [...(names.get(key) ?? []), migration.name]);
  }
  return Array.from(names.values()).find(({ length }) => length > 1) ?? [];
}

/** Flyway ignores versions up to a baseline; and a baseline migration, `B10__name.sql`, where a version from 10 on is applied. */
function isBelowBaseline(migration: Named, key: string, rows: readonly ToolRow[]): boolean {
  const own = readFlywayVersion(key);
  return rows.some(({ key: other, state }) => {
    const counts = state === 'baseline' || (state === 'applied' && isBaseline(migration));
    return counts && compareNumbers(own, readFlywayVersion(other)) <= 0;
  });
}

function isBaseline({ historyName }: Named): boolean {
  return /^B\d/.test(historyName);
}

/** Writes the name of a table, quoted and qualified. */
export function quoteTable({ schema, table }: Pick<FoundTable, 'schema' | 'table'>): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}
