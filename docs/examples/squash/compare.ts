import type pg from 'pg';
import { createBoot, definePlugin } from 'slipway';

const folder = (name: string): URL => new URL(`./${name}`, import.meta.url);

const before = definePlugin({ id: 'before', migrations: folder('before') });
const after = definePlugin({ id: 'after', migrations: folder('after') });

/** Everything that a folder has made, without the order of the columns, which may differ. */
const made = `
  SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS line
    FROM information_schema.columns WHERE table_schema = $1 AND table_name <> '__drizzle_migrations'
  UNION ALL
  SELECT 'constraint ' || conrelid::regclass::text || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = $1::regnamespace AND conrelid <> ($1 || '.__drizzle_migrations')::regclass
  UNION ALL
  SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename <> '__drizzle_migrations'
  ORDER BY 1`;

/**
 * Runs the old folder and the squashed one in a database that has neither, and returns the lines that only one of them has
 * made.
 */
export async function compareFolders(pool: pg.Pool): Promise<readonly string[]> {
  const boot = createBoot({ pool, plugins: [before, after] });
  await boot.migrate();
  const linesOf = async (schema: string): Promise<readonly string[]> => {
    const { rows } = await pool.query<{ line: string }>(made, [schema]);
    return rows.map(({ line }) => line.replaceAll(schema, 'schema'));
  };
  const [old, squashed] = [await linesOf('plugin_before'), await linesOf('plugin_after')];
  return [
    ...old.filter((line) => !squashed.includes(line)).map((line) => `only before: ${line}`),
    ...squashed.filter((line) => !old.includes(line)).map((line) => `only after: ${line}`),
  ];
}
