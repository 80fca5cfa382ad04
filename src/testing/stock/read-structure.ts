import type { FreshDatabase } from './fresh-database.ts';
import type { TableNames } from './table-names.ts';

/** What each object of a database is, by its kind and name: `column catalog.items.price` is `integer not null`. */
export type Structure = ReadonlyMap<string, string>;

/** The schemas of users. Slipway's own, and that of this kit, say nothing about a plugin. */
export const ofUsers = (namespace: string): string =>
  `${namespace}.nspname !~ '^pg_' and ${namespace}.nspname not in ('information_schema', 'slipway', 'slipway_testing')`;

const isOfExtension = (catalog: string, oid: string): string => `exists (select from pg_depend e
  where e.classid = '${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`;

/** Not-null constraints are left out: the column says so, and their names keep those that a column once had. */
const structureSql = `
  select 'schema' as kind, n.nspname as schema, null as name, 'there' as definition from pg_namespace n where ${ofUsers('n')}
  union all
  select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end,
    n.nspname, c.relname,
    case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid)
      when c.relkind = 'S' then (select format('%s, from %s by %s', format_type(s.seqtypid, null), s.seqstart, s.seqincrement) from pg_sequence s where s.seqrelid = c.oid)
      else concat_ws(', ', case c.relpersistence when 'u' then 'unlogged' else 'there' end,
        case when c.relrowsecurity then 'with row security' end,
        'partitioned ' || pg_get_partkeydef(c.oid), 'partition ' || pg_get_expr(c.relpartbound, c.oid)) end
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where ${ofUsers('n')} and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and not ${isOfExtension('pg_class', 'c.oid')}
  union all
  select 'column', n.nspname, c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
      case when a.attnotnull then 'not null' end,
      case when a.attidentity <> '' then 'identity' end,
      case when a.attgenerated <> '' then 'generated' when d.adbin is not null then 'default' end, pg_get_expr(d.adbin, d.adrelid))
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${ofUsers('n')} and c.relkind in ('r', 'p', 'f') and not ${isOfExtension('pg_class', 'c.oid')}
  union all
  select 'index', n.nspname, c.relname, concat(pg_get_indexdef(c.oid), case when not i.indisvalid then ' (invalid)' end)
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace where ${ofUsers('n')}
  union all
  select 'constraint', n.nspname, concat_ws('.', coalesce(c.relname, t.typname), k.conname), pg_get_constraintdef(k.oid)
    from pg_constraint k join pg_namespace n on n.oid = k.connamespace
      left join pg_class c on c.oid = k.conrelid left join pg_type t on t.oid = k.contypid
    where ${ofUsers('n')} and k.contype <> 'n'
  union all
  select 'type', n.nspname, t.typname, case t.typtype when 'e' then
      (select format('enum of %s', string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)) from pg_enum e where e.enumtypid = t.oid)
      else concat_ws(' ', 'domain of', format_type(t.typbasetype, t.typtypmod), case when t.typnotnull then 'not null' end, 'default ' || t.typdefault) end
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where ${ofUsers('n')} and t.typtype in ('e', 'd') and not ${isOfExtension('pg_type', 't.oid')}
  union all
  select 'function', n.nspname, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
      case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) else 'there' end
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${ofUsers('n')} and not ${isOfExtension('pg_proc', 'p.oid')}
  union all
  select 'trigger', n.nspname, c.relname || '.' || g.tgname, pg_get_triggerdef(g.oid)
    from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where ${ofUsers('n')} and not g.tgisinternal
  union all
  select 'policy', n.nspname, c.relname || '.' || o.polname,
      concat_ws(' ', o.polcmd, pg_get_expr(o.polqual, o.polrelid), pg_get_expr(o.polwithcheck, o.polrelid))
    from pg_policy o join pg_class c on c.oid = o.polrelid join pg_namespace n on n.oid = c.relnamespace where ${ofUsers('n')}
  union all
  select 'extension', n.nspname, x.extname, x.extversion from pg_extension x join pg_namespace n on n.oid = x.extnamespace where ${ofUsers('n')}`;

interface StructureRow {
  readonly kind: string;
  readonly schema: string;
  readonly name: string | null;
  readonly definition: string | null;
}

/** Reads what there is in the schemas of users. The order of columns is left out: no statement that names its columns sees it. */
export async function readStructure(
  { ask }: Pick<FreshDatabase, 'ask'>,
  names: TableNames,
): Promise<Structure> {
  const rows = await ask<StructureRow>(structureSql);
  const lines = rows.map(({ kind, schema, name, definition }): [string, string] => [
    `${kind} ${names.nameIn(schema, name ?? undefined)}`,
    (definition ?? '').replaceAll(/\s+/g, ' ').trim(),
  ]);
  return new Map(lines.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes how a structure differs from the one it should have, a line for each object. */
export function compareStructure(
  found: Structure,
  expected: Structure,
  words: { readonly here: string; readonly there: string },
): readonly string[] {
  const objects = [...new Set([...expected.keys(), ...found.keys()])];
  return objects.flatMap((object) => {
    const [is, wanted] = [found.get(object), expected.get(object)];
    if (is === wanted) return [];
    if (is === undefined) return [`${object}: missing ${words.here}, there ${words.there}`];
    if (wanted === undefined) return [`${object}: there ${words.here}, missing ${words.there}`];
    return [`${object}: ${cut(is)} ${words.here}, ${cut(wanted)} ${words.there}`];
  });
}

function cut(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
