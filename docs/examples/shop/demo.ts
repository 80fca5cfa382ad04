import { Pool } from 'pg';
import pc from 'picocolors';
import pino from 'pino';
import { createLiveOutput, formatBootError } from 'slipway';
import type { Boot } from 'slipway';
import { startPostgres } from 'slipway/testing';
import { serveShop } from './serve.ts';
import { showUpgrade } from './upgrade/show-upgrade.ts';

export interface DemoOptions {
  readonly once: boolean;
  readonly upgrade: boolean;
}

/** What both ways through the demo work with. */
export interface Stage {
  readonly pool: Pool;
  readonly logger: pino.Logger;
  readonly port: number;
  readonly write: (text: string) => void;
  /** Shows the boot while it runs. */
  readonly show: (boot: Boot) => void;
}

/** Runs the demo on a PostgreSQL, and leaves nothing behind; whether it went well is in the process's exit code. */
export async function runDemo({ once, upgrade }: DemoOptions): Promise<void> {
  const postgres = await startPostgres();
  const pool = new Pool({ connectionString: postgres.url });
  try {
    const stage = setStage(pool);
    await (upgrade ? showUpgrade(stage) : serveShop(stage, { once }));
  } catch (error) {
    // Who was interrupted before the shop was ready has an exit code already.
    process.exitCode ||= 1;
    console.error(formatBootError(error));
  } finally {
    await pool.end();
    await postgres.stop();
  }
}

function setStage(pool: Pool): Stage {
  const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'warn' }, pino.destination(2));
  // The pool replaces an idle connection that breaks; without a listener it would end the process.
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle connection broke'));
  const write = (text: string): void => void process.stdout.write(text);
  const isTerminal = process.stdout.isTTY;
  const colors = isTerminal && pc.isColorSupported;
  return {
    pool,
    logger,
    port: Number(process.env['PORT'] ?? 0),
    write,
    show: (boot) => boot.onAny(createLiveOutput({ write, colors, statusLine: isTerminal })),
  };
}
