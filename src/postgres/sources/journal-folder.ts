import { join } from 'node:path';
import { show } from '../../core/errors.ts';
import { isRecord } from '../../core/foreign-value.ts';
import type { Refuse } from './migration-files-error.ts';
import { isMissing, readJson } from './read-text.ts';
import type { ListedMigration } from './timestamp-folder.ts';
import { timestampOf } from './timestamp-folder.ts';

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
export async function listJournal(
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
    tag,
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
  return `${timestampOf(when)}_${tag.split('_').slice(1).join('_')}`;
}

/** The names that drizzle-kit has had for PostgreSQL. A journal without a dialect is one of PostgreSQL as well. */
const ownDialects = new Set<unknown>(['postgresql', 'pg', undefined]);

function refuseOtherDialect(journal: unknown, path: string, refuse: Refuse): void {
  const dialect = propertyOf(journal, 'dialect');
  if (ownDialects.has(dialect)) return;
  throw refuse(`${path} has migrations for ${show(dialect)}`, {
    hint: 'Generate them for PostgreSQL: dialect: "postgresql" in drizzle.config.',
  });
}

function readEntries(journal: unknown, path: string, refuse: Refuse): readonly JournalEntry[] {
  const entries = propertyOf(journal, 'entries');
  if (!Array.isArray(entries)) throw refuse(`${path} has no list "entries"`, { hint: again });
  return entries.map((entry: unknown, index) => {
    const tag = propertyOf(entry, 'tag');
    const when = propertyOf(entry, 'when');
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
    return { tag, when, idx: propertyOf(entry, 'idx') };
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

function propertyOf(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}
