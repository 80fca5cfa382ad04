import type { Pool } from 'pg';
import { createBoot, formatBootError } from 'slipway';
import type { Plugin } from 'slipway';
import { startPostgres } from 'slipway/testing';
import { withGeneratedPlugins } from './generated-plugins.ts';
import { showGrowth } from './grow/show-growth.ts';
import type { DemoOptions } from './options.ts';
import { serveShop } from './serve.ts';
import { createShop, shopPlugins } from './shop.ts';
import { situations } from './situations/situations.ts';
import { openSlowLink, slowDown } from './slow-down.ts';
import { setStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { showUpgrade } from './upgrade/show-upgrade.ts';
import { watchBoot } from './watch-boot.ts';

/** Runs the demo on a PostgreSQL, and leaves nothing open; how it went is in the exit code of the process. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const postgres = await startPostgres();
  const link = options.slow ? await openSlowLink(postgres.url) : undefined;
  const stage = setStage(link?.url ?? postgres.url);
  try {
    await play(stage, options);
  } catch (error) {
    // A signal before the shop was ready has set its own code.
    process.exitCode ||= 1;
    console.error(formatBootError(error));
  } finally {
    await stage.pool.end();
    await link?.close();
    await postgres.stop();
  }
}

async function play(stage: Stage, options: DemoOptions): Promise<void> {
  const { pool, logger } = stage;
  const { upgrade, grow, show, once } = options;
  const paced = (plugins: readonly Plugin[]) => (options.slow ? slowDown(plugins) : plugins);

  if (upgrade) {
    await refuseUsedDatabase(pool);
    return showUpgrade(stage);
  }
  if (grow) return showGrowth(stage);
  if (show) {
    await refuseUsedDatabase(pool);
    const { says, play: prepare } = situations[show];
    return prepare(stage, (plugins) => {
      const { boot } = createShop({ pool, plugins: paced(plugins), logger });
      return watchBoot(boot, stage, says);
    });
  }
  if (options.plugins !== undefined) {
    return withGeneratedPlugins(options.plugins, (plugins) => {
      const boot = createBoot({ pool, plugins: paced(plugins), logger });
      return watchBoot(boot, stage, `A generated backend of ${plugins.length} plugins boots.`);
    });
  }
  return serveShop(stage, { once, plugins: paced(shopPlugins) });
}

/** What the demo shows of migrations it shows on a database that has none of the shop. */
async function refuseUsedDatabase(pool: Pool): Promise<void> {
  const { rows } = await pool.query(`SELECT nspname FROM pg_namespace WHERE nspname ~ '^plugin_'`);
  if (rows.length === 0) return;
  throw new Error('The shop is in this database already: --upgrade and --show need an empty one');
}
