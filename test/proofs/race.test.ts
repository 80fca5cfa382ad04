import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import type { Clock } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import {
  expectAppliedOnce,
  expectEachFileOnce,
  firstInstall,
  recounted,
  upgraded,
  type Files,
} from './racing-plugins.ts';

// Many boots take their time on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

const rounds = Array.from({ length: 20 }, (_, index) => index + 1);

describe.each([2, 4, 8])(
  '%i boots at once, 20 rounds: none fails, each file runs once',
  (count) => {
    test('on a fresh database', async () => {
      const { pool, race } = await startingLine(count);
      for (const _ of rounds) {
        await race({}, { auth: firstInstall, orders: firstInstall });
        await pool.query('DROP SCHEMA plugin_auth CASCADE; DROP SCHEMA plugin_orders CASCADE');
      }
    });

    test('on an upgrade of one plugin and a migration of nothing but data of another', async () => {
      const { race } = await startingLine(count);
      const release = (number: number) => ({ auth: upgraded(number), orders: recounted(number) });
      await race({}, release(0));
      for (const round of rounds) await race(release(round - 1), release(round));
    });
  },
);

const longestPauseMs = 2_000;

/** Waits for locks pass quickly, so that there are more attempts to the second; a deadline keeps its length. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(ms <= longestPauseMs ? ms / 10 : ms, callback),
};

type Release = Readonly<Record<string, Files>>;

/** An empty database, and boots that all start in it at the same moment, each with a pool of its own. */
async function startingLine(count: number) {
  const fresh = await db.fresh();
  const pool = fresh.pool();
  const pools = Array.from({ length: count }, () => fresh.pool());
  const folders = { auth: await migrationFolder({}), orders: await migrationFolder({}) };
  const plugins = Object.entries(folders).map(([id, migrations]) => ({ id, migrations }));
  return {
    pool,
    race: async (before: Release, now: Record<keyof typeof folders, Files>): Promise<void> => {
      await writeMigrations(folders.auth, now.auth);
      await writeMigrations(folders.orders, now.orders);
      const runs = pools.map((own) => bootUnderTest({ pool: own, plugins, clock: hasty }));
      const reports = await Promise.all(runs.map(({ boot }) => boot.start()));
      await Promise.all(runs.map(({ boot }) => boot.stop()));
      expect(reports.map(({ outcome }) => outcome)).toEqual(runs.map(() => 'ready'));
      const events = runs.flatMap(({ recording }) => recording.events);
      expectAppliedOnce(events, before, now);
      await expectEachFileOnce(pool, now);
    },
  };
}
