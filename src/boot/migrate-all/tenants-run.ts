import type { Clock } from '../../core/clock.ts';
import { roundMs } from '../../core/duration.ts';
import { toError } from '../../core/error-record.ts';
import { asBootError, BootError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { onAbort } from '../../core/patience.ts';
import { listNames } from '../../core/printable.ts';
import { cutPlugin } from '../../core/tenants.ts';
import type { LockHolder } from '../../core/waits.ts';
import type { migratePlugin } from '../../postgres/migrate/migrator.ts';
import type { PluginMigrations } from '../../postgres/sources/read-migrations.ts';
import type { MigrateSlots } from './migrate-slots.ts';

type UnitOutcome = Awaited<ReturnType<typeof migratePlugin>>;

/** The refusal of a lock that another process holds. */
interface Refusal {
  /** The tenant: `shop/acme`. */
  readonly who: string;
  readonly holder: LockHolder;
}

/** The outcome of a turn of a plugin, and, if it has tenants, whose lock was refused. */
export type TurnOutcome =
  | { readonly status: 'done' | 'canceled' }
  | ({ readonly status: 'locked' } & Pick<Refusal, 'holder'> & Partial<Refusal>);

interface Turn {
  readonly slots: MigrateSlots;
  /** Aborted: the tenants that migrate finish their current file. */
  readonly windDown: AbortSignal;
  /** Migrates one tenant. */
  readonly migrate: (tenant: PluginMigrations, windDown: AbortSignal) => Promise<UnitOutcome>;
  /** Called when a tenant has settled, so that the wait for the locks of others begins anew. */
  readonly onProgress: () => void;
}

interface TenantsRunParts {
  readonly plugin: string;
  /** How many tenants it has. */
  readonly total: number;
  /** Those that are to be migrated, in their order. */
  readonly behind: readonly PluginMigrations[];
  readonly clock: Clock;
  readonly emit: Emit;
}

/**
 * The migrations of the tenants of one plugin, side by side, each under its own lock. One whose lock another process holds is
 * passed over and tried again, so that replicas share the tenants. After a failure no further tenant begins.
 */
export class TenantsRun {
  readonly #parts: TenantsRunParts;
  /** The tenants that have not settled. */
  readonly #left: Set<PluginMigrations>;
  readonly #failed = new Map<string, unknown>();

  constructor(parts: TenantsRunParts) {
    this.#parts = parts;
    this.#left = new Set(parts.behind);
  }

  /**
   * Migrates what is left. Ends with `locked` when other processes hold the locks of all that is left.
   *
   * @throws BootError of the first tenant that has failed, with how many have
   */
  async take(turn: Turn): Promise<TurnOutcome> {
    const halt = new AbortController();
    const stopListening = onAbort(turn.windDown, () => halt.abort(turn.windDown.reason));
    try {
      for (;;) {
        const before = this.#left.size;
        const refusal = await this.#tryEach(turn, halt);
        if (this.#failed.size > 0) throw this.#describeFailure();
        if (halt.signal.aborted) return { status: 'canceled' };
        if (!refusal) return { status: 'done' };
        const isStuck = this.#left.size === before;
        if (isStuck) return { status: 'locked', ...refusal };
      }
    } finally {
      stopListening();
    }
  }

  /** Tries every tenant that is left once. Returns the first refusal of a lock. */
  async #tryEach(
    { slots, migrate, onProgress }: Turn,
    halt: AbortController,
  ): Promise<Refusal | undefined> {
    const queue = [...this.#left].values();
    const state = { isEmpty: false };
    let refusal: Refusal | undefined;
    const spare = new Set<Promise<void>>();
    const work = async (isSpare: boolean): Promise<void> => {
      while (!halt.signal.aborted) {
        if (isSpare && slots.isWanted) return;
        const { value: tenant } = queue.next();
        state.isEmpty = tenant === undefined;
        if (!tenant) return;
        const migrating = this.#migrateOne(tenant, migrate, halt);
        addWorkers();
        const holder = await migrating;
        if (holder) refusal ??= { who: tenant.id, holder };
        else onProgress();
      }
    };
    const addWorkers = (): void => {
      while (!state.isEmpty && !halt.signal.aborted) {
        const worker = slots.holdSpare(() => work(true));
        if (!worker) return;
        spare.add(worker);
        const leave = (): void => void spare.delete(worker);
        worker.then(leave, leave);
      }
    };
    const stopListening = slots.onSpare(addWorkers);
    try {
      await work(false);
      while (spare.size > 0) await Promise.all(spare);
    } finally {
      stopListening();
    }
    return refusal;
  }

  /** Migrates one tenant. Returns the holder of its lock, if that is another process. */
  async #migrateOne(
    tenant: PluginMigrations,
    migrate: Turn['migrate'],
    halt: AbortController,
  ): Promise<LockHolder | undefined> {
    const { clock } = this.#parts;
    const startedAt = clock.elapsed();
    const settle = (
      outcome: 'done' | 'upToDate' | 'failed' | 'canceled',
      error?: unknown,
    ): void => {
      if (outcome !== 'canceled') this.#left.delete(tenant);
      this.#parts.emit({
        type: 'plugin.migrate.settled',
        plugin: this.#parts.plugin,
        tenant: cutPlugin(tenant.id),
        outcome,
        durationMs: roundMs(clock.elapsed() - startedAt),
        ...(error !== undefined && { error: toError(error) }),
      });
    };
    try {
      const result = await migrate(tenant, halt.signal);
      if (result.status === 'locked') return result.holder;
      if (result.status === 'canceled') settle('canceled');
      else settle(result.applied.length > 0 ? 'done' : 'upToDate');
    } catch (error) {
      this.#failed.set(tenant.id, error);
      settle('failed', error);
      halt.abort(new Error(`the migration of ${tenant.id} has failed`));
    }
    return undefined;
  }

  #describeFailure(): unknown {
    const { plugin, total } = this.#parts;
    const [first] = this.#failed.values();
    const known = asBootError(first);
    if (!known) return first;
    const names = [...this.#failed.keys()].map(cutPlugin);
    const pending = this.#left.size;
    const counts = [
      `${total - names.length - pending} up to date`,
      `${names.length} failed (${listNames(names)})`,
      ...(pending > 0 ? [`${pending} pending`] : []),
    ].join(', ');
    const { code, message, hint, problems, position, database, cause } = known;
    return new BootError(code, `${message}; of ${total} tenants of ${plugin}: ${counts}`, {
      plugin,
      phase: 'migrateAll',
      hint: `${hint} The next boot goes on with the tenants that are not up to date.`,
      problems,
      position,
      database,
      cause,
    });
  }
}
