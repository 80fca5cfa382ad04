import { setTimeout as pause } from 'node:timers/promises';
import { Pool, type PoolClient } from 'pg';
import {
  createBoot,
  gracefulShutdown,
  type Boot,
  type BootOptions,
  type BootReport,
  type LaunchReport,
  type Plugin,
  type RemovalReport,
} from 'slipway';
import { storyOf, verify } from 'slipway/insight';
import { pluginsOf, type PluginLife } from './releases.ts';
import {
  patience,
  type Failure,
  type ReplicaOrder,
  type Said,
  type Word,
} from './replica-order.ts';

/** Runs as a process of its own: one replica of a backend, which says what happens to it. */

const order = JSON.parse(process.argv[2] ?? '') as ReplicaOrder;
const { release, pool: poolKind, clients, callers, run } = order.plan;

/** Aborted when the round is over, or the process has been asked to end. */
const ending = new AbortController();
/** One listener, however often the process boots. */
const ended = new Promise<void>((resolve) => {
  ending.signal.addEventListener('abort', () => resolve(), { once: true });
});
const busyCallers: Promise<void>[] = [];

function say(said: Said): void {
  if (process.connected) process.send?.(said);
}

/** A pool of the host's own, with what a host has to do about idle clients that die. */
const host =
  poolKind === 'host' ? new Pool({ connectionString: order.url, max: clients }) : undefined;
host?.on('error', () => undefined);

/** Asks again and again. The queries sleep, so that the pool is busy, and the machine is not. */
function keepBusy(ask: () => Promise<unknown>, signal: AbortSignal): void {
  const isOver = AbortSignal.any([signal, ending.signal]);
  const loop = async (): Promise<void> => {
    while (!isOver.aborted) {
      // A server that is away refuses at once: the loop leaves time for what the process is there for.
      await ask().catch(() => pause(20));
    }
  };
  busyCallers.push(loop());
}

const life: PluginLife = {
  folder: order.folder,
  busy(table, database, signal) {
    // Three plugins share that half of the callers.
    for (let caller = 0; caller < callers / 6; caller++) {
      keepBusy(() => database.query(`select count(*), pg_sleep(0.01) from ${table}`), signal);
    }
  },
};

/** Takes every client of the host's pool for a while. */
async function exhaust(ms: number): Promise<void> {
  if (!host) return;
  const hold = async (): Promise<void> => {
    const client: PoolClient = await host.connect();
    const ignore = (): void => undefined;
    client.on('error', ignore);
    await pause(ms);
    client.off('error', ignore);
    client.release();
  };
  await Promise.allSettled(Array.from({ length: clients }, hold));
}

/** Boots once; when it is up, it stays up until the process is to end, or for a moment when it is to boot again. */
async function bootOnce(): Promise<void> {
  const plugins = pluginsOf(release, life);
  const isGrowing = run === 'grow';
  const connection: BootOptions['pool'] =
    poolKind === 'config' ? { connectionString: order.url, max: clients } : order.url;
  const boot = createBoot({
    pool: host ?? connection,
    plugins: isGrowing ? plugins.slice(0, 1) : plugins,
    ...patience,
  });
  boot.onAny(({ type }) => say({ kind: 'event', type }));
  gracefulShutdown(boot);
  try {
    const report = await (run === 'migrate' ? boot.migrate() : boot.start());
    say({ kind: 'settled', outcome: report.outcome, failures: failuresIn(report) });
    if (isGrowing) await growAndShrink(boot, plugins.slice(1));
    if (run === 'start') await ended;
    if (run === 'again') await Promise.race([ended, pause(300)]);
  } catch (error) {
    process.exitCode ||= 3;
    const report = boot.report();
    const failures = [failureOf(error), ...failuresIn(report)];
    say({ kind: 'settled', outcome: report.outcome, failures });
    await pause(50);
  }
  await boot.stop('the round is over');
  const broken = verify(storyOf(boot)).map(({ rule, message }) => ({
    code: 'PROMISE_BROKEN',
    message: `${rule}: ${message}`,
  }));
  if (broken.length > 0) say({ kind: 'settled', outcome: boot.report().outcome, failures: broken });
}

/** Adds the plugins one after the other and removes them again, until the process is to end. */
async function growAndShrink(boot: Boot, plugins: readonly Plugin[]): Promise<void> {
  const change = async (ask: () => Promise<LaunchReport | RemovalReport>): Promise<boolean> => {
    try {
      await ask();
      return true;
    } catch (error) {
      say({ kind: 'settled', outcome: 'ready', failures: [failureOf(error)] });
      return false;
    }
  };
  while (!ending.signal.aborted) {
    const added: Plugin[] = [];
    for (const plugin of plugins) {
      if (await change(() => boot.add(plugin))) added.push(plugin);
    }
    const { launches } = boot.report();
    say({ kind: 'settled', outcome: launches.at(-1)?.outcome ?? 'idle', failures: [] });
    await Promise.race([ended, pause(100)]);
    for (const { id } of added.toReversed()) {
      if (ending.signal.aborted) return;
      if (boot.state().plugins[id]?.init !== 'done') continue;
      await change(() => boot.remove(id, { dependents: 'stop' }));
    }
  }
}

function failuresIn({ plugins }: BootReport): readonly Failure[] {
  return plugins.flatMap(({ id, migrate, init, ready, stop }) =>
    [migrate, init, ready, stop].flatMap(({ error }) =>
      error === undefined ? [] : [{ ...failureOf(error), plugin: id }],
    ),
  );
}

/** What the verdict needs of an error or of its record: its code, and the first state of PostgreSQL among its causes. */
function failureOf(error: unknown): Failure {
  const { code, message, plugin, cause, database } = error as {
    readonly code?: string;
    readonly message?: string;
    readonly plugin?: string;
    readonly cause?: unknown;
    readonly database?: { readonly sqlState?: string };
  };
  const deeper = cause === undefined || cause === null ? undefined : failureOf(cause);
  const ownState = code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  const state = database?.sqlState ?? ownState ?? deeper?.state;
  return {
    code: code ?? 'none',
    message: deeper ? `${message} ← ${deeper.message}` : String(message),
    ...(plugin === undefined ? {} : { plugin }),
    ...(state === undefined ? {} : { state }),
  };
}

process.on('message', ({ word, ms }: Word) => {
  if (word === 'end') ending.abort();
  else void exhaust(ms);
});
// Without its parent nothing would ever end it.
process.on('disconnect', () => ending.abort());
process.on('SIGTERM', () => ending.abort());

if (host) {
  for (let caller = 0; caller < callers / 2; caller++) {
    keepBusy(() => host.query('select pg_sleep(0.01)'), ending.signal);
  }
}
say({ kind: 'up' });
await bootOnce();
if (run === 'again') while (!ending.signal.aborted) await bootOnce();
ending.abort();
await Promise.all(busyCallers);
await host?.end();
say({ kind: 'done' });
// From here on nothing of the host's is left, so the process has to end by itself.
if (process.connected) process.disconnect();
