import { readdirSync, readFileSync } from 'node:fs';
import { withClient } from '../support/leaks.ts';

/** Reads how much CPU time the server has taken since it started, in ms. */
export type ServerCpu = () => number;

/** Linux counts the CPU time of other processes in hundredths of a second. */
const msPerTick = 10;
const attempts = 5;

/**
 * Finds the processes of the server. Returns `undefined` where they cannot be seen: on another system than Linux, or when the
 * server runs on another machine or in a container.
 */
export async function findServerCpu(adminUrl: string): Promise<ServerCpu | undefined> {
  const postmaster = await withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ pid: number; port: number }>(
      'select pg_backend_pid() as pid, inet_client_port() as port',
    );
    const { pid = 0, port = 0 } = rows[0] ?? {};
    // A backend has the port of its client in its title. A process of another server with the same pid does not.
    if (!read(`/proc/${pid}/cmdline`)?.includes(`(${port})`)) return undefined;
    return readStat(pid)?.parent;
  });
  return postmaster === undefined ? undefined : () => readTree(postmaster);
}

/** What the postmaster, its children that live and those that have ended have taken. */
function readTree(postmaster: number): number {
  for (let attempt = 1; ; attempt += 1) {
    const before = readStat(postmaster);
    const living = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => readStat(Number(name)))
      .filter((stat) => stat?.parent === postmaster);
    const after = readStat(postmaster);
    if (!before || !after) throw new Error('The server has ended');
    // A child that ended meanwhile may be counted twice, or not at all.
    if (before.endedTicks !== after.endedTicks && attempt < attempts) continue;
    const ticks = living.reduce((sum, stat) => sum + (stat?.ticks ?? 0), after.ticks);
    return (ticks + after.endedTicks) * msPerTick;
  }
}

interface ProcessStat {
  readonly parent: number;
  readonly ticks: number;
  /** Of the children that have ended. */
  readonly endedTicks: number;
}

/** Reads `/proc/<pid>/stat`, see proc_pid_stat(5). */
function readStat(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  // The name in parentheses may have anything in it. The third field follows it.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (!fields) return undefined;
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    parent: field(4),
    ticks: field(14) + field(15),
    endedTicks: field(16) + field(17),
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
