import { mapBounded } from '../../core/map-bounded.ts';
import type { SnapshotKind } from '../sources/drizzle-snapshot.ts';
import { allNames, lastObjects, unknownNames } from '../sources/known-objects.ts';
import { isSql, ownNames, type Migration } from '../sources/migration.ts';
import { readersAtOnce } from '../sources/read-text.ts';
import type { MovableKind, PublicObject } from './public-objects.ts';
import { publicEdits } from '../sql/public-names.ts';
import { applyEdits } from '../sql/sql-edits.ts';

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

const kindsInSnapshot: Readonly<Record<MovableKind, SnapshotKind>> = {
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
    const own = isRewritten ? await ownNames(file).catch(() => 'all' as const) : new Set<string>();
    const sent = applyEdits(file.text, publicEdits(file.sql, schema, own)).text;
    return [...sent.matchAll(qualified)].map(
      ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? '',
    );
  });
  return names.flat();
}

const qualified =
  /(?:"public"|\bpublic)\s*\.\s*(?:"((?:[^"]|"")*)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))/gi;
