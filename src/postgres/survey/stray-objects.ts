import { quoteLiteral } from '../sql/identifier.ts';
import { failWithSql, readSqlFailure } from '../connection/session-guard.ts';
import { isRecord } from '../../core/foreign-value.ts';

/** What to do about objects that a file made outside of its plugin's schema. */
type StrayPolicy = 'error' | 'warn' | 'off';

/** The schemas that are a plugin's own. */
interface OwnSchemas {
  readonly schema: string;
  readonly historySchema: string;
}

const mark = 'slipway found strays';

/** Catalogs of settings of a schema, which depend on it without being objects in it. Older servers lack one. */
const settingsOfSchemas = ['pg_default_acl', 'pg_publication_namespace'];

/** The setting in which the transaction keeps the schemas that existed when it began. It ends with the transaction. */
const schemasSetting = 'slipway.schemas';

/**
 * SQL to send when the transaction begins. It remembers the existing schemas, because a GRANT on a schema also rewrites its row,
 * and looks like a new schema.
 */
export const rememberSchemasSql = `select set_config('${schemasSetting}', string_agg(oid::text, ' '), true) from pg_namespace`;

/**
 * Makes SQL that finds what this transaction has made outside of the plugin's schemas, to send before COMMIT. With `error` it
 * fails when there is anything; with `warn` it answers with one row, see {@link straysAmong}.
 *
 * An object in a schema depends on it, and that row of `pg_depend` has the id of the transaction that made it. A subtransaction
 * has an id of its own, but is in progress as long as its parent is, and the rows in progress that we can see are ours. Owners, grants,
 * comments and foreign keys touch an object without such a row. Members of an extension belong to the extension.
 */
export function strayObjectsSql(own: OwnSchemas, policy: Exclude<StrayPolicy, 'off'>): string {
  const list = `json_agg(name order by name)`;
  const answer =
    policy === 'error'
      ? `case when count(*) = 0 then 0 else ${failWithSql(mark, list)} end`
      : `coalesce(${list}, '[]')::text as strays`;
  return `with me as (select id, age((id % 4294967296)::text::xid) as age from (select pg_current_xact_id()::text::bigint) t (id)),
  stray as (${strayNamesSql(own)})
  select ${answer} from stray`;
}

/** Reads the names that a failed {@link strayObjectsSql} found; `undefined` for any other error. */
export function straysIn(error: unknown): readonly string[] | undefined {
  return readSqlFailure(mark, error) as readonly string[] | undefined;
}

/** Reads the names that {@link strayObjectsSql} found for a warning, among the answers to a message. */
export function straysAmong(answers: unknown): readonly string[] {
  const rows = [answers].flat().flatMap((answer) => (answer as { readonly rows?: unknown[] }).rows);
  const found = rows.find(
    (row): row is { readonly strays: string } => isRecord(row) && 'strays' in row,
  );
  return found ? (JSON.parse(found.strays) as readonly string[]) : [];
}

/**
 * The values to compare with are computed once, and rows of other transactions need no lookup, so a large catalog is read in
 * one scan.
 */
function strayNamesSql({ schema, historySchema }: OwnSchemas): string {
  const own = [schema, historySchema].map(quoteLiteral).join(', ');
  const settings = settingsOfSchemas
    .map((name) => `(to_regclass('pg_catalog.${name}'))`)
    .join(', ');
  return `select pg_describe_object(d.classid, d.objid, d.objsubid) as name
    from pg_depend d
    where ${isMade('d')}
      and d.refclassid = 'pg_namespace'::regclass and d.classid <> 'pg_extension'::regclass
      and not exists (select from (values ${settings}) s (catalog) where s.catalog = d.classid)
      and d.refobjid not in (select n.oid from pg_namespace n where n.nspname in (${own}) or n.nspname ~ '^pg_(temp|toast)')
      and not ${isMember('d.classid', 'd.objid')}
  union all
  select 'schema ' || n.nspname from pg_namespace n
    where ${isMade('n')} and n.nspname not in (${own}) and n.nspname !~ '^pg_'
      and n.oid::text <> all (string_to_array(coalesce(current_setting('${schemasSetting}', true), ''), ' '))
      and not ${isMember(`'pg_namespace'::regclass`, 'n.oid')}
  ${schema === 'public' ? '' : extensionsSql(schema)}`;
}

/** Every plugin finds an extension in `public`. In a plugin's schema no other plugin finds it, and it is dropped with it. */
function extensionsSql(schema: string): string {
  return `union all
  select 'extension ' || e.extname || ' in schema ' || n.nspname
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
      join pg_depend d on d.classid = 'pg_extension'::regclass and d.objid = e.oid
        and d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
    where n.nspname = ${quoteLiteral(schema)} and ${isMade('d')}`;
}

/** The age is checked first, because the server refuses the status of a transaction that seems to be in the future. */
function isMade(row: string): string {
  const full = `((((select id from me) >> 32) << 32) + ${row}.xmin::text::bigint)::text::xid8`;
  return `case when age(${row}.xmin) <= (select age from me) then pg_xact_status(${full}) = 'in progress' else false end`;
}

function isMember(classId: string, objectId: string): string {
  return `exists (select from pg_depend m where m.classid = ${classId} and m.objid = ${objectId} and m.deptype = 'e')`;
}
