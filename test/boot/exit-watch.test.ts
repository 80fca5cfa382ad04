import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { requireBuiltPackage } from '../support/built-package.ts';
import { useDatabase } from '../support/database.ts';
import { dependingOn, packageTree, pluginPackage } from '../support/package-tree.ts';
import type { ExitPlace } from './exit-program.ts';
import { runTypeScript } from '../support/run-typescript.ts';

const db = useDatabase();
const program = fileURLToPath(new URL('./exit-program.ts', import.meta.url));

/** Runs the host to its end. */
async function run(
  place: ExitPlace,
  root = '',
): Promise<{ readonly code: unknown; readonly line: string }> {
  requireBuiltPackage();
  const { url } = await db.fresh();
  const child = spawn(process.execPath, [...runTypeScript, program, url, place, root], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [written, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  const lines = written.split('\n').filter((line) => line.startsWith('slipway: '));
  expect(lines.length).toBeLessThan(2);
  return { code, line: lines[0] ?? '' };
}

describe('a process that ends in the middle of', () => {
  it('an init says which, and its code is 1', async () => {
    const { code, line } = await run('init');
    expect(line).toMatch(
      /^slipway: the process ends in the middle of a boot \(initAll: init of catalog, for .*\)\. The exit code is 1 instead of 0\.$/,
    );
    expect(code).toBe(1);
  });

  it('an init with a code of its own keeps it', async () => {
    const { code, line } = await run('init with 3');
    expect(line).toMatch(/initAll: init of catalog, for [^)]*\)\.$/);
    expect(code).toBe(3);
  });

  it('an init that nothing can settle says that nothing is left to wait for', async () => {
    const { code, line } = await run('never');
    expect(line).toMatch(/init of catalog, .* because nothing is left to keep it running/);
    expect(code).toBe(1);
  });

  it('a migration is no migrate job that succeeded', async () => {
    const { code, line } = await run('migration');
    expect(line).toMatch(/a boot \(migrateAll: migrate of catalog, /);
    expect(code).toBe(1);
  });

  it('the registration of a plugin says which', async () => {
    const { code, line } = await run('register');
    expect(line).toContain('register of eager');
    expect(code).toBe(1);
  });

  it.each(['plan', 'repair', 'import'] as const)(
    'the import of a package says which, in a %s',
    async (place) => {
      const root = await packageTree({
        'package.json': { name: 'shop', dependencies: dependingOn('hasty') },
        ...pluginPackage('node_modules/hasty', 'hasty'),
        'node_modules/hasty/index.js': 'process.exit(0);',
      });
      const { code, line } = await run(place, root);
      expect(line).toContain('the import of hasty from ');
      expect(line).toContain(
        { plan: 'plan()', repair: 'a repair of catalog', import: 'a boot (discover)' }[place],
      );
      expect(code).toBe(1);
    },
  );

  it('a stop says so, and keeps the code that the host chose', async () => {
    const { code, line } = await run('stopping');
    expect(line).toMatch(/the stop of a boot \(stopAll: stop of catalog, /);
    expect(code).toBe(0);
  });

  it('a stop that nothing can settle has code 1', async () => {
    const { code, line } = await run('stop never');
    expect(line).toMatch(/the stop of a boot \(stopAll: .* nothing is left/);
    expect(code).toBe(1);
  });

  it.each(['ready', 'stopped'] as const)(
    'nothing, because it is %s, says nothing',
    async (place) => {
      expect(await run(place)).toEqual({ code: 0, line: '' });
    },
  );
});
