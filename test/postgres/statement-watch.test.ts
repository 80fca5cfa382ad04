import { Pool } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { StatementWatch } from '../../src/postgres/watch/statement-watch.ts';
import { startSilentServer } from '../support/silent-server.ts';

test('a look that was given up because its file has ended is no failure: the next file is looked at as soon', async () => {
  await using silent = await startSilentServer();
  const pool = new Pool({ connectionString: silent.url });
  onTestFinished(() => pool.end());
  /** The timers that are set, as the watch asks for them. */
  const timers: { readonly ms: number; readonly callback: () => void }[] = [];
  const watch = new StatementWatch({
    pool,
    clock: {
      ...systemClock,
      after: (ms, callback) => {
        timers.push({ ms, callback });
        return () => {};
      },
    },
    emit: () => {},
    cut: new AbortController().signal,
  });
  const about = { plugin: 'catalog', schema: 'plugin_catalog', backendPid: 1 };
  const first = watch.open({ ...about, file: '0000_a.sql' });
  timers.shift()?.callback();
  // It connects, and gets no answer.
  await expect.poll(silent.openCount).toBe(1);
  first.close();
  await expect.poll(silent.openCount).toBe(0);
  watch.open({ ...about, file: '0001_b.sql' });
  expect(timers.map(({ ms }) => ms <= 1_000)).toEqual([true]);
});
