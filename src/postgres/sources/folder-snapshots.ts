import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSnapshot, type SnapshotObject } from './drizzle-snapshot.ts';
import type { Refuse } from './migration-files-error.ts';
import { isMissing, readJson } from './read-text.ts';

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
