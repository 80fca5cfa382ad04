import type { Plugin } from 'slipway';
import type { TestDatabase } from '../support/test-database.ts';
import { bootIn, withDatabase } from './fresh-database.ts';
import { releaseFirst, tablesOf, withMigratingPlugins } from './generated-plugins.ts';
import { bootInTwoPasses, bootWithSlipway, type Rival } from './rivals.ts';
import { watchQueries, type WatchedQuery } from './watch-queries.ts';

/** The messages of SQL that an upgrade sends when one plugin has a new file. */
export interface UpgradeResult {
  readonly plugins: number;
  readonly slipway: number;
  readonly twoPass: number;
}

/** Counts what each way sends for the same upgrade, each in a database of its own. */
export function countUpgradeStatements(adminUrl: string, count: number): Promise<UpgradeResult> {
  return withMigratingPlugins(count, 'layers', (plugins) =>
    withDatabase(adminUrl, (ours) =>
      withDatabase(adminUrl, async (theirs) => {
        const tables = tablesOf(plugins);
        for (const database of [ours, theirs]) {
          await bootIn(database, bootInTwoPasses, plugins, { tables });
        }
        await releaseFirst(plugins);
        return {
          plugins: count,
          slipway: await countIn(ours, bootWithSlipway, plugins),
          twoPass: await countIn(theirs, bootInTwoPasses, plugins),
        };
      }),
    ),
  );
}

async function countIn(
  database: TestDatabase,
  rival: Rival,
  plugins: readonly Plugin[],
): Promise<number> {
  let sent: readonly WatchedQuery[] = [];
  await bootIn(database, rival, plugins, {
    tables: tablesOf(plugins),
    onPool: (pool) => {
      sent = watchQueries(pool);
    },
  });
  return sent.length;
}
