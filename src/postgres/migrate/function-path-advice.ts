import type { PinnedClient } from '../connection/pinned-client.ts';
import { isSql } from '../sources/migration.ts';
import { findFunctionPaths, type FunctionPath } from '../sql/function-paths.ts';
import { SqlText } from '../sql/sql-text.ts';
import type { Migrating } from './migrating.ts';

type NamedPath = Pick<FunctionPath, 'name' | 'clause'>;

/**
 * What to do when PostgreSQL missed something inside a function that runs with a `search_path` of its own, without the plugin's
 * schema in it. The function may have come with the file that is rolled back, so its text is read before the catalog.
 */
export async function adviceForFunctionPath(
  { client, plugin: { schema }, progress: { open, statement } }: Migrating,
  missing: { readonly name: string; readonly error: unknown },
): Promise<string | undefined> {
  const names = readFunctions(missing.error);
  if (names.length === 0) return undefined;
  const sql = open && isSql(open.file) ? open.file.sql : new SqlText(statement?.query.text ?? '');
  const written = findFunctionPaths(sql).filter(({ schemas }) => !schemas.includes(schema));
  const known: readonly NamedPath[] = [...written, ...(await readPaths(client, schema, names))];
  const found = names.flatMap((name) => known.find((each) => each.name === name) ?? [])[0];
  return (
    found &&
    `Function ${found.name} has ${found.clause}, and looks for ${missing.name} there. Write SET search_path FROM CURRENT, which keeps the path of the plugin, or name ${missing.name} with its schema.`
  );
}

/** The functions of an error's context, the innermost first, in whatever language the context is. */
function readFunctions(error: unknown): readonly string[] {
  const { where } = error as { readonly where?: unknown };
  if (typeof where !== 'string') return [];
  const named = /(?:([\w$\u0080-\uffff]+)|"((?:[^"]|"")+)")\(|"([^"]+)"/g;
  return [...where.matchAll(named)].map(
    ([, plain, quoted, called]) => plain ?? quoted?.replaceAll('""', '"') ?? called ?? '',
  );
}

async function readPaths(
  client: PinnedClient,
  schema: string,
  names: readonly string[],
): Promise<readonly NamedPath[]> {
  const { rows } = await client.query<NamedPath>(
    `select p.proname::text as name, 'SET search_path = ' || split_part(c.setting, '=', 2) as clause
     from pg_proc p, unnest(p.proconfig) c (setting)
     where p.proname::text = any($1::text[]) and c.setting like 'search_path=%'
       and strpos(c.setting, quote_ident($2)) = 0`,
    [names, schema],
  );
  return rows;
}
