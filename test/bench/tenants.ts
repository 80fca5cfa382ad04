import { createBoot, type Plugin } from 'slipway';
import type { TestDatabase } from '../support/test-database.ts';
import { withDatabase } from './fresh-database.ts';
import { filesPerPlugin, releaseFirst, withMigratingPlugins } from './generated-plugins.ts';
import { collectInTurn, sampleOf, type Rounds, type Sample } from './measure.ts';
import { watchQueries } from './watch-queries.ts';

/** What one plugin costs with many tenants, and with one. */
export interface TenantsResult {
  readonly tenants: number;
  /** Every file of a new plugin for each tenant. */
  readonly freshMs: number;
  readonly nothing: Pair & { readonly statements: number };
  /** One further file for each tenant. */
  readonly upgrade: Pair;
}

interface Pair {
  readonly one: Sample;
  readonly all: Sample;
}

/** Measures boots that end after the migrations, each on a new pool. */
export function measureTenants(
  adminUrl: string,
  count: number,
  rounds: Rounds,
): Promise<TenantsResult> {
  const names = Array.from({ length: count }, (_, at) => `t${at}`);
  return withMigratingPlugins(1, 'none', async ([plugin]) =>
    withDatabase(adminUrl, (small) =>
      withDatabase(adminUrl, async (large) => {
        if (!plugin) throw new Error('There is no plugin');
        type Rival = 'one' | 'all';
        const run = (rival: Rival): Promise<Look> =>
          rival === 'one'
            ? migrate(small, { ...plugin, tenants: () => names.slice(0, 1) })
            : migrate(large, { ...plugin, tenants: () => names });
        await run('one');
        const { ms: freshMs } = await run('all');
        const nothing = await collectInTurn<Rival, Look>(['one', 'all'], run, rounds);
        let files = filesPerPlugin;
        const upgrade = await collectInTurn<Rival, Look>(['one', 'all'], run, rounds, async () => {
          files += 1;
          await releaseFirst([plugin], files);
        });
        const statements = Math.max(...nothing.all.map((look) => look.statements));
        return {
          tenants: count,
          freshMs,
          nothing: { ...toPair(nothing), statements },
          upgrade: toPair(upgrade),
        };
      }),
    ),
  );
}

interface Look {
  readonly ms: number;
  readonly statements: number;
}

async function migrate(database: TestDatabase, plugin: Plugin): Promise<Look> {
  const pool = database.pool();
  const queries = watchQueries(pool);
  const startedAt = performance.now();
  await createBoot({ pool, plugins: [plugin], registry: false }).migrate();
  const ms = performance.now() - startedAt;
  await database.expectNoLeak();
  return { ms, statements: queries.length };
}

function toPair(looks: Readonly<Record<'one' | 'all', readonly Look[]>>): Pair {
  const sample = (list: readonly Look[]): Sample => sampleOf(list.map(({ ms }) => ms));
  return { one: sample(looks.one), all: sample(looks.all) };
}
