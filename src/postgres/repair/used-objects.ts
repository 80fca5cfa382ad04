import { listNames } from '../../core/printable.ts';
import type { Querying } from '../connection/connection.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { namesInSql } from '../sql/sql-names.ts';
import type { PublicObject } from '../survey/stranded-objects.ts';
import type { RepairLeft, UsedKind } from './repair-report.ts';

/** An object in `public` that other objects use, according to the catalog. */
interface UsedObject {
  readonly key: string;
  readonly kind: UsedKind;
  /** Without arguments. */
  readonly name: string;
  /** As ALTER takes it, without its schema: `touch()`. */
  readonly identity: string;
  readonly isOwned: boolean;
  /** The schemas of plugins that have an equal object. */
  readonly alsoIn: readonly string[];
  readonly uses: readonly Use[];
}

interface Use {
  /** The key of the object that the user belongs to, such as the table of a trigger. */
  readonly by: string;
  /** For people: `trigger touch on table public.items`. */
  readonly what: string;
  /** Whether the user belongs to an object that moves or that is in the plugin's schema. */
  readonly isOwn: boolean;
}

/** The catalogs of the objects that can be moved along. */
const catalogs = [
  ['pg_proc', 'proname', 'proowner', 'true'],
  ['pg_operator', 'oprname', 'oprowner', 'true'],
  // Types of rows and arrays have an owner, and ranges come with functions of their own.
  ['pg_type', 'typname', 'typowner', `typtype in ('c', 'd', 'e')`],
  ['pg_class', 'relname', 'relowner', `relkind = 'S'`],
  ['pg_collation', 'collname', 'collowner', 'true'],
  ['pg_ts_config', 'cfgname', 'cfgowner', 'true'],
  ['pg_ts_dict', 'dictname', 'dictowner', 'true'],
  ['pg_statistic_ext', 'stxname', 'stxowner', 'true'],
]
  .map(
    ([catalog, name, owner, isMovable]) =>
      `select '${catalog}'::regclass::oid as classid, oid as objid, ${name}::text as name, ${owner} as owner from ${catalog} where ${isMovable}`,
  )
  .join(' union all ');

/**
 * `$1` are the plugin's schemas, `$2` and `$3` the kinds and names that move, `$4` the schemas of all plugins. A row of
 * `pg_depend` of type `a` or `i` records what an object belongs to: a trigger to its table, an array type to its element. A
 * table whose key or column is computed has one that points at itself.
 */
const usedSql = `
with recursive named as (${catalogs}),
owned as (
  select classid, objid, refclassid, refobjid from pg_depend
  where deptype in ('a', 'i') and (classid, objid) <> (refclassid, refobjid)),
candidate as (
  select n.*, f.type, substr(f.identity, length('public.') + 1) as identity
  from named n join pg_depend s on s.classid = n.classid and s.objid = n.objid
      and s.refclassid = 'pg_namespace'::regclass and s.refobjid = to_regnamespace('public')
    cross join lateral pg_identify_object(n.classid, n.objid, 0) f
  where not exists (select from pg_depend e where e.classid = n.classid and e.objid = n.objid and e.deptype = 'e')
    and (n.classid = 'pg_statistic_ext'::regclass
      or not exists (select from owned o where o.classid = n.classid and o.objid = n.objid))),
part as (
  select classid, objid, classid as of_class, objid as of_id from candidate
  union
  select o.classid, o.objid, c.classid, c.objid from candidate c
    join owned o on o.refclassid = c.classid and o.refobjid = c.objid),
use as (
  select p.of_class, p.of_id, d.classid as by_class, d.objid as by_id from part p
    join pg_depend d on d.refclassid = p.classid and d.refobjid = p.objid and d.deptype = 'n'
  union
  select 'pg_statistic_ext'::regclass, oid, 'pg_class'::regclass, stxrelid from pg_statistic_ext),
chain as (
  select u.*, u.by_class as classid, u.by_id as objid from use u
  union
  select h.of_class, h.of_id, h.by_class, h.by_id, o.refclassid, o.refobjid from chain h
    join owned o on o.classid = h.classid and o.objid = h.objid),
moving as (
  select m.kind, 'public.' || quote_ident(m.name) as identity from unnest($2::text[], $3::text[]) m (kind, name)),
found as (
  select distinct h.of_class, h.of_id, h.classid || ' ' || h.objid as by,
    pg_describe_object(h.by_class, h.by_id, 0) as what,
    coalesce(f.schema in (select quote_ident(s) from unnest($1::text[]) s) or exists (select from moving m where m.kind = f.type and m.identity = f.identity), false) as is_own
  from chain h cross join lateral pg_identify_object(h.classid, h.objid, 0) f
  where not exists (select from owned o where o.classid = h.classid and o.objid = h.objid))
select coalesce(json_agg(json_build_object(
  'key', c.classid || ' ' || c.objid, 'name', c.name, 'identity', c.identity,
  'kind', case c.type when 'statistics object' then 'statistics' else c.type end,
  'isOwned', pg_has_role(c.owner, 'USAGE'),
  'alsoIn', (select coalesce(json_agg(n.nspname), '[]') from pg_namespace n where n.nspname = any($4::text[]) and exists (
    select from pg_depend d cross join lateral pg_identify_object(d.classid, d.objid, 0) f
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid and d.classid = c.classid
      and f.identity = quote_ident(n.nspname) || '.' || c.identity)),
  'uses', (select json_agg(json_build_object('by', u.by, 'what', u.what, 'isOwn', u.is_own) order by u.what)
    from found u where u.of_class = c.classid and u.of_id = c.objid))
  order by c.type, c.identity), '[]')::text as used
from candidate c where exists (select from found u where u.of_class = c.classid and u.of_id = c.objid)`;

/** Reads every object in `public` that has a user in the catalog, except members of extensions. The catalog does not know what a body names. */
export async function readUsedObjects(
  client: Querying,
  own: readonly string[],
  moving: readonly PublicObject[],
  schemas: readonly string[],
): Promise<readonly UsedObject[]> {
  const { rows } = await client.query<{ used: string }>(usedSql, [
    own,
    moving.map(({ kind }) => kind),
    moving.map(({ name }) => name),
    schemas.filter((name) => name !== 'public'),
  ]);
  return JSON.parse(rows[0]?.used ?? '[]') as readonly UsedObject[];
}

/** Why an object stays in `public`; undefined when it moves along. */
type Reason = string | undefined;

/**
 * Decides which of the objects that a plugin uses in `public` move along into its schema: those that the plugin's own files
 * name and that nothing else uses. The others are reported, with what uses them.
 *
 * @param settled Names that are already decided, such as an enum that two plugins may own.
 */
export function decideOnUsed(
  used: readonly UsedObject[],
  plugin: PluginMigrations,
  plugins: readonly PluginMigrations[],
  settled: ReadonlySet<string>,
): { readonly along: readonly UsedObject[]; readonly left: readonly RepairLeft[] } {
  const wanted = reach(used.filter(({ name }) => !settled.has(name)));
  const reasons = new Map<UsedObject, Reason>(
    wanted.map((object) => [object, whyNotIts(object, plugin, plugins)]),
  );
  const isStaying = (object: UsedObject): boolean => reasons.get(object) !== undefined;
  // An object that stays keeps the objects that it uses, and so on.
  for (let isStable = false; !isStable;) {
    isStable = true;
    const going = new Set(wanted.filter((each) => !isStaying(each)).map(({ key }) => key));
    for (const object of wanted.filter((each) => !isStaying(each))) {
      const others = object.uses.filter(({ isOwn, by }) => !isOwn && !going.has(by));
      if (others.length === 0) continue;
      reasons.set(object, `${listUses(others)} ${others.length === 1 ? 'uses' : 'use'} it too`);
      isStable = false;
    }
  }
  return {
    along: wanted.filter((object) => !isStaying(object)),
    left: wanted.flatMap((object) => {
      const because = reasons.get(object);
      const { kind, identity: name, uses } = object;
      const own = uses.filter(({ isOwn }) => isOwn);
      const by = own.length === 0 ? '' : `used by ${listUses(own)}; `;
      return because === undefined ? [] : [{ kind, name, because: `${by}${because}` }];
    }),
  };
}

/** Collects what the plugin's own objects use, directly and through others. */
function reach(used: readonly UsedObject[]): readonly UsedObject[] {
  const found = new Set(used.filter(({ uses }) => uses.some(({ isOwn }) => isOwn)));
  for (let size = 0; size < found.size;) {
    size = found.size;
    const keys = new Set([...found].map(({ key }) => key));
    for (const each of used) if (each.uses.some(({ by }) => keys.has(by))) found.add(each);
  }
  return used.filter((each) => found.has(each));
}

function whyNotIts(
  object: UsedObject,
  { id, schema, files }: PluginMigrations,
  plugins: readonly PluginMigrations[],
): Reason {
  const { alsoIn, isOwned } = object;
  if (alsoIn.includes(schema)) return `${schema} has another one already`;
  const others = plugins.filter(
    (each) => each.id !== id && !alsoIn.includes(each.schema) && mayName(object, each.files),
  );
  if (others.length > 0) return `it may also belong to ${others.map((each) => each.id).join(', ')}`;
  // It is unknown what a function of the plugin has made.
  const isNamed = mayName(object, files) || !files.every(isSql);
  if (!isNamed) return `no file of ${id} names it`;
  return isOwned ? undefined : 'the role does not own it';
}

function mayName({ kind, name }: UsedObject, files: readonly Migration[]): boolean {
  return files
    .filter(isSql)
    .some(({ sql }) =>
      kind === 'operator'
        ? /operator/i.test(sql.text) && sql.text.includes(name)
        : sql.text.toLowerCase().includes(name.toLowerCase()) && namesInSql(sql).includes(name),
    );
}

function listUses(uses: UsedObject['uses']): string {
  return listNames([...new Set(uses.map(({ what }) => what))]);
}
