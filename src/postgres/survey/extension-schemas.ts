import type { MigrationSettings } from '../../core/settings.ts';
import { findHomelessExtensions } from '../sql/extension-commands.ts';
import { quoteIdentifier, quoteLiteral, textArray } from '../sql/identifier.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import type { SqlEdit } from '../sql/sql-edits.ts';
import type { SqlText } from '../sql/sql-text.ts';

/** The schemas of extensions: a list, or `auto` for those that the database has. */
type Setting = Pick<MigrationSettings, 'extensionSchemas'>;

/** The extensions of the database at one moment. */
export interface ExtensionFacts {
  /** The schemas that extensions may be put into, the best first. */
  readonly schemas: readonly string[];
  /** Of the wanted extensions, those that do not exist yet and that can be put into any schema. */
  readonly placeable: readonly string[];
}

/** The facts before the first query. */
export const noExtensions: ExtensionFacts = { schemas: [], placeable: [] };

/** The same as SQL, for a question that needs no extensions. */
export const noExtensionsSql = `json '${JSON.stringify(noExtensions)}'`;

/**
 * An expression that is true for schemas that hold extensions, and no tables but theirs. `n` is the row of `pg_namespace`.
 * The tables are found through their dependency on the schema: `pg_class` has no index for that, and may be large.
 */
const holdsExtensions = `n.nspname <> 'public' and n.nspname !~ '^(pg_|information_schema$)'
      and exists (select from pg_extension e where e.extnamespace = n.oid)
      and not exists (select from pg_depend t join pg_class c on c.oid = t.objid and c.relkind in ('r', 'p')
        where t.refclassid = 'pg_namespace'::regclass and t.refobjid = n.oid and t.classid = 'pg_class'::regclass
          and not exists (select from pg_depend d
          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))`;

/** Schemas with only extensions that cannot be moved come last, because such an extension has made its schema. */
const foundSchemasSql = `select n.nspname::text as name, (not exists (
        select from pg_extension e where e.extnamespace = n.oid and e.extrelocatable))::int as rank
      from pg_namespace n where ${holdsExtensions}`;

/**
 * An SQL expression of type json that gives {@link ExtensionFacts}. It reads the control files of the server only when
 * a wanted extension does not exist yet.
 *
 * @param wanted Names of extensions; see {@link wantedExtensions}.
 */
export function extensionFactsSql(setting: Setting, wanted: readonly string[]): string {
  return `json_build_object(
    'schemas', (select coalesce(json_agg(s.name order by s.rank, s.name), '[]') from (${candidatesSql(setting)}) s),
    'placeable', ${wanted.length === 0 ? `'[]'::json` : placeableSql(wanted)})`;
}

function placeableSql(wanted: readonly string[]): string {
  const names = textArray(wanted);
  return `case when exists (
        select from unnest(${names}) w (name) where not exists (select from pg_extension e where e.extname = w.name))
      then (select coalesce(json_agg(distinct v.name), '[]') from pg_available_extension_versions v
        where v.name = any(${names}) and v.schema is null
          and not exists (select from pg_extension e where e.extname = v.name))
      else '[]' end`;
}

function candidatesSql({ extensionSchemas }: Setting): string {
  if (extensionSchemas === 'auto') return foundSchemasSql;
  return `select l.name, l.rank from unnest(${textArray(extensionSchemas)}) with ordinality as l (name, rank)
      where exists (select from pg_namespace n where n.nspname = l.name)`;
}

/** Makes SQL that finds the schemas of extensions again, within a transaction, and puts them after the plugin's own. */
export function refreshPathSql(schema: string): string {
  const found = `select string_agg(', ' || quote_ident(s.name), '' order by s.rank, s.name) from (${foundSchemasSql}) s`;
  return `select set_config('search_path', ${quoteLiteral(quoteIdentifier(schema))} || coalesce((${found}), ''), true)`;
}

/** Returns the schemas after a plugin's own on its `search_path`. */
export function schemasOnPath(
  { extensionSchemas }: Setting,
  { schemas }: ExtensionFacts = noExtensions,
): readonly string[] {
  return extensionSchemas === 'auto' ? schemas : extensionSchemas;
}

/** Whether the schemas on the path depend on the extensions of the database. */
export function followsExtensions({ extensionSchemas }: Setting): boolean {
  return extensionSchemas === 'auto';
}

/** Lists the extensions that files make without a schema. */
export function wantedExtensions(files: readonly Migration[]): readonly string[] {
  const names = files.filter(isSql).flatMap(({ sql }) => extensionsWithoutSchema(sql));
  return [...new Set(names)];
}

/** Lists the extensions that a text makes without a schema. */
export function extensionsWithoutSchema(sql: SqlText): readonly string[] {
  return [...new Set(findHomelessExtensions(sql).map(({ name }) => name))];
}

/** Makes the edits that add a schema to `CREATE EXTENSION`. An extension that exists, or has its own schema, is left alone. */
export function extensionEdits(sql: SqlText, facts: ExtensionFacts): readonly SqlEdit[] {
  const [schema] = facts.schemas;
  if (schema === undefined) return [];
  return findHomelessExtensions(sql)
    .filter(({ name }) => facts.placeable.includes(name))
    .map(({ insertAt: at }) => {
      return { start: at, end: at, replacement: ` SCHEMA ${quoteIdentifier(schema)}` };
    });
}

/** Lists the extensions without a schema to go to. Those of the host stay in `public`, as always. */
export function misplacedExtensions(
  sql: SqlText,
  facts: ExtensionFacts,
  schema: string,
): readonly string[] {
  if (facts.schemas.length > 0 || schema === 'public') return [];
  return extensionsWithoutSchema(sql).filter((name) => facts.placeable.includes(name));
}

/** Writes what to do when there is no schema for an extension. */
export function missingSchemaAdvice(name: string, setting: Setting): string {
  const [listed] = schemasOnPath(setting);
  const isFound = followsExtensions(setting);
  const schema = quoteIdentifier(listed ?? 'extensions');
  const list =
    isFound || listed !== undefined ? '' : `, and list it in migrations.extensionSchemas`;
  const known = isFound ? ' It counts as soon as an extension is in it.' : '';
  return `Make a schema for extensions, once, as an administrator: CREATE SCHEMA IF NOT EXISTS ${schema}; CREATE EXTENSION ${quoteIdentifier(name)} SCHEMA ${schema}; GRANT USAGE ON SCHEMA ${schema} TO the role${list}.${known}`;
}
