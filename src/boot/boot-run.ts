import { createActor, type ActorRefFrom } from 'xstate';
import {
  provideMachines,
  type bootMachine,
  type BootOutput,
  type MachineNews,
} from '../../machines/index.ts';
import { toError } from '../core/error-record.ts';
import type { DatabaseFacts } from '../core/events.ts';
import { untilAborted } from '../core/patience.ts';
import { openPools, type OpenPools } from '../postgres/connection/connection.ts';
import type { BootSetup } from './boot-options.ts';
import { LaunchTasks } from './launch-tasks.ts';
import type { Relay } from './relay.ts';
import type { ServiceRegistry } from './service-registry.ts';
import type { WayDown } from './way-down.ts';

export type Until = 'ready' | 'migrated';

export interface BootRunParts {
  readonly setup: BootSetup;
  readonly relay: Relay;
  readonly services: ServiceRegistry;
  readonly wayDown: WayDown;
  readonly until: Until;
  /** Called when the machine begins to go down, before it says so. */
  readonly onWayDown: () => void;
}

/** How a run ended: what the machine says, or the defect that broke it. */
export type RunEnd =
  | { readonly output: BootOutput; readonly errors: readonly Error[] }
  | { readonly defect: Error; readonly errors: readonly Error[] };

/** The machine at work: from START to its end, with the pools open meanwhile. */
export class BootRun {
  readonly until: Until;
  /** Resolves when everything is up; stays open when that never happens. */
  readonly ready: Promise<{ readonly degraded: boolean }>;
  /** Resolves when everything is down. Never rejects. */
  readonly ended: Promise<RunEnd>;
  readonly #actor: ActorRefFrom<typeof bootMachine>;
  readonly #open: OpenPools;
  readonly #launch: LaunchTasks;
  readonly #broken = new AbortController();
  readonly #parts: BootRunParts;

  constructor(parts: BootRunParts) {
    const { setup, relay, services, wayDown, until } = parts;
    this.#parts = parts;
    this.until = until;
    this.#open = openPools(setup.source, setup.migrationSource);
    const { pool, migrationPool } = this.#open;
    this.#launch = new LaunchTasks({
      setup,
      services,
      wayDown,
      pool,
      migrationPool,
      tell: relay.tell,
      broken: this.#broken.signal,
    });
    const { migrations, init } = setup.settings;
    this.#actor = createActor(provideMachines(this.#launch.tasks, this.#tell), {
      input: {
        // More at once than the pool has clients would only wait for each other.
        migrateWidth: Math.min(migrations.concurrency, migrationPool.options.max),
        initWidth: init.concurrency,
      },
    });
    this.ready = this.#whenReady();
    this.ended = this.#whenEnded();
  }

  databaseFacts(): DatabaseFacts | undefined {
    return this.#launch.databaseFacts();
  }

  get stateName(): string {
    return this.#actor.getSnapshot().value;
  }

  begin(): void {
    this.#actor.start();
    // Who was stopped before that has ended already.
    if (this.#actor.getSnapshot().status !== 'active') return;
    this.#actor.send({ type: 'START', until: this.until });
  }

  /** Asks the machine to go down; one that is down already takes no events. */
  stop(reason: string): void {
    if (this.#actor.getSnapshot().status !== 'active') return;
    this.#actor.send({ type: 'STOP', reason });
  }

  readonly #tell = (news: MachineNews): void => {
    if (news.type === 'phase.started' && news.phase === 'stopAll') this.#parts.onWayDown();
    this.#parts.relay.tell(news);
  };

  #whenReady(): Promise<{ readonly degraded: boolean }> {
    return new Promise((resolve) => {
      const subscription = this.#actor.subscribe((snapshot) => {
        if (!snapshot.matches('ready')) return;
        subscription.unsubscribe();
        resolve({ degraded: snapshot.context.launch?.degraded ?? false });
      });
    });
  }

  async #whenEnded(): Promise<RunEnd> {
    const result = await new Promise<{ output: BootOutput } | { defect: Error }>((resolve) => {
      this.#actor.subscribe({
        complete: () => {
          const { output } = this.#actor.getSnapshot();
          resolve(
            output ? { output } : { defect: new Error('the machine ended without an outcome') },
          );
        },
        error: (thrown) => resolve({ defect: toError(thrown) }),
      });
    });
    // A broken machine leaves its children running: they give up by this signal, and are waited for here.
    if ('defect' in result) this.#broken.abort(result.defect);
    const errors = await this.#release();
    // Whoever still has a connection has had its time.
    if (errors.length > 0) this.#open.cut();
    return { ...result, errors };
  }

  async #release(): Promise<readonly Error[]> {
    const { cut } = this.#parts.wayDown;
    const errors: Error[] = [];
    for (const release of [() => this.#launch.end(), () => this.#open.end()]) {
      try {
        await untilAborted(release(), cut);
      } catch (thrown) {
        errors.push(toError(thrown));
      }
    }
    return errors;
  }
}
