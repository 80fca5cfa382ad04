import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { show } from '../../core/errors.ts';
import { readProperty } from '../../core/foreign-value.ts';
import type { MigrationIdentity } from './migration.ts';
import { readTime } from './migration-identity.ts';
import { isMissing, listFolder, readJson } from './read-text.ts';
import type { Refuse } from './refusal.ts';

/** A migration that a folder has, before its text is read. */
export interface ListedMigration extends Omit<MigrationIdentity, 'hash'> {
  readonly path: string;
  /** Where drizzle-kit keeps what the schema is after this migration; the file may be missing. */
  readonly snapshotPath: string;
}

/**
 * Lists the migrations of a folder of drizzle-kit, of 0.x or 1.x.
 *
 * @throws what `refuse` makes
 */
export async function listDrizzleFolder(
  folder: string,
  refuse: Refuse,
): Promise<readonly ListedMigration[]> {
  const folders = await listTimestampFolders(folder, refuse);
  const journal = await listJournal(folder, refuse);
  if (journal && folders.length > 0) {
    throw refuse(`${folder} has a journal of drizzle-kit 0.x and ${folders[0]?.name} of 1.x`, {
      hint: 'Run drizzle-kit up to its end, or restore the folder from version control.',
    });
  }
  if (journal) return journal;
  if (folders.length > 0) return folders;
  throw refuse(
    `${join(folder, 'meta', '_journal.json')} cannot be read, and no <timestamp>_<name>/migration.sql is there`,
    {
      hint: 'Run drizzle-kit generate, and commit and ship all it writes, with meta/ if it has one.',
    },
  );
}

/**
 * Lists a folder of drizzle-kit 1.x: each migration is a folder of its own, `<timestamp>_<name>/migration.sql`. They sort by
 * name, so by time.
 *
 * @throws what `refuse` makes
 */
async function listTimestampFolders(
  folder: string,
  refuse: Refuse,
): Promise<readonly ListedMigration[]> {
  const entries = await listFolder(folder, refuse);
  return entries
    .filter((entry) => !entry.isFile() && entry.name !== 'meta')
    .filter(({ name }) => hasMigration(join(folder, name)))
    .map(({ name }) => name)
    .toSorted()
    .map((tag) => {
      const when = readTime(tag);
      if (Number.isNaN(when)) {
        throw refuse(`${join(folder, tag)} does not begin with a time, such as 20240102030405`, {
          hint: 'Give it the name that drizzle-kit 1.x gave it: its time is part of the history.',
        });
      }
      return {
        name: `${tag}/${file}`,
        when,
        historyName: tag,
        format: '1.x',
        path: join(folder, tag, file),
        snapshotPath: join(folder, tag, 'snapshot.json'),
      };
    });
}

/** A broken link counts as well: left out, its migration would be missing without any message. */
function hasMigration(folder: string): boolean {
  try {
    return lstatSync(join(folder, file), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

const file = 'migration.sql';

interface JournalEntry {
  readonly tag: string;
  readonly when: number;
  /** Its number in the journal. A merge may leave two entries with the same one. */
  readonly idx: unknown;
}

const again = 'Restore meta/_journal.json from version control, or resolve its merge conflict.';

/**
 * Lists a folder of drizzle-kit 0.x: `meta/_journal.json` names the files, in their order.
 *
 * @returns undefined when there is no journal.
 * @throws what `refuse` makes
 */
async function listJournal(
  folder: string,
  refuse: Refuse,
): Promise<readonly ListedMigration[] | undefined> {
  const path = join(folder, 'meta', '_journal.json');
  const journal = await readJson(path, again, refuse).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (journal === undefined) return undefined;
  refuseOtherDialect(journal, path, refuse);
  const entries = readEntries(journal, path, refuse);
  refuseDoubles(entries, path, refuse);
  return entries.map(({ tag, when }) => ({
    name: `${tag}.sql`,
    when,
    historyName: nameInDrizzle1(tag, when),
    format: '0.x',
    path: join(folder, `${tag}.sql`),
    // Named by what stands before the first _ of the tag: a counter, or a time.
    snapshotPath: join(folder, 'meta', `${tag.split('_', 1)[0]}_snapshot.json`),
  }));
}

/** What `drizzle-kit up` calls a file of 0.x, and Drizzle 1.x then looks for in the history. */
function nameInDrizzle1(tag: string, when: number): string {
  return `${formatTime(when)}_${tag.split('_').slice(1).join('_')}`;
}

/** The 14 digits for a time: `20240102030405`. */
function formatTime(when: number): string {
  return new Date(when).toISOString().replace(/\D/g, '').slice(0, 14);
}

/** The names that drizzle-kit has had for PostgreSQL. A journal without a dialect is one of PostgreSQL as well. */
const ownDialects = new Set<unknown>(['postgresql', 'pg', undefined]);

function refuseOtherDialect(journal: unknown, path: string, refuse: Refuse): void {
  const dialect = readProperty(journal, 'dialect');
  if (ownDialects.has(dialect)) return;
  throw refuse(`${path} has migrations for ${show(dialect)}`, {
    hint: 'Generate them for PostgreSQL: dialect: "postgresql" in drizzle.config.',
  });
}

function readEntries(journal: unknown, path: string, refuse: Refuse): readonly JournalEntry[] {
  const entries = readProperty(journal, 'entries');
  if (!Array.isArray(entries)) throw refuse(`${path} has no list "entries"`, { hint: again });
  return entries.map((entry: unknown, index) => {
    const tag = readProperty(entry, 'tag');
    const when = readProperty(entry, 'when');
    if (typeof tag !== 'string' || tag === '' || !isTime(when)) {
      throw refuse(
        `entry ${index} of ${path} needs a tag and a whole number "when", got ${show(tag)} and ${show(when)}`,
        { hint: again },
      );
    }
    if (leadsElsewhere.test(tag)) {
      throw refuse(
        `entry ${index} of ${path} has the tag ${show(tag)}, which is not the name of a file`,
        { hint: 'A tag is the name of a file beside meta/, without .sql and without a path.' },
      );
    }
    return { tag, when, idx: readProperty(entry, 'idx') };
  });
}

/** On any system: a path would read a file from outside of the folder, and no file has a control character in its name. */
const leadsElsewhere = /[/\\]|^\.\.?$|^[a-zA-Z]:|\p{Cc}/u;

function isTime(value: unknown): value is number {
  return Number.isInteger(value) && !Number.isNaN(new Date(Number(value)).getTime());
}

/**
 * `when` distinguishes the migrations in the history: of two with the same one, the second would never run. A tag names
 * the file: with the same one twice, that would run twice. One `idx` twice is the sign of such a merge.
 */
function refuseDoubles(entries: readonly JournalEntry[], path: string, refuse: Refuse): void {
  const tags = findDouble(entries, ({ tag }) => tag.toLowerCase());
  if (tags) {
    throw refuse(`${path} has ${tags[0].tag} and ${tags[1].tag}, which are one file`, {
      hint: 'Remove one of the two entries: a merge has left both.',
    });
  }
  const times = findDouble(entries, ({ when }) => when);
  if (times) {
    const [{ tag, when }, other] = times;
    throw refuse(`${tag} and ${other.tag} have the same "when" (${when}) in ${path}`, {
      hint: 'Generate the one that is not yet applied anywhere again with drizzle-kit.',
    });
  }
  const numbers = findDouble(entries, ({ idx }) => idx);
  if (numbers) {
    const [{ tag, idx }, other] = numbers;
    throw refuse(`${tag} and ${other.tag} have the same "idx" (${show(idx)}) in ${path}`, {
      hint: 'A merge has left both: generate the one that is not yet applied anywhere again with drizzle-kit, or number them anew.',
    });
  }
}

/** The first two entries with the same key; an entry without one is like no other. */
function findDouble(
  entries: readonly JournalEntry[],
  keyOf: (entry: JournalEntry) => unknown,
): readonly [JournalEntry, JournalEntry] | undefined {
  const seen = new Map<unknown, JournalEntry>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const other = key === undefined ? undefined : seen.get(key);
    if (other) return [other, entry];
    seen.set(key, entry);
  }
  return undefined;
}
