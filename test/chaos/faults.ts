import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import type { PostgresServer } from 'slipway/testing';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import type { Proxy } from '../support/proxy.ts';
import type { Replica } from './replica.ts';
import type { FaultKind, FaultPlan } from './round-plan.ts';

/** What a fault can reach. */
export interface Scene {
  readonly server: PostgresServer;
  /** The round's database. */
  readonly url: string;
  readonly proxy: Proxy;
  /** Says that the server begins to shut down. */
  readonly tellDown: () => void;
  /** Undefined while a replica has not been started yet. */
  readonly replicas: readonly (Replica | undefined)[];
}

/** Strikes, and resolves when it is over; gives false when there was nothing to strike. */
type Fault = (scene: Scene, plan: FaultPlan) => Promise<boolean>;

/** Every fault cleans up behind itself, and gets by when the server is away because of another one. */
export const faults: Readonly<Record<FaultKind, Fault>> = {
  SIGKILL: async ({ replicas }, { target }) => replicas[target]?.signal('SIGKILL') ?? false,
  async SIGTERM({ replicas }, { target }) {
    return askToEnd(replicas[target]);
  },
  async 'SIGTERM-all'({ replicas }) {
    return replicas.map(askToEnd).includes(true);
  },
  'terminate-backends': ({ url }) => strikeBackends(url, 'pg_terminate_backend'),
  'cancel-backends': ({ url }) => strikeBackends(url, 'pg_cancel_backend'),
  async reset({ proxy }) {
    proxy.reset();
    return true;
  },
  async 'black-hole'({ proxy }, { lastsMs }) {
    proxy.blackHole();
    await pause(lastsMs);
    await proxy.restore();
    return true;
  },
  async 'exhausted-pool'({ replicas }, { target, lastsMs }) {
    const replica = replicas[target];
    if (replica?.isUp !== true || replica.order.plan.pool !== 'host') return false;
    replica.tell({ word: 'exhaust', ms: lastsMs });
    await pause(lastsMs);
    return true;
  },
  'table-lock': ({ url }, { lastsMs }) =>
    holding(url, lastsMs, async (client) => {
      await client.query("SET lock_timeout = '1s'; BEGIN");
      await client.query('LOCK TABLE plugin_accounts.accounts IN ACCESS EXCLUSIVE MODE');
    }),
  'migration-lock': ({ url }, { lastsMs }) =>
    holding(url, lastsMs, async (client) => {
      const key = migrationLockKey('plugin_accounts').toString();
      await client.query("SET lock_timeout = '1s'");
      await client.query('SELECT pg_advisory_lock($1)', [key]);
    }),
  async 'server-full'({ url }, { lastsMs }) {
    const clients: Client[] = [];
    try {
      for (;;) {
        const client = await connect(url);
        if (!client) break;
        clients.push(client);
      }
      await pause(lastsMs);
    } finally {
      await Promise.all(clients.map(leave));
    }
    return clients.length > 0;
  },
  async 'restart-fast'({ server, tellDown }) {
    tellDown();
    await server.restart();
    return true;
  },
  async 'restart-immediate'({ server, tellDown }, { lastsMs }) {
    tellDown();
    await server.kill();
    await pause(lastsMs);
    await server.restart();
    return true;
  },
  async 'postmaster-killed'({ server, url, tellDown }, { lastsMs }) {
    const pid = await withAdmin(url, async (client) => {
      const file = await client.query<{ pid: string }>(
        "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid",
      );
      return Number(file.rows[0]?.pid);
    });
    if (pid === undefined || !(pid > 1)) return false;
    tellDown();
    process.kill(pid, 'SIGKILL');
    await pause(lastsMs);
    await server.restart();
    return true;
  },
};

/** Before a replica is up its handler is not there, and ending by the signal would prove nothing. */
function askToEnd(replica: Replica | undefined): boolean {
  return replica?.isUp === true && replica.signal('SIGTERM');
}

async function strikeBackends(url: string, strike: string): Promise<boolean> {
  const struck = await withAdmin(url, async (client) => {
    const { rowCount } = await client.query(
      `SELECT ${strike}(pid) FROM pg_stat_activity WHERE datname = current_database()
         AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    return rowCount ?? 0;
  });
  return (struck ?? 0) > 0;
}

/** Holds what `take` has taken for a while. */
async function holding(
  url: string,
  lastsMs: number,
  take: (client: Client) => Promise<void>,
): Promise<boolean> {
  const taken = await withAdmin(url, async (client) => {
    await take(client);
    await pause(lastsMs);
    return true;
  });
  return taken === true;
}

/** Undefined when the server is away or full, or goes away meanwhile. */
async function withAdmin<T>(
  url: string,
  use: (client: Client) => Promise<T>,
): Promise<T | undefined> {
  const client = await connect(url);
  if (!client) return undefined;
  try {
    return await use(client);
  } catch {
    return undefined;
  } finally {
    await leave(client);
  }
}

async function connect(url: string): Promise<Client | undefined> {
  const client = new Client({ connectionString: url, application_name: 'chaos' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch {
    return undefined;
  }
}

async function leave(client: Client): Promise<void> {
  await client.end().catch(() => undefined);
}
