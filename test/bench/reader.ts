import { setTimeout as delay } from 'node:timers/promises';
import type { Plugin } from 'slipway';
import { createBoot } from 'slipway';
import { withClient } from '../support/leaks.ts';
import type { TestDatabase } from '../support/test-database.ts';
import { bootIn, withDatabase } from './fresh-database.ts';
import { releaseFirst, tablesOf, withMigratingPlugins } from './generated-plugins.ts';
import { bootInTwoPasses } from './rivals.ts';

/** What an application's reader goes through while a migration waits behind another that holds the table. */
export interface ReaderResult {
  /** How long the table is held. */
  readonly heldMs: number;
  readonly slipway: Waits;
  /** The same ALTER TABLE, sent as it is. */
  readonly plain: Waits;
}

/** Of a reader that reads again and again. */
export interface Waits {
  /** In all. */
  readonly waitedMs: number;
  readonly longestMs: number;
  /** From the beginning to the end of the migration. */
  readonly migratedMs: number;
}

/** Reads that take longer than this have waited. */
const noticeableMs = 20;

/**
 * Measures how long a reader waits, in all, while a table is held for `heldMs` and is to be changed. Everything is scaled
 * together: with the default of 1 s, a `lock_timeout` of a twentieth stands for 20 s.
 */
export async function measureReader(adminUrl: string, heldMs: number): Promise<ReaderResult> {
  const behind = (migrate: Migrate): Promise<Waits> =>
    withMigratingPlugins(1, 'none', (plugins) =>
      withDatabase(adminUrl, async (database) => {
        await bootIn(database, bootInTwoPasses, plugins, { tables: tablesOf(plugins) });
        const change = await releaseFirst(plugins);
        const waits = await readWhile(database, heldMs, () => migrate(database, plugins, change));
        await database.expectNoLeak();
        return waits;
      }),
    );
  return {
    heldMs,
    slipway: await behind(async (database, plugins) => {
      const migrations = { ddlLockTimeout: heldMs / 20 };
      const boot = createBoot({ pool: database.pool(), plugins, registry: false, migrations });
      await boot.start();
      await boot.stop();
    }),
    plain: await behind(async (database, _, change) => {
      await database.query(`set search_path = "plugin_plugin-0"; ${change}`);
    }),
  };
}

type Migrate = (
  database: TestDatabase,
  plugins: readonly Plugin[],
  change: string,
) => Promise<void>;

async function readWhile(
  { url }: TestDatabase,
  heldMs: number,
  migrate: () => Promise<void>,
): Promise<Waits> {
  const read = 'select from "plugin_plugin-0".notes limit 1';
  return withClient(url, (holder) =>
    withClient(url, async (reader) => {
      await holder.query(`begin; ${read}`);
      const released = delay(heldMs).then(() => holder.query('rollback'));
      const startedAt = performance.now();
      const ended = new AbortController();
      const migrating = migrate()
        .then(() => performance.now() - startedAt)
        .finally(() => ended.abort());
      const waits: number[] = [];
      while (!ended.signal.aborted) {
        const askedAt = performance.now();
        await reader.query(read);
        const ms = performance.now() - askedAt;
        if (ms > noticeableMs) waits.push(ms);
        await delay(noticeableMs / 4);
      }
      const [migratedMs] = await Promise.all([migrating, released]);
      return {
        waitedMs: waits.reduce((sum, ms) => sum + ms, 0),
        longestMs: Math.max(0, ...waits),
        migratedMs,
      };
    }),
  );
}
