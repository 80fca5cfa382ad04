import { textArray } from '../sql/identifier.ts';
import { historyTable } from '../history/migration-history.ts';

/** The kinds of objects that are moved by themselves. Sequences of columns, indexes and row types move with their tables. */
export type MovableKind = 'table' | 'view' | 'materialized view' | 'sequence' | 'type';

/** An object in `public` that belongs to no extension. */
export interface PublicObject {
  readonly kind: MovableKind;
  readonly name: string;
  /** The surveyed schemas that have an object of this name. */
  readonly alsoIn: readonly string[];
}

/** An SQL expression of type json that gives {@link PublicObject}s, beside the names of the surveyed schemas. */
export function publicObjectsSql(schemas: readonly string[]): string {
  return `(
  with found as (
    select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end as kind,
      c.relname as name, 'pg_class'::regclass as classid, c.oid as objid, c.relkind = 'S' as may_be_owned
    from pg_class c where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'v', 'm', 'S')
      and c.relname <> '${historyTable}'
    union all
    select 'type', t.typname, 'pg_type'::regclass, t.oid, false
    from pg_type t where t.typnamespace = to_regnamespace('public') and t.typtype = 'e'
  ), loose as (
    select o.kind, o.name from found o where not exists (
      select from pg_depend d where d.classid = o.classid and d.objid = o.objid
        and (d.deptype = 'e' or o.may_be_owned and d.deptype in ('a', 'i')))
  ), surveyed as (
    select oid, nspname from pg_namespace where nspname = any(${textArray(schemas)}) and nspname <> 'public'
  ), taken as (
    select c.relname as name, n.nspname from pg_class c join surveyed n on n.oid = c.relnamespace
    where c.relname in (select name from loose)
    union
    select t.typname, n.nspname from pg_type t join surveyed n on n.oid = t.typnamespace
    where t.typname in (select name from loose)
  )
  select coalesce(json_agg(json_build_object(
    'kind', l.kind, 'name', l.name, 'alsoIn', coalesce(t.schemas, '[]')) order by l.kind, l.name), '[]')
  from loose l left join (select name, json_agg(nspname) as schemas from taken group by name) t on t.name = l.name)`;
}

/** For people: `table items`. */
export function describeObject({ kind, name }: Pick<PublicObject, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}
