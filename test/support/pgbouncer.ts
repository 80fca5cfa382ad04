import { chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, inject } from 'vitest';
import { findProgram } from './find-program.ts';
import { chooseServerIdentity, startGuarded } from '../../src/testing/guarded-process.ts';

/** A PgBouncer in front of the test cluster. */
export interface PgBouncer {
  /** Returns the connection string of the same database, through the pooler. */
  through(databaseUrl: string): string;
}

export interface PgBouncerOptions {
  readonly mode: 'transaction' | 'session';
  /**
   * How many server connections each database has. Keep it small, so that clients have to share them.
   *
   * @default 2
   */
  readonly size?: number;
}

/**
 * The path of PgBouncer. When it is `undefined`, skip the tests of poolers. In CI, PgBouncer has to be installed.
 *
 * @example describe.skipIf(!pgbouncer)('through PgBouncer', () => { … });
 */
export const pgbouncer = await findProgram({ names: ['pgbouncer'], tests: 'poolers' });

/**
 * Gives a test file poolers that are stopped after each test. Call it after `useDatabase()`, because its check for sessions
 * has to come later: the pooler keeps some sessions open.
 */
export function usePgBouncer(): (options: PgBouncerOptions) => Promise<PgBouncer> {
  let running: readonly (() => Promise<void>)[] = [];
  afterEach(async () => {
    const stopping = running;
    running = [];
    await Promise.all(stopping.map((stop) => stop()));
  });
  return async (options) => {
    const { stop, ...pooler } = await startPgBouncer(options);
    running = [...running, stop];
    return pooler;
  };
}

async function startPgBouncer({
  mode,
  size = 2,
}: PgBouncerOptions): Promise<PgBouncer & { readonly stop: () => Promise<void> }> {
  const identity = chooseServerIdentity();
  const folder = mkdtempSync(join(tmpdir(), 'slipway-pgbouncer-'));
  const port = await findFreePort();
  const server = new URL(inject('postgresUrl'));
  const password = server.password ? ` password='${decodeURIComponent(server.password)}'` : '';
  const config = join(folder, 'pgbouncer.ini');
  writeFileSync(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port || 5432} user='${decodeURIComponent(server.username)}'${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${size}
max_client_conn = 300
; Each transaction goes to another connection than the last one, where there is another.
server_round_robin = 1
; What drivers and pools send, and a pooler in front of applications is told to overlook.
ignore_startup_parameters = extra_float_digits,options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout
`,
  );
  for (const path of identity ? [folder, config] : []) {
    chownSync(path, identity?.uid ?? 0, identity?.gid ?? 0);
  }
  const bouncer = startGuarded(folder, identity, [pgbouncer ?? 'pgbouncer', config]);
  if (!(await bouncer.says('process up', 10_000))) {
    await bouncer.remove();
    throw new Error(`PgBouncer did not start:\n${bouncer.log()}`);
  }
  return {
    stop: () => bouncer.remove(),
    through(databaseUrl) {
      const url = new URL(databaseUrl);
      url.host = `127.0.0.1:${port}`;
      return url.href;
    },
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
