import { isRepeatable, isSql, type Migration, type SqlMigration } from './migration.ts';
import { readTime } from './migration-identity.ts';
import { toTag } from './name-range.ts';
import { refusalFor, type Refuse } from './refusal.ts';
import { putRepeatableLast } from './repeatable-files.ts';

/** The migrations of one source, as it was read. */
export interface ReadSource {
  /** For people: its place in the list and its folder, such as `migrations[0] (/app/drizzle)`. */
  readonly name: string;
  readonly migrations: readonly Migration[];
}

/**
 * Joins the sources of a plugin to one list, in the order in which they run. Neighbours in which every migration has a time are
 * merged by time; any other source runs as a whole at its place. Repeatable files come last. Each source keeps its own order.
 *
 * @throws BootError `MIGRATION_FILES_INVALID` for two migrations that the history could not tell apart
 */
export function joinSources(plugin: string, sources: readonly ReadSource[]): readonly Migration[] {
  const [first] = sources;
  if (!first) return [];
  refuseAlike(sources, refusalFor(plugin));
  // The history is made for the tool whose files come first. Repeatable ones come last, wherever they are listed.
  const leading = sources.find(({ migrations }) => !migrations.some(isRepeatable)) ?? first;
  const format = leading.migrations[0]?.format ?? '0.x';
  const files = groupTimed(sources).flatMap(mergeByTime);
  return putRepeatableLast(joinSnapshots(files)).map((file) =>
    file.format === format ? file : { ...file, format },
  );
}

/** Puts neighbours in which every migration has a time together. */
function groupTimed(sources: readonly ReadSource[]): readonly (readonly ReadSource[])[] {
  const groups: ReadSource[][] = [];
  let timed: ReadSource[] | undefined;
  for (const source of sources) {
    const isTimed = source.migrations.every(hasTime);
    if (isTimed && timed) timed.push(source);
    else {
      const group = [source];
      timed = isTimed ? group : undefined;
      groups.push(group);
    }
  }
  return groups;
}

/** Whether its time says when it was written. Drizzle's always does: the name that the history has for it begins with it. */
function hasTime({ historyName }: Migration): boolean {
  return !Number.isNaN(readTime(historyName));
}

/** Takes the earliest of the next ones, again and again; of equal ones that of the source listed first. */
function mergeByTime(sources: readonly ReadSource[]): readonly Migration[] {
  const [only, ...others] = sources;
  if (!only || others.length === 0) return only?.migrations ?? [];
  const rests = sources.map(({ migrations }) => migrations.values());
  const heads = rests.map((rest) => rest.next().value);
  const merged: Migration[] = [];
  for (;;) {
    let earliest = -1;
    for (const [at, head] of heads.entries()) {
      const best = heads[earliest];
      if (head && (!best || head.when < best.when)) earliest = at;
    }
    const next = heads[earliest];
    if (!next) return merged;
    merged.push(next);
    heads[earliest] = rests[earliest]?.next().value;
  }
}

/** What has to be different in two sources. Within one source, its own reader looks for doubles. */
const signs: readonly (readonly [read: (migration: Migration) => string | number, what: string])[] =
  [
    [({ historyName }) => historyName, 'are one name in the history'],
    [({ when }) => when, 'have one created_at in the history'],
    // In events and repairs.
    [({ name }) => toTag(name), 'are one name in messages'],
  ];

function refuseAlike(sources: readonly ReadSource[], refuse: Refuse): void {
  if (sources.length < 2) return;
  for (const [readSign, what] of signs) {
    const seen = new Map<string | number, readonly [Migration, ReadSource]>();
    for (const source of sources) {
      for (const migration of source.migrations) {
        const sign = readSign(migration);
        const [other, otherSource] = seen.get(sign) ?? [migration, source];
        if (otherSource !== source) {
          throw refuse(
            `${other.name} of ${otherSource.name} and ${migration.name} of ${source.name} ${what}: ${sign}`,
            { hint: 'Rename the one that is not yet applied anywhere, or give it another time.' },
          );
        }
        seen.set(sign, [migration, source]);
      }
    }
  }
}

type Snapshots = NonNullable<SqlMigration['snapshots']>;

/** With several folders of drizzle-kit, a file of one may name a table of another: the names of all are the plugin's own. */
function joinSnapshots(files: readonly Migration[]): readonly Migration[] {
  const all = new Set(files.flatMap((file) => (isSql(file) ? (file.snapshots ?? []) : [])));
  if (all.size < 2) return files;
  // Each folder still has one of its own.
  const joined = new Map(Array.from(all, (each) => [each, askAll(all)]));
  return files.map((file) => {
    const snapshots = isSql(file) && file.snapshots && joined.get(file.snapshots);
    return snapshots ? { ...file, snapshots } : file;
  });
}

function askAll(all: ReadonlySet<Snapshots>): Snapshots {
  return {
    async ownAmong(names) {
      const own = new Set<string>();
      for (const each of all) {
        const found = await each.ownAmong(names);
        if (found === 'all') return 'all';
        for (const name of found) own.add(name);
      }
      return own;
    },
  };
}
