import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packageRoot } from '../support/built-package.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { examples, startExample, type ExampleProcess } from '../support/example-process.ts';
import { runTypeScript } from '../support/run-typescript.ts';
import { asOnPage, readLinesOnPage } from './lines-on-page.ts';

const db = useDatabase();

/** The project of the example under a watcher. */
interface Watched {
  readonly example: ExampleProcess;
  /** Replaces a text of the plugin, and resolves with the lines from then on, when one of them matches `effect`. */
  readonly change: (before: string, after: string, effect: RegExp) => Promise<readonly string[]>;
  /** What its server answers, since the line `from`. */
  readonly read: () => Promise<string>;
}

/** Puts the example into a folder as after `npm install`, and starts it there. */
async function watch(
  program: string,
  { databaseUrl, node }: { readonly databaseUrl: string; readonly node: readonly string[] },
): Promise<Watched> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-watch-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(join(examples, 'adapters/watch'), folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await mkdir(join(folder, 'node_modules'));
  await symlink(packageRoot, join(folder, 'node_modules/slipway'), 'dir');
  for (const name of ['vite', 'tsx']) {
    await symlink(join(packageRoot, 'node_modules', name), join(folder, 'node_modules', name));
  }
  const example = startExample(program, { folder, databaseUrl, node });
  // A watcher that is killed leaves its program behind.
  onTestFinished(async () => {
    example.send('SIGTERM');
    await Promise.race([example.ended, pause(5_000)]);
  });
  let from = 0;
  await example.heard(/^greeter: up$/);
  return {
    example,
    async change(before, after, effect) {
      from = example.lines.length;
      const file = join(folder, 'greeter.ts');
      const old = await readFile(file, 'utf8');
      expect(old).toContain(before);
      const seen = example.heard(effect, from);
      do {
        // In one step, so that it is one change.
        await writeFile(`${folder}/node_modules/next.ts`, old.replace(before, after));
        await rename(`${folder}/node_modules/next.ts`, file);
        await Promise.race([seen, pause(5_000)]);
        // A watcher misses a change that comes before it is ready.
      } while (example.lines.length === from);
      await seen;
      return example.lines.slice(from);
    },
    read: async () => (await fetch(await example.address(from))).text(),
  };
}

/** The sessions of the boot that is up. */
async function sessionsOf({ query }: Database): Promise<readonly number[]> {
  const { rows } = await query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
     AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  );
  return rows.map(({ pid }) => pid);
}

const oneBootMore = [
  'server: closed',
  'greeter: stopped',
  expect.stringMatching(/^server: \{/),
  'greeter: up',
];
const ownLines = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => /^(?:server|greeter): /.test(line));

describe('a boot in watch mode', () => {
  it('with Vite stops and boots again in one process, and leaves nothing of the old boot there', async () => {
    const database = await db.fresh();
    const { example, change, read } = await watch('dev.ts', {
      databaseUrl: database.url,
      node: runTypeScript,
    });
    expect(await read()).toBe('Good morning, greeting 1');
    const old = await sessionsOf(database);
    expect(old).not.toEqual([]);

    // Vite has run the program again: before that, it may miss a change.
    const updated = /hot updated/;
    const second = await change('Good morning', 'Good evening', updated);
    expect(ownLines(second)).toEqual(oneBootMore);
    expect(asOnPage(ownLines(example.lines))).toEqual(readLinesOnPage('watch'));
    expect(await read()).toBe('Good evening, greeting 1');

    // A boot that fails ends nothing but itself: the next change begins another one.
    const failing = "console.log('greeter: breaks'); throw new Error('Not today');";
    const third = await change('let greetings = 0;', `${failing} let greetings;`, updated);
    const failed = [...oneBootMore.slice(0, 3), 'greeter: breaks', 'server: closed'];
    expect(ownLines(third)).toEqual(failed);
    const fourth = await change(`${failing} let greetings;`, 'let greetings = 0;', updated);
    expect(ownLines(fourth)).toEqual(oneBootMore.slice(2));
    expect(await read()).toBe('Good evening, greeting 1');

    await expect
      .poll(async () => (await sessionsOf(database)).filter((pid) => old.includes(pid)))
      .toEqual([]);
    // It ends by itself: a timer, a server or a pool of any of its boots would keep it alive.
    example.send('SIGTERM');
    expect(await example.ended).toBe(0);
    expect(await example.errors).toContain('INIT_FAILED: greeter failed to start: Not today');
    expect(example.lines.slice(-2)).toEqual(['server: closed', 'greeter: stopped']);
  });

  it.each([
    ['tsx watch', ['node_modules/tsx/dist/cli.mjs', 'watch', '--clear-screen=false']],
    ['node --watch', ['--watch', '--import', 'tsx']],
  ])('with %s stops in good order before the next process begins', async (_, node) => {
    const { url } = await db.fresh();
    const { example, change, read } = await watch('main.ts', { databaseUrl: url, node });
    expect(await read()).toBe('Good morning, greeting 1');
    const second = await change('Good morning', 'Good evening', /^greeter: up$/);
    expect(ownLines(second)).toEqual(oneBootMore);
    expect(await read()).toBe('Good evening, greeting 1');
    example.send('SIGTERM');
    expect(await example.ended).toBe(0);
    expect(example.lines.slice(-2)).toEqual(['server: closed', 'greeter: stopped']);
  });
});
