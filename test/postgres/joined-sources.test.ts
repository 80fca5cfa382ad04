import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { sqlFiles, type MigrationSource } from '../../src/core/migration-source.ts';
import { readMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { isSql, ownNames, type Migration } from '../../src/postgres/sources/migration.ts';
import { lastObjects } from '../../src/postgres/sources/known-objects.ts';
import { temporaryFolder } from '../support/migration-folder.ts';
import { errorOf, firstWhen, writeFolder, writeTimestampFolder } from './migration-fixture.ts';

const run = (): void => undefined;

/** Functions by their names. */
const functions = (...names: readonly string[]) => names.map((name) => ({ name, run }));

/** A name with the time of the file at this place of a fixture's folder, some seconds later. */
const at = (index: number, name: string, later = 0.5): string =>
  `${new Date(firstWhen + (index + later) * 1_000).toISOString().replace(/\D/g, '').slice(0, 14)}_${name}`;

async function sqlFolder(...names: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of names) await writeFile(join(folder, `${name}.sql`), `-- ${name}\nselect 1;`);
  return folder;
}

const read = (source: MigrationSource): Promise<readonly Migration[]> =>
  readMigrations('shop', source);
const order = async (source: MigrationSource): Promise<readonly string[]> =>
  (await read(source)).map(({ name }) => name);

const three = { '0000_a': 'select 1;', '0001_b': 'select 2;', '0002_c': 'select 3;' };

/** The fixtures are a second apart, and a time in a name has no milliseconds: an hour is between them here. */
async function hourlyFolder(): Promise<string> {
  const folder = await writeFolder(three);
  const entries = Object.keys(three).map((tag, idx) => {
    return { idx, when: Date.UTC(2024, 4, 1 + idx, 12), tag, breakpoints: true };
  });
  const journal = { version: '7', dialect: 'postgresql', entries };
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify(journal));
  return folder;
}

describe('the order of several sources', () => {
  it('is that of time, where every migration of a source has one', async () => {
    const backfill = functions('20240501130000_backfill');
    const more = sqlFiles(await sqlFolder('20240502120001_x', '20240430000000_y'));
    expect(await order([await hourlyFolder(), ...backfill, more])).toEqual([
      '20240430000000_y.sql',
      '0000_a.sql',
      '20240501130000_backfill',
      '0001_b.sql',
      '20240502120001_x.sql',
      '0002_c.sql',
    ]);
  });

  it('puts a source with a migration without a time where it is listed, as a whole', async () => {
    const folder = await hourlyFolder();
    const partly = functions('20240430000000_early', 'seed');
    const late = functions('20240430000001_alone');
    expect(await order([folder, partly, ...late])).toEqual([
      '0000_a.sql',
      '0001_b.sql',
      '0002_c.sql',
      '20240430000000_early',
      'seed',
      '20240430000001_alone',
    ]);
    expect(await order([partly, ...late, folder])).toEqual([
      '20240430000000_early',
      'seed',
      '20240430000001_alone',
      '0000_a.sql',
      '0001_b.sql',
      '0002_c.sql',
    ]);
  });

  it('keeps that of each source, also against the times', async () => {
    const list = functions('20240503000000_first', '20240502000000_second');
    expect(await order([list, ...functions('20240502120000_other')])).toEqual([
      '20240502120000_other',
      '20240503000000_first',
      '20240502000000_second',
    ]);
    // A plain list is one source.
    expect(await order(list)).toEqual(['20240503000000_first', '20240502000000_second']);
  });

  it('has repeatable files last, those of several folders by name', async () => {
    const one = sqlFiles(await sqlFolder('10_c', '2_a'), { repeatable: true });
    const other = sqlFiles(await sqlFolder('3_b', 'views'), { repeatable: true });
    expect(await order([one, await hourlyFolder(), other, ...functions('seed')])).toEqual([
      '0000_a.sql',
      '0001_b.sql',
      '0002_c.sql',
      'seed',
      '2_a.sql',
      '3_b.sql',
      '10_c.sql',
      'views.sql',
    ]);
  });
});

describe('two migrations in two sources', () => {
  it('may not have one name in the history', async () => {
    const folder = await sqlFolder('init');
    const error = await errorOf(read([sqlFiles(folder), ...functions('init')]));
    expect(error.message).toBe(
      `The migrations of shop: init.sql of migrations[0] (${folder}) and init of migrations[1] are one name in the history: init`,
    );
  });

  it('may not have the name that Drizzle 1.x will give a file of 0.x', async () => {
    const error = await errorOf(read([await writeFolder(three), ...functions(at(0, 'a', 0))]));
    expect(error.message).toContain('0000_a.sql of migrations[0]');
    expect(error.message).toContain('are one name in the history: ');
  });

  it('may not have one name in messages and repairs', async () => {
    const error = await errorOf(read([await writeFolder(three), ...functions('0001_b')]));
    expect(error.message).toContain('0001_b.sql of migrations[0]');
    expect(error.message).toMatch(
      / and 0001_b of migrations\[1\] are one name in messages: 0001_b$/,
    );
  });

  it('may not have one created_at', async () => {
    const folder = await writeTimestampFolder(three);
    const error = await errorOf(read([folder, ...functions(at(1, 'else', 0))]));
    expect(error).toMatchObject({ code: 'MIGRATION_FILES_INVALID' });
    expect(error.message).toMatch(
      /_b\/migration\.sql of migrations\[0\] \(.*\) and \d+_else of migrations\[1\] have one created_at in the history: \d+$/,
    );
  });

  it('may not be one folder', async () => {
    const folder = await sqlFolder('a');
    const error = await errorOf(read([sqlFiles(folder), sqlFiles(folder, { repeatable: true })]));
    expect(error.message).toContain('one folder is listed twice');
  });
});

test('the history is made for the tool that the list begins with, whichever migration is the first', async () => {
  const early = functions('19990101000000_early');
  const formats = async (source: MigrationSource): Promise<ReadonlySet<string>> =>
    new Set((await read(source)).map(({ format }) => format));
  expect(await formats([await writeFolder(three), ...early])).toEqual(new Set(['0.x']));
  expect(await formats([await writeFolder({}), ...early])).toEqual(new Set(['0.x']));
  const mixed = [await writeTimestampFolder(three), await hourlyFolder()];
  expect(await formats(mixed)).toEqual(new Set(['1.x']));
  expect(await formats(mixed.toReversed())).toEqual(new Set(['0.x']));
  expect(await formats([...early, await writeFolder(three)])).toEqual(new Set(['1.x']));
});

test('"public". in a file of one Drizzle folder may name a table of another', async () => {
  const one = await writeFolder({ '0000_users': 'select 7;' });
  const other = await hourlyFolder();
  const snapshot = (table: string): string =>
    JSON.stringify({ tables: { [`public.${table}`]: { name: table } } });
  await writeFile(join(one, 'meta', '0000_snapshot.json'), snapshot('users'));
  await writeFile(join(other, 'meta', '0000_snapshot.json'), snapshot('orders'));
  await writeFile(
    join(other, '0001_b.sql'),
    'alter table "public"."orders" add foreign key (id) references "public"."users"; select "public"."else"();',
  );
  await writeFile(join(other, '0000_a.sql'), 'select 9;');
  const files = await read([other, ...functions('19990101000000_x')]);
  const joined = await read([other, one]);
  // What each folder has at last is the plugin's.
  expect((await lastObjects(joined)).map(({ name }) => name).toSorted()).toEqual([
    'orders',
    'users',
  ]);
  const names = async (all: readonly Migration[]): Promise<unknown> => {
    const file = all.find((each) => isSql(each) && each.sql.text.includes('orders'));
    return file && isSql(file) && ownNames(file);
  };
  expect(await names(files)).toEqual(new Set(['orders']));
  expect(await names(joined)).toEqual(new Set(['orders', 'users']));
});
