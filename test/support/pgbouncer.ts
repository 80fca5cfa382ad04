import { chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, inject } from 'vitest';
import { chooseServerIdentity, startGuarded } from '../../src/testing/guarded-process.ts';

/** A PgBouncer in front of the test cluster. */
export interface PgBouncer {
  /** The same database, through the pooler. */
  through(databaseUrl: string): string;
}

export interface PgBouncerOptions {
  readonly mode: 'transaction' | 'session';
  /** Server connections for each database: as few as possible, so that clients have to share them. */
  readonly size?: number;
}

/**
 * Where PgBouncer is installed; `undefined` says that tests of poolers have to be skipped. In CI it has to be there.
 *
 * @example describe.skipIf(!pgbouncer)('through PgBouncer', () => { … });
 */
export const pgbouncer = await findPgBouncer();

/**
 * Gives a test file poolers that are stopped after each test. Call it after `useDatabase()`, whose look for sessions has to
 * come later: the pooler keeps some.
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

async function findPgBouncer(): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    const path = join(folder, 'pgbouncer');
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  if (process.env['CI']) throw new Error('The tests of poolers need pgbouncer, and it is missing');
  // Past vitest, which keeps what a file of skipped tests writes to the console to itself.
  process.stderr.write('Skipped: tests of poolers need pgbouncer (apt-get install pgbouncer)\n');
  return undefined;
}
