import type { Plugin, Rehearsal, RehearsedFile, RehearseOptions } from '../../src/index.ts';
import type { BootUnderTest } from './boot-under-test.ts';
import { readCatalog } from './catalog.ts';
import type { Database } from './database.ts';
import { migrationFolder, writeMigrations } from './migration-folder.ts';

/** The first release of the shop: a table with 1,000 rows. */
export const firstRelease = {
  '0000_orders': `CREATE TABLE orders (id int PRIMARY KEY, total int);
    INSERT INTO orders SELECT n, n FROM generate_series(1, 1000) n;`,
};

type MakeBoot = (options: {
  readonly pool: string;
  readonly plugins: readonly Plugin[];
}) => BootUnderTest;

/** Migrates the first release of the shop, and then gives it further files. */
export async function shopWith(
  makeBoot: MakeBoot,
  pool: string,
  files: Readonly<Record<string, string>>,
): Promise<Plugin> {
  const migrations = await migrationFolder(firstRelease);
  const shop = { id: 'shop', migrations };
  await makeBoot({ pool, plugins: [shop] }).boot.migrate();
  await writeMigrations(migrations, { ...firstRelease, ...files });
  return shop;
}

/** Makes a plugin with these files. */
export async function pluginOf(
  id: string,
  files: Readonly<Record<string, string>>,
  more: Partial<Plugin> = {},
): Promise<Plugin> {
  return { id, migrations: await migrationFolder(files), ...more };
}

/** Rehearses the pending files of the plugins. */
export async function rehearse(
  makeBoot: MakeBoot,
  pool: string,
  plugins: readonly Plugin[],
  options: true | RehearseOptions = true,
): Promise<Rehearsal> {
  const { rehearsal } = await makeBoot({ pool, plugins }).boot.plan({ rehearse: options });
  if (!rehearsal) throw new Error('Expected a rehearsal');
  return rehearsal;
}

/** The files of all plugins of a rehearsal. */
export function filesOf({ plugins }: Rehearsal): readonly RehearsedFile[] {
  return plugins.flatMap(({ files }) => files);
}

/** Everything of all users in the database, the rows of one schema, and the numbers that sequences have reached. */
export async function everything(
  database: Database,
  schema = 'plugin_shop',
): Promise<readonly string[]> {
  const { rows } = await database.query<{ line: string }>(`
    SELECT concat_ws(' ', 'schema', nspname, nspowner, nspacl, obj_description(oid, 'pg_namespace')) AS line FROM pg_namespace
    UNION ALL SELECT concat_ws(' ', 'relation', oid::regclass, relfilenode, relkind, relacl) FROM pg_class
      WHERE relnamespace NOT IN ('pg_toast'::regnamespace, 'pg_catalog'::regnamespace)
    UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attname, atttypid::regtype, attnotnull) FROM pg_attribute WHERE attnum > 0 AND attrelid >= 16384
    UNION ALL SELECT concat_ws(' ', 'type', oid::regtype) FROM pg_type WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'function', oid::regprocedure) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'sequence', schemaname, sequencename, last_value) FROM pg_sequences
    UNION ALL SELECT concat_ws(' ', 'extension', extname) FROM pg_extension
    UNION ALL SELECT concat_ws(' ', 'setting', setdatabase, setrole, setconfig) FROM pg_db_role_setting
    ORDER BY 1`);
  const pool = database.pool({ max: 1 });
  try {
    return [...rows.map(({ line }) => line), ...(await readCatalog(pool, schema))];
  } finally {
    await pool.end();
  }
}
