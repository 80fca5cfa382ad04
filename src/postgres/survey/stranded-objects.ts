import { problem, type Problem } from '../../core/error-codes.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import { listNames } from '../../core/printable.ts';
import { repairCall } from '../../core/repair-call.ts';
import { historyTable } from '../history/migration-history.ts';
import { unfinishedTable } from '../history/unfinished-file.ts';
import type { SnapshotObject } from '../sources/folder-snapshots.ts';
import { allNames, lastObjects, unknownNames } from '../sources/known-objects.ts';
import { isSql, ownNames, type Migration } from '../sources/migration.ts';
import { readersAtOnce } from '../sources/read-text.ts';
import { textArray } from '../sql/identifier.ts';
import { publicEdits } from '../sql/public-names.ts';
import { applyEdits } from '../sql/sql-edits.ts';

/** The kinds of objects that are moved by themselves. Sequences of columns, indexes and row types move with their tables. */
type MovableKind = 'table' | 'view' | 'materialized view' | 'sequence' | 'type';

/** An object in `public` that belongs to no extension. */
export interface PublicObject {
  readonly kind: MovableKind;
  readonly name: string;
  /** The surveyed schemas that have an object of this name. */
  readonly alsoIn: readonly string[];
}

/**
 * An SQL expression of type json that gives {@link PublicObject}s, beside the names of the surveyed schemas. The objects are
 * found through their dependency on the schema: `pg_class` and `pg_type` have no index for that, and may be large.
 */
export function publicObjectsSql(schemas: readonly string[]): string {
  return `(
  with found as materialized (
    select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end as kind,
      c.relname as name, d.classid, d.objid, c.relkind = 'S' as may_be_owned
    from pg_depend d join pg_class c on c.oid = d.objid
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = to_regnamespace('public')::oid
      and d.classid = 'pg_class'::regclass and c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relname not in ('${historyTable}', '${unfinishedTable}')
    union all
    select 'type', t.typname, d.classid, d.objid, false
    from pg_depend d join pg_type t on t.oid = d.objid
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = to_regnamespace('public')::oid
      and d.classid = 'pg_type'::regclass and t.typtype = 'e'
  ), loose as (
    select o.kind, o.name from found o where not exists (
      select from pg_depend d where d.classid = o.classid and d.objid = o.objid
        and (d.deptype = 'e' or o.may_be_owned and d.deptype in ('a', 'i')))
  ), surveyed as (
    select oid, nspname from pg_namespace where nspname = any(${textArray(schemas)}) and nspname <> 'public'
  ), taken as (
    select c.relname as name, n.nspname from pg_class c join surveyed n on n.oid = c.relnamespace
    where c.relname = any(array(select name from loose))
    union
    select t.typname, n.nspname from pg_type t join surveyed n on n.oid = t.typnamespace
    where t.typname = any(array(select name from loose))
  )
  select coalesce(json_agg(json_build_object(
    'kind', l.kind, 'name', l.name, 'alsoIn', coalesce(t.schemas, '[]')) order by l.kind, l.name), '[]')
  from loose l left join (select name, json_agg(nspname) as schemas from taken group by name) t on t.name = l.name)`;
}

/** For people: `table items`. */
export function describeObject({ kind, name }: Pick<PublicObject, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

/** A plugin that may own objects in `public`. */
export interface Claimant {
  readonly id: string;
  readonly schema: string;
  readonly files: readonly Migration[];
  /** The files that its history has, in their order. */
  readonly applied: readonly Migration[];
  /** Whether its history has rows without a file: these may have moved or dropped any object. */
  readonly isAhead: boolean;
}

/** An object that two or more plugins lack. */
interface DisputedObject extends PublicObject {
  /** The ids of the other plugins. */
  readonly others: readonly string[];
}

/** The objects of a plugin that are in `public` instead of its schema. */
export interface StrandedObjects {
  /** The objects that no other plugin can own. */
  readonly certain: readonly PublicObject[];
  /** The objects whose owner only people can decide. */
  readonly disputed: readonly DisputedObject[];
}

const kindsInSnapshot: Readonly<Record<MovableKind, SnapshotObject['kind']>> = {
  table: 'table',
  view: 'view',
  'materialized view': 'view',
  sequence: 'sequence',
  type: 'type',
};

/**
 * Looks for objects that the last applied snapshot of a plugin has, that its schema lacks, and that are in `public`: a
 * pool without pinning has put them there. Snapshots are read only when `public` has an object that the host's own last
 * snapshot does not have; everything else is read only when something is missing.
 *
 * @param inPublic The objects in `public` by the server's catalog, without members of extensions.
 * @param isRewritten Whether `"public".` means the plugin's schema.
 * @returns By plugin id; plugins without stranded objects are left out.
 */
export async function findStranded(
  claimants: readonly Claimant[],
  inPublic: readonly PublicObject[],
  isRewritten: boolean,
): Promise<ReadonlyMap<string, StrandedObjects>> {
  const hosts = claimants.filter(({ schema }) => schema === 'public');
  const plugins = claimants.filter(({ schema, applied }) => schema !== 'public' && applied[0]);
  if (inPublic.length === 0 || plugins.length === 0) return new Map();
  const strangers = without(inPublic, await lastNames(hosts));
  if (strangers.length === 0) return new Map();

  const missing = await mapBounded(plugins, readersAtOnce, (plugin) =>
    plugin.isAhead ? Promise.resolve([]) : lacks(plugin, strangers),
  );
  if (missing.every((objects) => objects.length === 0)) return new Map();

  const hostNames = (await Promise.all(hosts.map(({ files }) => allNames(files)))).flat();
  const mayBe = await mapBounded(plugins, readersAtOnce, (plugin) => mayLack(plugin, strangers));
  const meant = await mapBounded(plugins, readersAtOnce, (plugin) =>
    namesMeantInPublic(plugin, isRewritten),
  );
  const found = plugins.map(({ id }, index): [string, StrandedObjects] => {
    const own = without(missing[index] ?? [], new Set([...hostNames, ...(meant[index] ?? [])]));
    const weighed = own.map((object) => {
      const others = plugins.filter((_, other) => other !== index && mayBe[other]?.has(object));
      return { ...object, others: others.map((other) => other.id) };
    });
    const certain = own.filter((_, at) => weighed[at]?.others.length === 0);
    return [id, { certain, disputed: weighed.filter(({ others }) => others.length > 0) }];
  });
  return new Map(found.filter(([, { certain, disputed }]) => certain[0] ?? disputed[0]));
}

function without(
  objects: readonly PublicObject[],
  names: ReadonlySet<string>,
): readonly PublicObject[] {
  return objects.filter(({ name }) => !names.has(name));
}

/** Finds the objects that the last applied snapshot has, that the schema lacks, and that are in `public`. */
async function lacks(
  { applied, schema }: Claimant,
  strangers: readonly PublicObject[],
): Promise<readonly PublicObject[]> {
  const missing = strangers.filter(({ alsoIn }) => !alsoIn.includes(schema));
  const objects = await lastObjects(applied);
  const known = new Set(objects.map(({ kind, name }) => `${kind} ${name}`));
  return missing.filter(({ kind, name }) => known.has(`${kindsInSnapshot[kind]} ${name}`));
}

/** Finds the same as {@link lacks}, and the objects that files without a snapshot may have made. */
async function mayLack(
  plugin: Claimant,
  strangers: readonly PublicObject[],
): Promise<ReadonlySet<PublicObject>> {
  const surely = new Set(await lacks(plugin, strangers));
  const names = new Set(await unknownNames(plugin.applied));
  return new Set(
    strangers.filter(
      (object) =>
        surely.has(object) || (names.has(object.name) && !object.alsoIn.includes(plugin.schema)),
    ),
  );
}

async function lastNames(claimants: readonly Claimant[]): Promise<ReadonlySet<string>> {
  const objects = await Promise.all(claimants.map(({ files }) => lastObjects(files)));
  return new Set(objects.flat().map(({ name }) => name));
}

/** Finds the names that the applied files put into `public` on purpose. */
async function namesMeantInPublic(
  { applied, schema }: Claimant,
  isRewritten: boolean,
): Promise<readonly string[]> {
  const names = await mapBounded(applied.filter(isSql), readersAtOnce, async (file) => {
    await file.sql.readInSlices();
    const own = isRewritten ? await ownNames(file).catch(() => 'all' as const) : new Set<string>();
    const sent = applyEdits(file.sql.text, publicEdits(file.sql, schema, own)).text;
    return [...sent.matchAll(qualified)].map(
      ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? '',
    );
  });
  return names.flat();
}

const qualified =
  /(?:"public"|\bpublic)\s*\.\s*(?:"((?:[^"]|"")*)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))/gi;

/** Makes the problems of objects that are in `public`, with the call that moves them. */
export function findStrandedProblems(
  { id, schema }: { readonly id: string; readonly schema: string },
  { certain, disputed }: StrandedObjects,
): readonly Problem[] {
  const found = (message: string, hint: string): Problem =>
    problem('MIGRATION_STRANDED_OBJECTS', `${id}: ${message}`, { plugin: id, hint });
  const lacked = `and its schema ${schema} lacks, though its history has them`;
  return [
    ...(certain.length === 0
      ? []
      : [
          found(
            `public has ${listNames(certain.map(describeObject))}, which belong to it ${lacked}`,
            `${repairCall('relocate', id)} moves them, with their data; with { dryRun: true } it shows the statements, and changes nothing.`,
          ),
        ]),
    ...(disputed.length === 0
      ? []
      : [
          found(
            `public has ${listNames(disputed.map((each) => `${describeObject(each)} (also of ${listNames(each.others)})`))}, which belong to one of several plugins, ${lacked}`,
            `Find out whose they are, and name them: ${repairCall(
              'relocate',
              id,
              disputed.map(({ name }) => name),
            )}`,
          ),
        ]),
  ];
}
