import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { lstat, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createBoot, type BootOptions } from '../../src/index.ts';
import { readStory } from '../../src/insight.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/migration-folder.ts';
import { listOpenFiles } from './open-files.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const makeBoot = (target: NonNullable<BootOptions['record']>) =>
  bootUnderTest({ pool: db.url, plugins: [{ id: 'auth' }], record: target });

/** Boots and stops with a recording, and returns the id of the boot with its warnings. */
async function record(target: NonNullable<BootOptions['record']>) {
  const { boot, recording } = makeBoot(target);
  await boot.start();
  await boot.stop();
  return { id: boot.id, warnings: recording.of('boot.warning').map(({ message }) => message) };
}

const newPath = async (): Promise<string> => join(await temporaryFolder(), 'boot.jsonl');

describe('the option record', () => {
  it('keeps one recording of an earlier boot', async () => {
    const path = await newPath();
    await record(path);
    const second = await record(path);
    const third = await record(path);
    expect((await readStory(path)).bootId).toBe(third.id);
    expect((await readStory(`${path}.previous`)).bootId).toBe(second.id);
    expect(await readdir(dirname(path))).toHaveLength(2);
  });

  it('keeps two boots with one path apart, also at once', async () => {
    const path = await newPath();
    const [one, other] = [makeBoot(path).boot, makeBoot(path).boot];
    await Promise.all([one.start(), other.start()]);
    await Promise.all([one.stop(), other.stop()]);
    const stories = [await readStory(path), await readStory(`${path}.previous`)];
    expect(new Set(stories.map(({ bootId }) => bootId))).toEqual(new Set([one.id, other.id]));
    expect(stories.map(({ end }) => end)).toEqual(['finished', 'finished']);
    expect(listOpenFiles(dirname(path))).toEqual([]);
  });

  it('follows a link, and the file is in the folder of the link', async () => {
    const path = await newPath();
    const kept = join(dirname(path), 'kept');
    await mkdir(kept);
    await writeFile(join(kept, 'log.jsonl'), 'of before');
    await symlink(join(kept, 'log.jsonl'), path);
    const { id } = await record(path);
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect((await readStory(join(kept, 'log.jsonl'))).bootId).toBe(id);
    expect(await readFile(join(kept, 'log.jsonl.previous'), 'utf8')).toBe('of before');
  });

  it('takes a function, which gets every line', async () => {
    const texts: string[] = [];
    const { id } = await record((lines) => void texts.push(lines));
    expect((await readStory(texts)).bootId).toBe(id);
  });

  it('writes to a pipe, which is no file to be kept', async () => {
    const path = await newPath();
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { id } = await record(path);
      const bytes = Buffer.alloc(65_536);
      const length = readSync(reader, bytes);
      expect((await readStory(bytes.toString('utf8', 0, length).split('\n'))).bootId).toBe(id);
      expect(await readdir(dirname(path))).toHaveLength(1);
    } finally {
      closeSync(reader);
    }
  });

  it('writes to a device', async () => {
    expect((await record('/dev/null')).warnings).toEqual([]);
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it.each([
    ['a folder that does not exist', async () => join(await newPath(), 'deep.jsonl'), 'ENOENT'],
    ['a folder in its place', temporaryFolder, 'EISDIR'],
    ['a full disk', () => Promise.resolve('/dev/full'), 'ENOSPC'],
    ['a place where nothing can be made', () => Promise.resolve('/proc/boot.jsonl'), 'ENOENT'],
    [
      'a pipe without a reader',
      async () => {
        const path = await newPath();
        execFileSync('mkfifo', [path]);
        return path;
      },
      'ENXIO',
    ],
    [
      'a pipe whose reader does not read',
      async () => {
        const path = await newPath();
        execFileSync('mkfifo', [path]);
        const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
        const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
        filled.push(reader, writer);
        fillPipe(writer);
        return path;
      },
      'its reader does not keep up',
    ],
  ])('that cannot be followed is one warning, and harms no boot: %s', async (_, place, reason) => {
    const path = await place();
    const { warnings } = await record(path);
    for (const fd of filled.splice(0)) closeSync(fd);
    expect(warnings).toEqual([expect.stringContaining(`${path} cannot be written: ${reason}`)]);
    expect(listOpenFiles(path)).toEqual([]);
  });

  it('whose function throws is one warning, and harms no boot', async () => {
    const { warnings } = await record(() => {
      throw new Error('no bucket');
    });
    expect(warnings).toEqual([
      'The recording ends here, because the function `record` failed: no bucket',
    ]);
  });

  it.each([[''], [' '], ['a\0b'], [1], [{}], [null]])('refuses %j', (target) => {
    expect(() => createBoot({ pool: db.url, record: target as never })).toThrow(/record/);
  });
});

/** The ends of pipes that a test has filled. */
const filled: number[] = [];

function fillPipe(fd: number): void {
  try {
    for (;;) writeSync(fd, Buffer.alloc(4_096));
  } catch {
    // It is full.
  }
}
