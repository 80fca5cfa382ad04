import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../../core/foreign-value.ts';
import { isMissing, readJson } from './read-text.ts';
import type { Refuse } from './refusal.ts';

/**
 * The snapshots of one folder of drizzle-kit, which show what in `public` is the plugin's own. A long history has many and
 * large ones: they are read when a pending file needs them, the newest first, and no more of them than its names need.
 */
export class FolderSnapshots {
  readonly #folder: string;
  readonly #listed: readonly string[];
  readonly #refuse: Refuse;
  readonly #known = new Set<string>();
  /** The newest last; undefined before the first question. */
  #unread: string[] | undefined;
  #hasAny = false;
  /** One question after the other: each goes on reading where the one before has ended. */
  #asked: Promise<unknown> = Promise.resolve();

  /** @param listed Those that are not in `meta/`, the newest last; some may be missing. */
  constructor(folder: string, listed: readonly string[], refuse: Refuse) {
    this.#folder = folder;
    this.#listed = listed;
    this.#refuse = refuse;
  }

  /**
   * Which of these names any snapshot has in `public`. All snapshots count, because a migration may still name what it drops
   * or renames.
   *
   * @returns `'all'` when the folder has no snapshots.
   * @throws BootError `MIGRATION_FILES_INVALID` naming a snapshot that cannot be read and may have the rest of the names:
   * without it that would be left in public.
   */
  ownAmong(names: ReadonlySet<string>): Promise<ReadonlySet<string> | 'all'> {
    const answer = this.#asked.then(() => this.#find(names));
    this.#asked = answer.catch(() => undefined);
    return answer;
  }

  async #find(names: ReadonlySet<string>): Promise<ReadonlySet<string> | 'all'> {
    this.#unread ??= await this.#list();
    const isOpen = (): boolean => Array.from(names).some((name) => !this.#known.has(name));
    for (
      let path = this.#unread.at(-1);
      path !== undefined && isOpen();
      path = this.#unread.at(-1)
    ) {
      const objects = await readSnapshot(path, this.#refuse);
      for (const { name } of objects ?? []) this.#known.add(name);
      if (objects) this.#hasAny = true;
      this.#unread.pop();
    }
    if (!this.#hasAny && names.size > 0) return 'all';
    return new Set(Array.from(names).filter((name) => this.#known.has(name)));
  }

  async #list(): Promise<string[]> {
    const meta = join(this.#folder, 'meta');
    const inMeta = await readdir(meta).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return [];
      throw this.#refuse(`${meta} cannot be read`, { cause });
    });
    return [
      ...inMeta
        .filter((name) => name.endsWith('_snapshot.json'))
        .toSorted()
        .map((name) => join(meta, name)),
      ...this.#listed,
    ];
  }
}

/**
 * Reads a snapshot.
 *
 * @returns undefined when there is no such file.
 * @throws what `refuse` makes, naming the file
 */
export async function readSnapshot(
  path: string,
  refuse: Refuse,
): Promise<readonly SnapshotObject[] | undefined> {
  const hint = 'Restore the snapshot from version control, or resolve its merge conflict.';
  try {
    const objects = parseSnapshot(await readJson(path, hint, refuse));
    if (objects) return objects;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  throw refuse(`${path} is not a snapshot of drizzle-kit`, { hint });
}

/** The kinds of things with a name of their own that drizzle-kit keeps in a snapshot. */
type SnapshotKind = 'table' | 'type' | 'sequence' | 'view' | 'index';

/** Something that drizzle-kit has made in `public`, as far as it knows. */
export interface SnapshotObject {
  readonly kind: SnapshotKind;
  readonly name: string;
}

type Group = Readonly<Record<string, { readonly isExisting?: boolean } | undefined>>;

/** The parts of a snapshot of drizzle-kit 0.x that hold named things; keys read `public.users`. */
interface KeyedSnapshot {
  readonly tables?: Readonly<Record<string, { readonly indexes?: object }>> | null;
  readonly enums?: Group;
  readonly sequences?: Group;
  readonly views?: Group;
}

/** A snapshot of drizzle-kit 1.x: one list of everything. */
interface ListedSnapshot {
  readonly ddl: readonly {
    readonly entityType: string;
    readonly schema?: string;
    readonly name?: string;
    readonly isExisting?: boolean;
  }[];
}

const prefix = 'public.';
const kinds: Readonly<Record<string, SnapshotKind>> = {
  tables: 'table',
  enums: 'type',
  sequences: 'sequence',
  views: 'view',
  indexes: 'index',
};

/**
 * Reads what a snapshot has in `public`. A view that is declared as existing is left out: it is made elsewhere.
 *
 * @returns undefined when it is no snapshot. Taken for an empty one, it would own nothing.
 */
function parseSnapshot(snapshot: unknown): readonly SnapshotObject[] | undefined {
  if (!isRecord(snapshot)) return undefined;
  if ('ddl' in snapshot && Array.isArray(snapshot.ddl)) {
    return objectsInList(snapshot as unknown as ListedSnapshot);
  }
  const isKeyed = 'tables' in snapshot && typeof snapshot.tables === 'object';
  return isKeyed ? objectsInKeys(snapshot) : undefined;
}

function objectsInList({ ddl }: ListedSnapshot): readonly SnapshotObject[] {
  return ddl.flatMap(({ entityType, schema, name, isExisting }) => {
    const kind = kinds[entityType];
    const isOwn = schema === 'public' && name !== undefined && isExisting !== true;
    return kind && isOwn ? [{ kind, name }] : [];
  });
}

function objectsInKeys(snapshot: KeyedSnapshot): readonly SnapshotObject[] {
  const indexes = Object.entries(snapshot.tables ?? {})
    .filter(([key]) => key.startsWith(prefix))
    .flatMap(([, table]) => Object.keys(table.indexes ?? {}));
  return [
    ...(['tables', 'enums', 'sequences', 'views'] as const).flatMap((group) =>
      objectsInGroup(kinds[group] ?? 'table', snapshot[group] as Group | undefined),
    ),
    ...indexes.map((name) => ({ kind: 'index' as const, name })),
  ];
}

function objectsInGroup(kind: SnapshotKind, group: Group = {}): readonly SnapshotObject[] {
  return Object.entries(group ?? {})
    .filter(([key, value]) => key.startsWith(prefix) && value?.isExisting !== true)
    .map(([key]) => ({ kind, name: key.slice(prefix.length) }));
}
