import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { errorOf, takeSurvey, toPlugin, writeFolder } from './migration-fixture.ts';

/** Counts how often everything else in this process had a turn during some work. */
async function countTurns(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work();
  isOver = true;
  return turns;
}

const db = useDatabase();
const megabyte = 1024 * 1024;
// Of two, three and four bytes in a row of an odd length: the pieces of a file end anywhere in a character.
const row = `INSERT INTO notes VALUES ('größer, 日本, 🐘; -- x');\n`;
const long = row.repeat(Math.floor((8 * megabyte) / Buffer.byteLength(row)));

test('a long file is read as Drizzle reads it, and nothing waits until it is', async () => {
  const folder = await writeFolder({ '0000_rows': long });
  const [drizzles] = readMigrationFiles({ migrationsFolder: folder });
  const turns = await countTurns(async () => {
    const [file] = await readMigrationFolder('catalog', folder);
    expect(file?.hash).toBe(drizzles?.hash);
  });
  expect(turns).toBeGreaterThanOrEqual(7);
});

test.each([
  ['is not UTF-8 at its end', Buffer.from([0xe6, 0x97]), /not UTF-8/],
  ['is not UTF-8 in the middle', Buffer.from([0xe6, 0x97, 0x20]), /not UTF-8/],
  ['has a NUL', Buffer.from([0]), /NUL character/],
])('a long file that %s is refused', async (_, bytes, message) => {
  const folder = await writeFolder({ '0000_rows': '' });
  for (const shift of [0, 1, 2, 3]) {
    const padding = ' '.repeat(2 * megabyte - 1 - shift);
    await writeFile(join(folder, '0000_rows.sql'), Buffer.concat([Buffer.from(padding), bytes]));
    const error = await errorOf(readMigrationFolder('catalog', folder));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
    expect(error.message).toMatch(message);
  }
});

test.skipIf(process.platform !== 'linux')(
  'a file whose file system says nothing of its size is read to its end',
  async () => {
    const folder = await writeFolder({ '0000_rows': '' });
    const path = join(folder, '0000_rows.sql');
    await rm(path);
    await symlink('/proc/version', path);
    const [file] = await readMigrationFolder('catalog', folder);
    expect(file?.sql.text).toMatch(/^Linux version/);
  },
);

test('the SQL of a long text is read in slices, with the same result', async () => {
  const text = `${long}--> statement-breakpoint\n/* last */ select 'left open`;
  const sliced = new SqlText(text);
  const turns = await countTurns(() => sliced.readInSlices());
  expect(turns).toBeGreaterThanOrEqual(8);
  const whole = new SqlText(text);
  expect(sliced.commands.length).toBe(whole.commands.length);
  expect(sliced.commands.at(-1)).toEqual(whole.commands.at(-1));
  expect(sliced.statements.map(({ offset }) => offset)).toEqual(
    whole.statements.map(({ offset }) => offset),
  );
  expect(sliced.comments).toEqual(whole.comments);
  expect(sliced.isLeftOpen).toBe(true);
});

test('the files of many plugins are checked one plugin after the other, and nothing waits until all are', async () => {
  const [file] = await readMigrationFolder(
    'p',
    await writeFolder({ '0000_rows': row.repeat(3_000) }),
  );
  if (!file) throw new Error('no file');
  const plugins = Array.from({ length: 20 }, (_, index) =>
    toPlugin(`p${index}`, [{ ...file, sql: new SqlText(file.sql.text) }]),
  );
  const pool = db.pool();
  const { signal } = new AbortController();
  let turns = 0;
  const survey = await withPinnedClient(pool, { clock: systemClock, signal }, async (client) => {
    const answered = deferred();
    const surveying = takeSurvey(
      {
        async query<Row>(text: string, values?: readonly unknown[]) {
          const answer = await client.query<Row>(text, values);
          // Without values it is the second message, and the last one.
          if (!values) answered.resolve();
          return answer;
        },
      },
      plugins,
    );
    await answered.promise;
    turns = await countTurns(() => surveying);
    return surveying;
  });
  expect(survey.problems).toEqual([]);
  expect(turns).toBeGreaterThan(5);
});
