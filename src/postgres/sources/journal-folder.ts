import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { show } from '../../core/errors.ts';
import type { Refuse } from './migration-files-error.ts';
import type { ListedMigration } from './timestamp-folder.ts';
import { timestampOf } from './timestamp-folder.ts';

interface JournalEntry {
  readonly tag: string;
  readonly when: number;
}

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
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw refuse(`${path} cannot be read`, { cause });
  });
  if (text === undefined) return undefined;
  const entries = parseJournal(text, path, refuse);
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

function parseJournal(text: string, path: string, refuse: Refuse): readonly JournalEntry[] {
  const again = 'Restore meta/_journal.json from version control, or resolve its merge conflict.';
  let journal: unknown;
  try {
    journal = JSON.parse(text);
  } catch (cause) {
    throw refuse(`${path} is not JSON`, { hint: again, cause });
  }
  const entries = propertyOf(journal, 'entries');
  if (!Array.isArray(entries)) throw refuse(`${path} has no list "entries"`, { hint: again });
  return entries.map((entry: unknown, index) => {
    const tag = propertyOf(entry, 'tag');
    const when = propertyOf(entry, 'when');
    if (typeof tag === 'string' && tag !== '' && isTime(when)) return { tag, when };
    throw refuse(
      `entry ${index} of ${path} needs a tag and a whole number "when", got ${show(tag)} and ${show(when)}`,
      { hint: again },
    );
  });
}

function isTime(value: unknown): value is number {
  return Number.isInteger(value) && !Number.isNaN(new Date(Number(value)).getTime());
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

function propertyOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
