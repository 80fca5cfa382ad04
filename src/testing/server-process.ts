import { once } from 'node:events';
import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startGuarded, type GuardedProcess, type ServerIdentity } from './guarded-process.ts';

/** The server's superuser; tests need no other. */
export const SUPERUSER = 'postgres';
/** The only address the server listens on. */
export const HOST = '127.0.0.1';

const READY = 'database system is ready to accept connections';
const READY_MS = 60_000;
const PORT_TAKEN = 'Address already in use';
const PORT_ATTEMPTS = 5;

/** The plan of a server. It stays the same over restarts. */
interface ServerPlan {
  /** The folder with `postgres` and `initdb`. */
  readonly bin: string;
  readonly version: string;
  readonly identity: ServerIdentity | undefined;
  /** The folder around the data folder. It belongs to the server's user. */
  readonly folder: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** A server that accepts connections. */
interface RunningServer {
  readonly process: GuardedProcess;
  readonly port: number;
}

/** Runs `initdb` and returns its guard, so that the folder is never without one. The caller dismisses it. */
export async function createCluster(
  plan: ServerPlan,
  password: string | undefined,
): Promise<GuardedProcess> {
  const { bin, version, identity, folder } = plan;
  const data = dataFolder(plan);
  const passwordFile = join(folder, 'password');
  if (password !== undefined) {
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (identity !== undefined) chownSync(passwordFile, identity.uid, identity.gid);
  }
  const auth =
    password === undefined
      ? ['--auth=trust']
      : ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const initdb = startGuarded(folder, identity, [
    join(bin, 'initdb'),
    `--pgdata=${data}`,
    `--username=${SUPERUSER}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    ...auth,
  ]);
  await initdb.ended();
  rmSync(passwordFile, { force: true });
  // initdb removes what it made when it fails.
  if (existsSync(join(data, 'PG_VERSION'))) return initdb;
  await initdb.remove();
  throw new Error(`initdb of PostgreSQL ${version} failed:\n${initdb.log()}`);
}

/**
 * Starts the server and waits until it accepts connections: on `port`, or on a free one, which is
 * chosen anew when another program takes it in between. Throws with the server's log.
 */
export async function runServer(
  plan: ServerPlan,
  port: number | undefined,
  choosePort: () => Promise<number> = findFreePort,
): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    const tried = port ?? (await choosePort());
    const process = startGuarded(plan.folder, plan.identity, serverCommand(plan, tried));
    if (await process.says(READY, READY_MS)) return { process, port: tried };

    await process.end('QUIT');
    await process.leave();
    const isTaken = process.log().includes(PORT_TAKEN);
    if (isTaken && port === undefined && attempt < PORT_ATTEMPTS) continue;
    throw new Error(`PostgreSQL ${plan.version} did not start on port ${tried}:\n${process.log()}`);
  }
}

function serverCommand(plan: ServerPlan, port: number): readonly string[] {
  const settings = {
    // The data is thrown away, so nothing has to survive a power cut; a killed server keeps what was committed.
    fsync: 'off',
    full_page_writes: 'off',
    ...plan.settings,
    listen_addresses: HOST,
    unix_socket_directories: '',
  };
  return [
    join(plan.bin, 'postgres'),
    '-D',
    dataFolder(plan),
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

function dataFolder(plan: ServerPlan): string {
  return join(plan.folder, 'data');
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
