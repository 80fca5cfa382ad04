import { Pool } from 'pg';
import { formatBootError } from 'slipway';
import { startPostgres } from 'slipway/testing';
import { serveShop } from './serve.ts';
import { setStage } from './stage.ts';
import { showUpgrade } from './upgrade/show-upgrade.ts';

export interface DemoOptions {
  readonly once: boolean;
  readonly upgrade: boolean;
}

/** Runs the demo on a PostgreSQL, and leaves nothing open; how it went is in the exit code of the process. */
export async function runDemo({ once, upgrade }: DemoOptions): Promise<void> {
  const postgres = await startPostgres();
  const pool = new Pool({ connectionString: postgres.url });
  try {
    const stage = setStage(pool);
    await (upgrade ? showUpgrade(stage) : serveShop(stage, { once }));
  } catch (error) {
    // A signal before the shop was ready has set its own code.
    process.exitCode ||= 1;
    console.error(formatBootError(error));
  } finally {
    await pool.end();
    await postgres.stop();
  }
}
