import { closeSync, openSync } from 'node:fs';
import type { Pool } from 'pg';
import type { Boot } from '../../boot/boot.ts';
import type { BootOptions } from '../../boot/options/boot-options.ts';
import { nameTenant } from '../../core/tenants.ts';
import { formatBootError } from '../../core/format-error.ts';
import type { Plugin } from '../../core/plugin.ts';
import { isSameMoment, warmUpText, watchMoments, type Moment } from './moments.ts';

/** The options of a boot that a test may set for every replica. */
export type ReplicaBootOptions = Omit<BootOptions, 'pool' | 'migrationPool' | 'plugins' | 'record'>;

/** What one replica has to do. It is plain data, so that it can be sent to a process. */
export interface ReplicaOrder {
  /** Counts from 1. */
  readonly number: number;
  readonly url: string;
  /** When it is up later than this, it has failed. */
  readonly timeoutMs: number;
  /** The replica that reaches the moment first is killed there; the claim is a file that only one can make. */
  readonly kill?: { readonly moment: Moment; readonly claim: string };
}

/** What happened in a replica, in the order in which it happened. */
export type Heard =
  | {
      readonly kind: 'planned';
      readonly plugin: string;
      readonly schema: string;
      readonly pending: readonly string[];
    }
  | { readonly kind: 'applied'; readonly plugin: string; readonly file: string }
  | { readonly kind: 'migrated' }
  | { readonly kind: 'init'; readonly plugin: string }
  | { readonly kind: 'moment'; readonly moment: Moment };

/** A replica does not come up. */
export interface Failure {
  readonly outcome: 'failed';
  readonly code: string;
  /** The error, as people read it. */
  readonly text: string;
}

/** How the start of a replica ended. */
export type Settlement = { readonly outcome: 'up' | 'killed' } | Failure;

/** A replica that was started. */
export interface Replica {
  readonly number: number;
  readonly heard: readonly Heard[];
  readonly settled: Promise<Settlement>;
  /** Stops it in order; of one that was killed, clears away what is left. */
  stop(): Promise<void>;
}

/** Starts replicas of one backend. */
export interface ReplicaStarter {
  start(order: ReplicaOrder, arrive: (plugin: string) => Promise<void>): Promise<Replica>;
}

/** Starts a boot, and calls `die` at the moment at which it is to be killed. */
export async function runBoot(
  boot: Boot,
  { kill, timeoutMs }: ReplicaOrder,
  hear: (heard: Heard) => void,
  die: () => void,
): Promise<Settlement> {
  boot.on('plugin.migrate.planned', ({ plugin, tenant, schema, pending }) => {
    // A plugin with tenants has no schema of its own.
    if (schema === undefined) return;
    hear({ kind: 'planned', plugin: nameTenant(plugin, tenant), schema, pending });
  });
  boot.on('plugin.migrate.applied', ({ plugin, tenant, file }) =>
    hear({ kind: 'applied', plugin: nameTenant(plugin, tenant), file }),
  );
  boot.on('phase.finished', ({ phase, outcome }) => {
    if (phase === 'migrateAll' && outcome === 'done') hear({ kind: 'migrated' });
  });
  boot.on('plugin.init.started', ({ plugin }) => hear({ kind: 'init', plugin }));
  const unwatch = watchMoments(boot, (moment) => {
    hear({ kind: 'moment', moment });
    if (kill && isSameMoment(kill.moment, moment) && claim(kill.claim)) die();
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not up after ${timeoutMs} ms: ${boot.state().headline}`));
    }, timeoutMs);
  });
  try {
    await Promise.race([boot.start(), late]);
    return { outcome: 'up' };
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    return { outcome: 'failed', code: String(code), text: formatBootError(error) };
  } finally {
    clearTimeout(timer);
    unwatch();
  }
}

/** Whether this is the first of all replicas, in any process, that asks for the claim. */
function claim(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx'));
    return true;
  } catch {
    return false;
  }
}

/**
 * Has the plugins wait in front of `init` until the other replicas are there too, each with an open connection: what two
 * replicas may do at once is then done at once.
 *
 * @param findDatabase The database of a plugin, once its migrations are done.
 */
export function alignInits(
  plugins: readonly Plugin[],
  arrive: (plugin: string) => Promise<void>,
  findDatabase: (plugin: string) => Pool,
): readonly Plugin[] {
  return plugins.map((plugin) => {
    const { id } = plugin;
    if (plugin.init === undefined) return plugin;
    return {
      ...plugin,
      init: async (context) => {
        await warmUp(() => findDatabase(id));
        await arrive(id);
        return plugin.init?.(context);
      },
    };
  });
}

async function warmUp(findDatabase: () => Pool): Promise<void> {
  try {
    await findDatabase().query(warmUpText);
  } catch {
    // Whether the database is there is a matter of the plugin.
  }
}
