import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, vi } from 'vitest';
import type { Logger, Plugin, Work } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const name = (work: Work | undefined): string | undefined =>
  work && ('phase' in work ? work.phase : [work.step, work.plugin, work.file].join(' ').trim());

/** A plugin that looks at the async context in each place where code of its own runs. */
function watching(look: (where: string) => void): Plugin {
  const late = async (where: string): Promise<void> => {
    await Promise.resolve();
    look(where);
  };
  return {
    id: 'catalog',
    migrations: [{ name: '0000_a', run: () => late('migration') }],
    init: async (own) => {
      (own as { onStop(end: () => Promise<void>): void }).onStop(() => late('stop'));
      await late('init');
    },
    ready: () => late('ready'),
  };
}

describe('a wrapper of the boot', () => {
  it('is around the code of plugins: function migrations, init, ready and stop', async () => {
    const { url } = await db.fresh();
    const current = new AsyncLocalStorage<Work>();
    const seen: (string | undefined)[] = [];
    const plugin = watching((where) => seen.push(`${where}: ${name(current.getStore())}`));
    const { boot } = bootUnderTest({ pool: url, plugins: [plugin] });
    const works: (string | undefined)[] = [];
    boot.wrap((work, run) => {
      works.push(name(work));
      current.run(work, run);
    });
    await boot.start();
    await boot.stop();
    expect(seen).toEqual([
      'migration: migrate catalog 0000_a',
      'init: init catalog',
      'ready: ready catalog',
      'stop: stop catalog',
    ]);
    expect(new Set(works)).toEqual(
      new Set([
        'discover',
        'sort',
        'migrateAll',
        'migrate catalog',
        'migrate catalog 0000_a',
        'initAll',
        'init catalog',
        'ready catalog',
        'stop catalog',
      ]),
    );
  });

  it.each([
    [
      'throws before it calls run',
      () => {
        throw new Error('a bad wrapper');
      },
      true,
    ],
    [
      'throws after it has called run',
      (_: Work, run: () => void) => {
        run();
        throw new Error('a bad wrapper');
      },
      true,
    ],
    ['rejects', () => Promise.reject(new Error('a bad wrapper')), true],
    ['does not call run', () => undefined, false],
    [
      'calls run twice',
      (_: Work, run: () => void) => {
        run();
        run();
      },
      false,
    ],
  ])(
    'that %s harms nothing: each step runs once, and inside of the others',
    async (_, bad, isLogged) => {
      const { url } = await db.fresh();
      const warn = vi.fn();
      const ignore = (): void => {};
      const logger: Logger = { debug: ignore, info: ignore, warn, error: ignore };
      const current = new AsyncLocalStorage<Work>();
      const seen: (string | undefined)[] = [];
      const plugin = watching(() => seen.push(name(current.getStore())));
      const { boot } = bootUnderTest({ pool: url, plugins: [plugin], logger });
      boot.wrap(bad);
      boot.wrap((work, run) => current.run(work, run));
      const { outcome } = await boot.start();
      await boot.stop();
      expect(outcome).toBe('ready');
      expect(seen).toEqual([
        'migrate catalog 0000_a',
        'init catalog',
        'ready catalog',
        'stop catalog',
      ]);
      const lines = warn.mock.calls.map(([, message]: readonly unknown[]) => message);
      expect(lines.includes('a wrapper of the boot failed')).toBe(isLogged);
    },
  );

  it('that was removed is around nothing more', async () => {
    const { boot } = bootUnderTest({
      pool: db.url,
      plugins: [{ id: 'catalog', init: () => ({}) }],
    });
    const removed = vi.fn();
    const remove = boot.wrap((_, run) => run());
    boot.wrap(removed)();
    remove();
    await boot.start();
    expect(removed).not.toHaveBeenCalled();
  });
});
