import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BootError, show } from '../core/errors.ts';
import { readSnapshotNames } from './snapshot-names.ts';

/** One migration as drizzle-kit (0.x) wrote it. */
export interface MigrationFile {
  /** `0000_init.sql` */
  readonly name: string;
  /** `0000_init` */
  readonly tag: string;
  /** When it was generated, in ms since 1970; the `created_at` of its history row. */
  readonly when: number;
  /** SHA-256 of the text, as Drizzle computes it. */
  readonly hash: string;
  readonly text: string;
  /** What the folder's snapshots have in `public`; undefined without snapshots, or when no file mentions `"public"`. */
  readonly snapshotNames?: ReadonlySet<string>;
}

export interface MigrationFolder {
  readonly folder: string;
  /** In the order of the journal. */
  readonly files: readonly MigrationFile[];
}

interface JournalEntry {
  readonly tag: string;
  readonly when: number;
}

/**
 * Reads a folder of drizzle-kit 0.x: `meta/_journal.json` and the files it names. A journal without entries is nothing to do.
 *
 * @param folder An absolute path.
 * @throws BootError `MIGRATION_FILES_INVALID`
 * @example const { files } = await readMigrationFolder('catalog', fileURLToPath(new URL('./drizzle', import.meta.url)));
 */
export async function readMigrationFolder(
  plugin: string,
  folder: string,
): Promise<MigrationFolder> {
  const refuse: Refuse = (message, facts) =>
    new BootError('MIGRATION_FILES_INVALID', `The migrations of ${plugin}: ${message}`, {
      plugin,
      phase: 'migrateAll',
      ...facts,
    });
  await checkFolder(folder, refuse);
  const entries = await readJournal(folder, refuse);
  const texts = await readTexts(folder, entries, refuse);
  const mentionsPublic = texts.some((text) => text.includes('"public"'));
  const snapshotNames = mentionsPublic ? await readNames(folder, refuse) : undefined;
  const files = entries.map(({ tag, when }, index) => {
    const text = texts[index] ?? '';
    const hash = createHash('sha256').update(text).digest('hex');
    return { name: `${tag}.sql`, tag, when, hash, text, ...(snapshotNames && { snapshotNames }) };
  });
  return { folder, files };
}

type Refuse = (message: string, facts?: { hint?: string; cause?: unknown }) => BootError;

async function checkFolder(folder: string, refuse: Refuse): Promise<void> {
  const found = await stat(folder).catch((cause: unknown) => {
    throw refuse(`the folder ${folder} cannot be read`, {
      hint: 'Correct the path, and ship the folder with the plugin (bundlers leave it out).',
      cause,
    });
  });
  if (!found.isDirectory()) {
    throw refuse(`${folder} is no folder`, {
      hint: 'Give the folder that drizzle-kit writes (its `out`), not a file in it.',
    });
  }
}

async function readJournal(folder: string, refuse: Refuse): Promise<readonly JournalEntry[]> {
  const path = join(folder, 'meta', '_journal.json');
  const text = await readFile(path, 'utf8').catch(async (cause: unknown) => {
    if (await isOfDrizzle1(folder)) {
      throw refuse(`${folder} is in the format of drizzle-kit 1.x, which is not read yet`, {
        hint: 'Generate it with drizzle-kit 0.31.',
        cause,
      });
    }
    throw refuse(`${path} cannot be read`, {
      hint: 'Run drizzle-kit generate, and commit and ship meta/ together with the .sql files.',
      cause,
    });
  });
  const again = 'Restore meta/_journal.json from version control, or resolve its merge conflict.';
  let journal: unknown;
  try {
    journal = JSON.parse(text);
  } catch (cause) {
    throw refuse(`${path} is not JSON`, { hint: again, cause });
  }
  const entries = propertyOf(journal, 'entries');
  if (!Array.isArray(entries)) {
    throw refuse(`${path} has no list "entries"`, { hint: again });
  }
  const checked = entries.map((entry: unknown, index) => {
    const tag = propertyOf(entry, 'tag');
    const when = propertyOf(entry, 'when');
    if (typeof tag === 'string' && tag !== '' && Number.isSafeInteger(when)) {
      return { tag, when: when as number };
    }
    throw refuse(
      `entry ${index} of ${path} needs a tag and a whole number "when", got ${show(tag)} and ${show(when)}`,
      { hint: again },
    );
  });
  refuseDoubles(checked, path, refuse);
  return checked;
}

/** drizzle-kit 1.x has no journal: each migration is a folder of its own. */
async function isOfDrizzle1(folder: string): Promise<boolean> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names.some((name) => /^\d{14}_[^/\\]+[/\\]migration\.sql$/.test(name));
}

/** `when` is what tells migrations apart in the history: of two with the same one, the second would never run. */
function refuseDoubles(entries: readonly JournalEntry[], path: string, refuse: Refuse): void {
  const seen = new Map<number, string>();
  for (const { tag, when } of entries) {
    const other = seen.get(when);
    if (other !== undefined) {
      throw refuse(`${other} and ${tag} have the same "when" (${when}) in ${path}`, {
        hint: 'Generate the one that is not yet applied anywhere again with drizzle-kit.',
      });
    }
    seen.set(when, tag);
  }
}

async function readTexts(
  folder: string,
  entries: readonly JournalEntry[],
  refuse: Refuse,
): Promise<readonly string[]> {
  const reads = await Promise.allSettled(
    entries.map(({ tag }) => readFile(join(folder, `${tag}.sql`), 'utf8')),
  );
  const failed = reads.flatMap((read, index) =>
    read.status === 'rejected'
      ? [{ file: `${entries[index]?.tag}.sql`, cause: read.reason as unknown }]
      : [],
  );
  if (failed.length > 0) {
    const names = failed.map(({ file }) => file).join(', ');
    throw refuse(`the journal in ${folder} names ${names}, which cannot be read`, {
      hint: 'Ship every .sql file that the journal names, or restore it from version control.',
      cause: failed[0]?.cause,
    });
  }
  return reads.map((read) => (read.status === 'fulfilled' ? read.value : ''));
}

async function readNames(folder: string, refuse: Refuse): Promise<ReadonlySet<string> | undefined> {
  try {
    return await readSnapshotNames(folder);
  } catch (cause) {
    throw refuse(`a snapshot in ${join(folder, 'meta')} cannot be read`, {
      hint: 'Restore meta/ from version control, or resolve its merge conflict.',
      cause,
    });
  }
}

function propertyOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
