import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../core/map-bounded.ts';
import type { MigrationIdentity } from './migration.ts';
import type { Refuse } from './migration-files-error.ts';
import { listFolder, readersAtOnce } from './read-text.ts';

/** A migration that a folder has, before its text is read. */
export interface ListedMigration extends Omit<MigrationIdentity, 'hash'> {
  /** As drizzle-kit calls it: `0000_init`, or `20240102030405_init`. */
  readonly tag: string;
  readonly path: string;
  /** Where drizzle-kit keeps what the schema is after this migration; the file may be missing. */
  readonly snapshotPath: string;
}

/**
 * Lists a folder of drizzle-kit 1.x: each migration is a folder of its own, `<timestamp>_<name>/migration.sql`. They sort by
 * name, so by time.
 *
 * @throws what `refuse` makes
 */
export async function listTimestampFolders(
  folder: string,
  refuse: Refuse,
): Promise<readonly ListedMigration[]> {
  const entries = await listFolder(folder, refuse);
  const tags = await mapBounded(
    entries.filter((entry) => !entry.isFile()),
    readersAtOnce,
    // A broken link counts as well: left out, its migration would be missing without any message.
    ({ name }) =>
      lstat(join(folder, name, file)).then(
        () => [name],
        () => [],
      ),
  );
  return tags
    .flat()
    .toSorted()
    .map((tag) => {
      const when = timeOf(tag);
      if (Number.isNaN(when)) {
        throw refuse(`${join(folder, tag)} does not begin with a time, such as 20240102030405`, {
          hint: 'Give it the name that drizzle-kit 1.x gave it: its time is part of the history.',
        });
      }
      return {
        name: `${tag}/${file}`,
        tag,
        when,
        historyName: tag,
        format: '1.x',
        path: join(folder, tag, file),
        snapshotPath: join(folder, tag, 'snapshot.json'),
      };
    });
}

const file = 'migration.sql';

/** As Drizzle 1.x reads it: the first 14 digits, in UTC. `NaN` for a name that does not begin with them. */
export function timeOf(tag: string): number {
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(tag)?.slice(1).map(Number);
  const [year = NaN, month = 1, day, hour, minute, second] = digits ?? [];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The 14 digits for a time: `20240102030405`. */
export function timestampOf(when: number): string {
  return new Date(when).toISOString().replace(/\D/g, '').slice(0, 14);
}
