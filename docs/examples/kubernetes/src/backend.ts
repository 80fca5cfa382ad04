import { pino } from 'pino';
import { provide, type BootOptions, type Duration, type MigrationOptions } from 'slipway';
import { guestbook } from './guestbook.ts';
import { router, type Route } from './routes.ts';
import { visits } from './visits.ts';

/** JSON lines on standard output, where the cluster collects them. */
export const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'info' });

export const routes = new Map<string, Route>();

/** Reads the environment that the manifests set. `createBoot()` checks the values, and says which one is wrong. */
export function describeBackend(): BootOptions {
  const { DATABASE_URL, MIGRATIONS_MODE = 'apply', SHUTDOWN_TIME = '25s' } = process.env;
  if (!DATABASE_URL) throw new Error('DATABASE_URL has to name the database of the guestbook');
  return {
    pool: DATABASE_URL,
    plugins: [guestbook, visits],
    services: [provide(router, routes)],
    logger,
    migrations: { mode: MIGRATIONS_MODE as NonNullable<MigrationOptions['mode']> },
    stop: { total: SHUTDOWN_TIME as Duration },
  };
}
