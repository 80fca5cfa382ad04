import type { Pool } from 'pg';
import pino from 'pino';
import { createLiveOutput } from 'slipway';
import type { Boot } from 'slipway';

/** What every way through the demo works with. */
export interface Stage {
  readonly pool: Pool;
  readonly logger: pino.Logger;
  /** 0 is any free port. */
  readonly port: number;
  readonly write: (text: string) => void;
  /** Shows a boot while it runs. */
  readonly show: (boot: Boot) => void;
}

export function setStage(pool: Pool): Stage {
  const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }, pino.destination(2));
  // The pool replaces an idle connection that breaks; without a listener it would end the process.
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle connection broke'));
  const write = (text: string): void => void process.stdout.write(text);
  return {
    pool,
    logger,
    port: Number(process.env['PORT'] ?? 0),
    write,
    show: (boot) => void boot.onAny(createLiveOutput({ stream: process.stdout })),
  };
}
