import { Pool } from 'pg';
import pino from 'pino';
import { createLiveOutput } from 'slipway';
import type { Boot } from 'slipway';

/** What every way through the demo works with. */
export interface Stage {
  readonly pool: Pool;
  /** The connection string of the pool. */
  readonly databaseUrl: string;
  readonly logger: pino.Logger;
  /** 0 is any free port. */
  readonly port: number;
  readonly write: (text: string) => void;
  /** Shows a boot while it runs. */
  readonly show: (boot: Boot) => void;
}

/** Opens a pool and a log; who asks for the stage ends its pool. */
export function setStage(databaseUrl: string): Stage {
  const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }, pino.destination(2));
  const pool = new Pool({ connectionString: databaseUrl });
  // The pool replaces an idle connection that breaks; without a listener it would end the process.
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle connection broke'));
  const write = (text: string): void => void process.stdout.write(text);
  return {
    pool,
    databaseUrl,
    logger,
    port: Number(process.env['PORT'] ?? 0),
    write,
    show: (boot) => void boot.onAny(createLiveOutput({ stream: process.stdout })),
  };
}
