import type { FreshDatabase } from './fresh-database.ts';
import { ofUsers } from './read-structure.ts';
import type { TableNames } from './table-names.ts';

/** A column of a table, as PostgreSQL's catalogs have it. */
export interface Column {
  readonly name: string;
  /** Stays the same when the column is renamed. */
  readonly number: number;
  /** The type that a domain stands for, without its length: `character varying`. */
  readonly type: string;
  /** The length of a text or the digits of a number, as in `varchar(20)`; -1 for none. */
  readonly modifier: number;
  /** The type in full, for a cast. */
  readonly castType: string;
  /** `e` for an enum, `b` for an array too; see pg_type.typtype and typcategory. */
  readonly kind: string;
  readonly category: string;
  readonly isRequired: boolean;
  readonly hasDefault: boolean;
  /** Numbered by a sequence or an identity. */
  readonly isNumbered: boolean;
  /** Computed from other columns. */
  readonly isComputed: boolean;
}

/** A foreign key of a table. */
export interface Reference {
  readonly columns: readonly string[];
  readonly toOid: number;
  readonly toColumns: readonly string[];
}

/** A table with its keys. */
export interface Table {
  /** Stays the same when the table is renamed or moved. */
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** For people: `catalog.items`. */
  readonly name: string;
  /** Changes when the table is rewritten. */
  readonly file: string;
  readonly columns: readonly Column[];
  /** The columns of the primary key. */
  readonly key: readonly string[];
  readonly references: readonly Reference[];
  /** The expressions of its check constraints. */
  readonly checks: readonly string[];
}

const columnNames = (table: string, numbers: string): string =>
  `(select json_agg(x.attname order by u.place) from unnest(${numbers}) with ordinality u(number, place)
    join pg_attribute x on x.attrelid = ${table} and x.attnum = u.number)`;

const tablesSql = `
  select c.oid::int8::text as oid, n.nspname as schema, c.relname as table, pg_relation_filenode(c.oid)::text as file,
    (select coalesce(json_agg(json_build_object('name', a.attname, 'number', a.attnum,
        'type', format_type(b.oid, null), 'modifier', case t.typtype when 'd' then t.typtypmod else a.atttypmod end,
        'castType', format_type(a.atttypid, a.atttypmod), 'kind', b.typtype, 'category', b.typcategory,
        'isRequired', a.attnotnull or t.typnotnull, 'hasDefault', a.atthasdef or a.attidentity <> '',
        'isNumbered', a.attidentity <> '' or coalesce(pg_get_expr(d.adbin, d.adrelid), '') like 'nextval(%',
        'isComputed', a.attgenerated <> '') order by a.attnum), '[]')
      from pg_attribute a join pg_type t on t.oid = a.atttypid
        join pg_type b on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    coalesce((select ${columnNames('c.oid', 'k.conkey')} from pg_constraint k where k.conrelid = c.oid and k.contype = 'p'), '[]') as key,
    coalesce((select json_agg(json_build_object('columns', ${columnNames('c.oid', 'k.conkey')},
        'toOid', k.confrelid::int8, 'toColumns', ${columnNames('k.confrelid', 'k.confkey')}))
      from pg_constraint k where k.conrelid = c.oid and k.contype = 'f'), '[]') as references,
    coalesce((select json_agg(pg_get_constraintdef(k.oid)) from pg_constraint k where k.conrelid = c.oid and k.contype = 'c'), '[]') as checks
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where ${ofUsers('n')} and c.relkind in ('r', 'p') and not c.relispartition
    and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
  order by n.nspname, c.relname`;

/** Reads every table of users, with its columns and keys. */
export async function readTables(
  { ask }: Pick<FreshDatabase, 'ask'>,
  names: TableNames,
): Promise<readonly Table[]> {
  const rows = await ask<Omit<Table, 'oid' | 'name'> & { readonly oid: string }>(tablesSql);
  return rows.map((row) => ({
    ...row,
    oid: Number(row.oid),
    name: names.nameIn(row.schema, row.table),
  }));
}
