import { joinNames, shorten } from '../../core/printable.ts';
import type { Querying } from '../connection/connection.ts';
import { isRepeatable, isSql } from '../sources/migration.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import { qualifiedName, splitName } from '../sql/sql-names.ts';
import { SqlText } from '../sql/sql-text.ts';
import type { Migrating } from './migrating.ts';

/** The states of what cannot be dropped or replaced: other objects depend, a view's columns, what a function takes or gives. */
export const cannotReplace: readonly string[] = ['2BP01', '42P16', '42P13'];

/** Something that depends on a view or a function. */
interface Dependent {
  /** Such as `view` or `policy`. */
  readonly type: string;
  /** Its whole name, without the plugin's own schema; of a function with its arguments. */
  readonly identity: string;
  /** Without its schema. */
  readonly name: string;
  /** Whether DROP takes it away and the file can make it anew. */
  readonly isDropped: boolean;
}

/**
 * Says what depends on a view or a function that cannot be dropped or replaced, in the order in which it has to be dropped, and
 * which repeatable file makes it: such a file does not run again by itself.
 *
 * @returns undefined when nothing depends on it.
 */
export async function adviceForDependents({
  client,
  plugin,
  progress: { statement, open },
}: Migrating): Promise<string | undefined> {
  const target = readTarget(statement?.query.text ?? '');
  if (!target || !open) return undefined;
  const { schema = plugin.schema, name, kind } = target;
  const found = await findDependents(client, { schema, name, kind }, plugin.schema);
  if (found.length === 0) return undefined;
  const file = open.file.name;
  const makers = plugin.files.filter(
    (each) => isRepeatable(each) && each !== open.file && makesAny(each, found),
  );
  const drops = [
    ...found.filter(({ isDropped }) => isDropped).map(dropSql),
    `DROP ${kind.toUpperCase()} IF EXISTS ${quoteIdentifier(name)};`,
  ];
  const who = joinNames(
    shorten(
      found.map(({ type, identity }) => `${type} ${identity}`),
      5,
    ),
  );
  const moved = joinNames(makers.map((each) => each.name));
  return [
    `${who} ${found.length === 1 ? 'depends' : 'depend'} on ${name}.`,
    `Let ${file} drop all of it first, in this order, and then make it anew: ${drops.join(' ')}`,
    ...(moved === ''
      ? []
      : [
          `Move what ${moved} ${makers.length === 1 ? 'makes' : 'make'} of it into ${file}: a repeatable file runs again only when its own text has changed.`,
        ]),
  ].join(' ');
}

type Kind = 'view' | 'materialized view' | 'function';

interface Target {
  readonly kind: Kind;
  readonly schema: string | undefined;
  readonly name: string;
}

const replaced = new RegExp(
  String.raw`^(?:create\s+(?:or\s+replace\s+)?(?:recursive\s+)?|drop\s+)(?<kind>view|materialized\s+view|function)\s+(?:if\s+(?:not\s+)?exists\s+)?(?<name>${qualifiedName})`,
  'i',
);

/** Reads the first view or function that a text makes or drops. */
function readTarget(text: string): Target | undefined {
  return readTargets(new SqlText(text))[0];
}

function readTargets(sql: Pick<SqlText, 'commands'>): readonly Target[] {
  return sql.commands.flatMap(({ code }) => {
    const { kind, name: written } = replaced.exec(code)?.groups ?? {};
    if (kind === undefined || written === undefined) return [];
    const parts = splitName(written);
    const schema = parts.length > 1 ? parts[0] : undefined;
    const name = parts.at(-1) ?? '';
    return [{ kind: kind.toLowerCase().replaceAll(/\s+/g, ' ') as Kind, schema, name }];
  });
}

function makesAny(
  file: Migrating['plugin']['files'][number],
  found: readonly Dependent[],
): boolean {
  if (!isSql(file) || !file.sql.isRead) return false;
  const made = new Set(readTargets(file.sql).map(({ name }) => name));
  return found.some(({ name }) => made.has(name));
}

function dropSql({ type, identity }: Dependent): string {
  return `DROP ${type.toUpperCase()} IF EXISTS ${identity};`;
}

/** How deep to follow: each level is one object that uses the one before. */
const deepest = 12;
const most = 20;

/** Finds what depends on a view or a function, the farthest first. */
async function findDependents(
  client: Querying,
  { schema, name, kind }: { readonly schema: string; readonly name: string; readonly kind: Kind },
  own: string,
): Promise<readonly Dependent[]> {
  const { rows } = await client.query<{ dependents: string }>(
    `with recursive target (classid, objid) as (
       select 'pg_proc'::regclass::oid, p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where $3 = 'function' and n.nspname = $1 and p.proname = $2
       union all
       select 'pg_class'::regclass::oid, c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where $3 <> 'function' and n.nspname = $1 and c.relname = $2),
     using_it (classid, objid, depth) as (
       select classid, objid, 0 from target
       union
       select case when r.oid is null then d.classid else 'pg_class'::regclass::oid end, coalesce(r.ev_class, d.objid), u.depth + 1
       from using_it u join pg_depend d on d.refclassid = u.classid and d.refobjid = u.objid
         left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
       where u.depth < ${deepest} and not (coalesce(r.ev_class, d.objid) = u.objid)),
     deepest as (
       select classid, objid, max(depth) as depth from using_it u
       where depth > 0 and not exists (select from target t where t.classid = u.classid and t.objid = u.objid)
         and classid <> 'pg_type'::regclass
       group by classid, objid)
     select coalesce(json_agg(json_build_object(
       'type', i.type,
       'identity', replace(i.identity, quote_ident($4) || '.', ''),
       'name', coalesce(c.relname, p.proname, i.name),
       'isDropped', i.type in ('view', 'materialized view', 'function', 'policy', 'trigger')) order by o.depth desc, i.identity), '[]')::text as dependents
     from (select * from deepest order by depth desc limit ${most}) o
       cross join lateral pg_identify_object(o.classid, o.objid, 0) i
       left join pg_class c on o.classid = 'pg_class'::regclass and c.oid = o.objid
       left join pg_proc p on o.classid = 'pg_proc'::regclass and p.oid = o.objid
     where i.type <> 'toast table'`,
    [schema, name, kind, own],
  );
  return JSON.parse(rows[0]?.dependents ?? '[]') as readonly Dependent[];
}
