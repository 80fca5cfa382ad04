import { Client } from 'pg';
import { afterEach } from 'vitest';
import type { Boot, BootEventOf } from '../../src/index.ts';
import { migrationFolder } from '../support/migration-folder.ts';

type Progress = BootEventOf<'plugin.migrate.progress'>;

/** Resolves with the first progress event that fits. Call it before the event happens. */
export function progressOf(
  boot: Boot,
  fits: (event: Progress) => unknown = () => true,
): Promise<Progress> {
  return new Promise((resolve) => {
    boot.on('plugin.migrate.progress', (event) => {
      if (fits(event)) resolve(event);
    });
  });
}

/** Resolves with the beat that comes at least 3 s after the start: by then a long file was looked at, and the history read. */
export function thirdSecond(boot: Boot): Promise<unknown> {
  return new Promise((resolve) => {
    boot.on('boot.progress', ({ elapsedMs }) => {
      if (elapsedMs >= 3_000) resolve(undefined);
    });
  });
}

/** A session of another application. */
export interface OtherSession extends Client {
  /** pg has this, and leaves it out of its types. */
  readonly processID: number;
}

/** Gives a test file sessions that are ended after each test. Call it after `useDatabase()`. */
export function useSessions(): (url: string, name: string) => Promise<OtherSession> {
  const open: Client[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((session) => session.end()));
  });
  return async (url, name) => {
    const client = new Client({ connectionString: url, application_name: name });
    // A test may end its session on the server.
    client.on('error', () => undefined);
    open.push(client);
    await client.connect();
    return client as OtherSession;
  };
}

/** Statements of one file. */
export const inOneFile = (...statements: readonly string[]): string =>
  statements.join('\n--> statement-breakpoint\n');

/** A file that runs these statements, and then waits until the advisory lock 42 of a test is free. */
export async function keeping(...statements: readonly string[]): Promise<string> {
  return migrationFolder({
    '0000_orders': 'CREATE TABLE orders (id int);',
    '0001_orders': inOneFile(...statements, 'SELECT pg_advisory_xact_lock_shared(42);'),
  });
}

/** Migrations that wait as long as a test holds a lock. */
export const patient = { ddlLockTimeout: '1m' } as const;
