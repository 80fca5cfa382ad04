/** A client or a pool. */
interface Queryable {
  query(sql: string): Promise<{ readonly rows: readonly { readonly line: string }[] }>;
}

const objects = (own: string): string => `
  SELECT format('%s %s', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' ELSE c.relkind::text END, c.relname) AS line
    FROM pg_class c WHERE c.relnamespace = ${own} AND c.relkind <> 'i'
  UNION ALL
  SELECT format('column %s.%s %s%s default %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attnotnull THEN ' not null' END, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = ${own} AND c.relkind = 'r'
  UNION ALL
  SELECT format('%s, valid %s, ready %s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = ${own}
  UNION ALL
  SELECT format('constraint %s on %s: %s, valid %s', conname, conrelid::regclass, pg_get_constraintdef(oid), convalidated)
    FROM pg_constraint WHERE connamespace = ${own}
  UNION ALL
  SELECT format('enum %s: %s', t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder))
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = ${own} GROUP BY t.typname`;

/**
 * Returns one line for each object in a schema: tables, columns, indexes with their state, constraints, enums, and every row.
 * The name of the schema is left out, so that schemas can be compared. The `id` of Drizzle's history is left out too, because
 * its sequence also counts the rows that were rolled back.
 */
export async function readCatalog(database: Queryable, schema: string): Promise<readonly string[]> {
  const own = `'"${schema}"'::regnamespace`;
  const tables = await database.query(
    `SELECT tablename AS line FROM pg_tables WHERE schemaname = '${schema}'`,
  );
  const rows = tables.rows.map(
    ({ line: table }) =>
      `SELECT format('row of %s %s', '${table}', CASE WHEN '${table}' = '__drizzle_migrations'
         THEN to_jsonb(t) - 'id' ELSE to_jsonb(t) END) FROM "${schema}"."${table}" t`,
  );
  const all = await database.query(
    `SELECT line FROM (${[objects(own), ...rows].join(' UNION ALL ')}) AS dump(line) ORDER BY line`,
  );
  return all.rows.map(({ line }) => line.replaceAll(new RegExp(`"?${schema}"?\\.`, 'g'), ''));
}
