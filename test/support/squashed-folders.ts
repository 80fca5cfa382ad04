import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './migration-folder.ts';

/** A file of drizzle-kit 0.x by its tag: the seconds of its `when`, and its text. */
export type TimedFiles = Readonly<Record<string, readonly [second: number, sql: string]>>;

/** The files before a squash. What runs twice fails, or counts twice. */
export const old: TimedFiles = {
  '0000_counter': [0, 'CREATE TABLE counter (runs int); INSERT INTO counter VALUES (0);'],
  '0001_one': [1, 'UPDATE counter SET runs = runs + 1;'],
  '0002_two': [2, 'UPDATE counter SET runs = runs + 1;'],
};

/** The file in place of them. */
export const squash: TimedFiles = {
  '0003_squash': [
    3,
    '-- slipway: replaces 0000_counter..0002_two\nCREATE TABLE counter (runs int); INSERT INTO counter VALUES (2);',
  ],
};

/** The file after both. */
export const newer: TimedFiles = { '0004_three': [4, 'UPDATE counter SET runs = runs + 1;'] };

/** Writes a folder as drizzle-kit 0.x does. A file has the same `when` in every release. It is removed after the test. */
export async function journalFolder(files: TimedFiles): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'meta'));
  const entries = Object.entries(files).map(([tag, [second]], idx) => {
    return { idx, version: '7', when: whenOf(second), tag, breakpoints: true };
  });
  const journal = { version: '7', dialect: 'postgresql', entries };
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify(journal));
  for (const [tag, [, sql]] of Object.entries(files)) {
    await writeFile(join(folder, `${tag}.sql`), sql);
  }
  return folder;
}

/** The `when` of a file, in ms. */
export function whenOf(second: number): number {
  return 1_700_000_000_000 + second * 1_000 + 123;
}

/** Writes a folder of plain SQL files. It is removed after the test. */
export async function plainFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [tag, sql] of Object.entries(files)) await writeFile(join(folder, `${tag}.sql`), sql);
  return folder;
}
