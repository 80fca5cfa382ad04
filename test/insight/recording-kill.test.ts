import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BootEventName } from '../../src/index.ts';
import { headline, readStory, type Story } from '../../src/insight.ts';
import { holdLock } from '../http/held-lock.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, temporaryFolder } from '../support/migration-folder.ts';
import { runTypeScript } from '../support/run-typescript.ts';
import type { RecordedOrder } from './recorded-program.ts';

const db = useDatabase();
const program = fileURLToPath(new URL('./recorded-program.ts', import.meta.url));

/** Starts a process on the built package that boots with a recording. */
async function startRecorded(order: Omit<RecordedOrder, 'path'>) {
  requireBuiltPackage();
  const path = join(await temporaryFolder(), 'boot.jsonl');
  const child = spawn(
    process.execPath,
    [...runTypeScript, program, JSON.stringify({ ...order, path })],
    { cwd: packageRoot, stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return { path, ended, kill };
}

/** Waits until the file has this text. Its process may be too busy to answer. */
const untilRecorded = (path: string, text: string): Promise<void> =>
  expect.poll(() => readFile(path, 'utf8').catch(() => ''), { interval: 20 }).toContain(text);

/** Reads the story of a process that ended in the middle, and looks at it at every moment. */
async function readCut(path: string): Promise<Story> {
  const story = await readStory(path);
  expect(story.events.map(({ seq }) => seq)).toEqual(story.events.map((_, index) => index + 1));
  for (const { elapsedMs } of story.events) {
    expect(headline(story.at(elapsedMs))).not.toBe('');
  }
  expect(story.end).toBe('cutOff');
  expect(headline(story)).toMatch(/^The process ended here: /);
  return story;
}

const oneTable = () => migrationFolder({ '0000_items': 'CREATE TABLE items (id int);' });

describe('the recording of a process that was killed', () => {
  it('in a busy loop names the init that was running', async () => {
    const { path, kill } = await startRecorded({
      url: (await db.fresh()).url,
      plugins: [{ id: 'auth' }, { id: 'catalog', after: ['auth'] }],
      init: 'isBusy',
    });
    await untilRecorded(path, '"type":"plugin.init.started","plugin":"catalog"');
    await kill();
    expect(headline(await readCut(path))).toMatch(/catalog starts: its init has run for/);
  });

  it('while a statement runs names its file and its place', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, 42n);
    const migrations = await migrationFolder({
      '0000_items': 'CREATE TABLE items (id int);',
      '0001_backfill':
        'CREATE TABLE more (id int);\n--> statement-breakpoint\nINSERT INTO more SELECT 1 FROM pg_advisory_xact_lock(42);',
    });
    const { path, kill } = await startRecorded({ url, plugins: [{ id: 'catalog', migrations }] });
    await untilRecorded(path, '"command":"INSERT INTO"');
    await kill();
    await lock.release();
    expect(headline(await readCut(path))).toMatch(
      /catalog applies 0001_backfill\.sql \(file 2 of 2\): statement 2 of 2, INSERT INTO/,
    );
  });

  it('while it waits for a lock names the holder', async () => {
    const { url } = await db.fresh();

    await using lock = await holdLock(url, migrationLockKey('plugin_catalog'));
    const { path, kill } = await startRecorded({
      url,
      plugins: [{ id: 'catalog', migrations: await oneTable() }],
    });
    await untilRecorded(path, '"type":"plugin.migrate.waiting"');
    await kill();
    await lock.release();
    expect(headline(await readCut(path))).toMatch(
      new RegExp(`catalog waits .* for its migration lock, .*pid ${lock.pid}`),
    );
  });

  const moments: readonly BootEventName[] = [
    'boot.started',
    'graph.sorted',
    'plugin.migrate.connecting',
    'plugin.migrate.executed',
    'plugin.init.started',
    'plugin.ready.finished',
  ];
  it.each(moments)('at %s can be read at every moment before', async (killAt) => {
    const { url } = await db.fresh();
    const plugins = [{ id: 'catalog', migrations: await oneTable() }];
    const { path, ended } = await startRecorded({ url, plugins, killAt });
    expect(await ended).toEqual([null, 'SIGKILL']);
    await readCut(path);
  });

  it.each([
    ['exits', [3, null]],
    ['crashes', [1, null]],
  ] as const)('by a plugin that %s names the plugin', async (init, end) => {
    const { url } = await db.fresh();
    const { path, ended } = await startRecorded({ url, plugins: [{ id: 'catalog' }], init });
    expect(await ended).toEqual(end);
    expect(headline(await readCut(path))).toMatch(/catalog starts/);
  });
});
