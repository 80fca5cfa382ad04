import { afterEach, beforeEach, expect, it } from 'vitest';
import { createBoot, definePlugin, gracefulShutdown } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const warnings: string[] = [];
const hear = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
beforeEach(() => process.on('warning', hear));
afterEach(async () => {
  // Warnings are told at the end of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  const heard = warnings.splice(0);
  if (heard.length > 0) throw new Error(heard.join('\n'));
});

it('twelve boots on one pool, each with its graceful shutdown, are taken for no leak', async () => {
  const pool = db.pool({ max: 4 });
  const listeners = (): number => process.listenerCount('SIGTERM') + pool.listenerCount('error');
  const before = listeners();
  const boots = Array.from({ length: 12 }, (_, index) =>
    createBoot({ pool, plugins: [{ id: `p${index}` }] }),
  );
  const leave = boots.map((boot) => gracefulShutdown(boot));
  await Promise.all(boots.map((boot) => boot.start()));
  await Promise.all(boots.map((boot) => boot.stop()));
  for (const each of leave) each();
  expect(listeners()).toBe(before);
  expect(process.listenerCount('exit')).toBeLessThan(10);
});

it('a hundred plugins that migrate, start and stop side by side are taken for no leak', async () => {
  const plugins = Array.from({ length: 100 }, (_, index) =>
    definePlugin({
      id: `p${index}`,
      migrations: [{ name: 'one', run: () => Promise.resolve() }],
      async init({ database, signal, onStop }) {
        for (let each = 0; each < 20; each += 1) signal.addEventListener('abort', () => {});
        await database.query('select 1');
        onStop(() => new Promise((resolve) => setImmediate(resolve)));
      },
    }),
  );
  const { boot } = bootUnderTest({
    pool: db.pool({ max: 64 }),
    plugins,
    init: { concurrency: 64 },
    migrations: { concurrency: 32 },
  });
  await boot.start();
  await boot.stop();
});

it('sixty-four inits at once are canceled together without a warning', async () => {
  const plugins = Array.from({ length: 64 }, (_, index) =>
    definePlugin({
      id: `p${index}`,
      init: ({ signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
          if (index === 63) void boot.stop('enough');
        }),
    }),
  );
  const { boot } = bootUnderTest({ pool: db.url, plugins, init: { concurrency: 64 } });
  await boot.start().catch(() => undefined);
});
