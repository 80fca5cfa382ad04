import { quoteLiteral, textArray } from '../sql/identifier.ts';
import { failWithSql, readSqlFailure } from '../connection/session-guard.ts';

/** What to do about objects that a file made outside of its plugin's schema. */
type StrayPolicy = 'error' | 'warn' | 'off';

/** The schemas that are a plugin's own. */
interface OwnSchemas {
  readonly schema: string;
  readonly historySchema: string;
  readonly furtherSchemas: readonly string[];
}

const mark = 'slipway found strays';

/** System catalogs have the same numbers in every database. */
const catalog = {
  pg_type: 1247,
  pg_proc: 1255,
  pg_class: 1259,
  pg_attrdef: 2604,
  pg_constraint: 2606,
  pg_depend: 2608,
  pg_namespace: 2615,
  pg_rewrite: 2618,
  pg_trigger: 2620,
  pg_extension: 3079,
  pg_policy: 3256,
} as const;

/** The catalogs of nearly everything that a migration makes. */
const commonCatalogs = [
  catalog.pg_class,
  catalog.pg_type,
  catalog.pg_proc,
  catalog.pg_constraint,
  catalog.pg_attrdef,
  catalog.pg_trigger,
  catalog.pg_rewrite,
  catalog.pg_policy,
].join(', ');

/** Catalogs of settings of a schema, which depend on it without being objects in it. Older servers lack one. */
const settingsOfSchemas = ['pg_default_acl', 'pg_publication_namespace'];

/** The setting in which the transaction keeps how it began. It ends with the transaction. */
const beginningSetting = 'slipway.beginning';

/** The numbers of rows that the transaction has written so far, as its session counts them. */
const counts = {
  madeDependencies: `pg_stat_get_xact_tuples_inserted(${catalog.pg_depend})`,
  changedDependencies: `pg_stat_get_xact_tuples_updated(${catalog.pg_depend})`,
  madeSchemas: `pg_stat_get_xact_tuples_inserted(${catalog.pg_namespace})`,
  madeExtensions: `pg_stat_get_xact_tuples_inserted(${catalog.pg_extension})`,
} as const;

/**
 * An SQL expression to evaluate when the transaction begins, for {@link strayObjectsSql}. It remembers the counts, the newest
 * number of an object, and the plugin's own schemas.
 */
export function rememberBeginningSql({
  schema,
  historySchema,
  furtherSchemas,
}: OwnSchemas): string {
  const own = [schema, historySchema, ...furtherSchemas].map(quoteLiteral).join(', ');
  return `set_config('${beginningSetting}', concat_ws(' ', ${Object.values(counts).join(', ')},
    greatest((select max(oid) from pg_class), (select max(oid) from pg_constraint)),
    (select string_agg(oid::text, ' ') from pg_namespace where nspname in (${own}))), true)`;
}

/** The beginning as a row `b`, read once. In a database whose numbers have run out once, a new object may have any. */
const beginningSql = `(select made[1]::bigint as made_dependencies, made[2]::bigint as changed_dependencies,
    made[3]::bigint as made_schemas, made[4]::bigint as made_extensions, made[5]::oid as newest,
    made[5]::bigint > 3e9 as may_wrap, made[6:]::oid[] as own,
    pg_current_xact_id()::xid as me, age(pg_current_xact_id()::xid) as age,
    (pg_current_xact_id()::text::bigint >> 32) << 32 as epoch
  from (select string_to_array(current_setting('${beginningSetting}', true), ' ')) t (made) offset 0) b`;

/**
 * Makes SQL that finds what this transaction has made outside of the plugin's schemas, to send before COMMIT. With `error` it
 * fails when there is anything; with `warn` it answers with one value, a JSON list of names.
 *
 * An object in a schema depends on it, and that row of `pg_depend` has the id of the transaction that made it. A subtransaction
 * has an id of its own, but is in progress as long as its parent is, and the rows in progress that we can see are ours. Owners, grants,
 * comments and foreign keys touch an object without such a row. Members of an extension belong to the extension.
 *
 * Objects are numbered as they are made, so that the rows of the newest numbers are found through an index. When these are as
 * many as the transaction has written, they are all of them, and the catalogs need not be read from end to end.
 */
export function strayObjectsSql(
  { schema, furtherSchemas }: OwnSchemas,
  policy: Exclude<StrayPolicy, 'off'>,
): string {
  const names = `select coalesce(json_agg(name order by name), '[]') as names from (${strayNamesSql([schema, ...furtherSchemas])}) s offset 0`;
  const [nothing, answer] =
    policy === 'error'
      ? [
          '0',
          `case when found.names::text = '[]' then 0 else ${failWithSql(mark, 'found.names')} end`,
        ]
      : [`'[]'`, 'found.names::text'];
  return `select case when ${madeNothingElse} then ${nothing} else (select ${answer} from (${names}) found) end
  from ${beginningSql}`;
}

/**
 * SQL that answers with one value, a JSON list of all that this transaction has made outside of the plugin's schemas, also before
 * it was remembered how it began.
 */
export function straysSoFarSql({ schema, furtherSchemas }: OwnSchemas): string {
  const names = strayNamesSql([schema, ...furtherSchemas]);
  return `select (select coalesce(json_agg(name order by name), '[]')::text from (${names}) s) from ${beginningSql}`;
}

/** Reads the names that a failed {@link strayObjectsSql} found; `undefined` for any other error. */
export function straysIn(error: unknown): readonly string[] | undefined {
  return readSqlFailure(mark, error) as readonly string[] | undefined;
}

/** The limits on both sides tell the planner that there are few. */
const madeNothingElse = `current_setting('track_counts')::bool
    and ${counts.changedDependencies} = b.changed_dependencies
    and ${counts.madeSchemas} = b.made_schemas and ${counts.madeExtensions} = b.made_extensions
    and (select count(*) = ${counts.madeDependencies} - b.made_dependencies
        and coalesce(bool_and(d.refclassid <> ${catalog.pg_namespace} or d.refobjid = any(b.own)), true)
      from pg_depend d where d.classid in (${commonCatalogs})
        and d.objid > b.newest and d.objid <= 4294967295::oid and d.xmin = b.me)`;

/** Every plugin finds an extension in `public`. In a plugin's schema no other plugin finds it, and it is dropped with it. */
const strayNamesSql = (
  schemas: readonly string[],
): string => `select pg_describe_object(d.classid, d.objid, d.objsubid) as name
    from pg_depend d
    where d.refclassid = ${catalog.pg_namespace} and d.refobjid <> all (b.own) and ${isMade('d')}
      and d.classid <> ${catalog.pg_extension}
      and d.classid::regclass::text <> all ('{${settingsOfSchemas.join(',')}}')
      and d.refobjid::regnamespace::text !~ '^pg_(temp|toast)'
      and not ${isMember('d.classid', 'd.objid')}
  union all
  select 'schema ' || n.nspname from pg_namespace n
    where ${counts.madeSchemas} > b.made_schemas and (n.oid > b.newest or b.may_wrap)
      and n.oid <> all (b.own) and n.nspname !~ '^pg_' and ${isMade('n')}
      and not ${isMember(String(catalog.pg_namespace), 'n.oid')}
  union all
  select 'extension ' || e.extname || ' in schema ' || n.nspname
    from pg_namespace n join pg_depend d on d.refclassid = ${catalog.pg_namespace} and d.refobjid = n.oid
      and d.classid = ${catalog.pg_extension} join pg_extension e on e.oid = d.objid
    where n.nspname = any(${textArray(schemas)}) and n.nspname <> 'public' and ${isMade('d')}`;

/** The age is checked first, because the server refuses the status of a transaction that seems to be in the future. */
function isMade(row: string): string {
  return `case when age(${row}.xmin) <= b.age
      then pg_xact_status((b.epoch + ${row}.xmin::text::bigint)::text::xid8) = 'in progress' else false end`;
}

function isMember(classId: string, objectId: string): string {
  return `exists (select from pg_depend m where m.classid = ${classId} and m.objid = ${objectId} and m.deptype = 'e')`;
}
