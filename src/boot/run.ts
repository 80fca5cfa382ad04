import { createActor, type ActorRefFrom } from 'xstate';
import {
  provideMachines,
  type bootMachine,
  type BootOutput,
  type MachineNews,
} from '../../machines/index.ts';
import { toError } from '../core/error-record.ts';
import { untilAborted } from '../core/patience.ts';
import { openPools, type OpenPool } from '../postgres/connection/connection.ts';
import type { RunAround } from './around/around.ts';
import type { BootSettings } from './options/boot-settings.ts';
import { discoverPhase } from './discover/discover-phase.ts';
import { initAllPhase } from './init-all/init-all-phase.ts';
import { migrateAllPhase } from './migrate-all/migrate-all-phase.ts';
import type { Relay } from './relay.ts';
import { RunningTasks } from './around/running-tasks.ts';
import type { ServiceRegistry } from './around/service-registry.ts';
import { sortPhase } from './sort/sort-phase.ts';
import type { StatementCount } from './around/statement-count.ts';
import type { WayDown } from './around/way-down.ts';

export type Until = 'ready' | 'migrated';

interface BootRunParts {
  readonly settings: BootSettings;
  readonly relay: Relay;
  readonly services: ServiceRegistry;
  readonly sent: StatementCount;
  readonly wayDown: WayDown;
  readonly until: Until;
  /** Called when the machine begins to go down, before its first event about that. */
  readonly onWayDown: () => void;
}

/** How a run ended: the output of the machine, or the defect that broke it. */
export type RunEnd =
  | { readonly output: BootOutput; readonly errors: readonly Error[] }
  | { readonly defect: Error; readonly errors: readonly Error[] };

/** Runs the boot machine from START to its end, with the pools open meanwhile. */
export class BootRun {
  readonly until: Until;
  /** Resolves when everything is up; stays open when that never happens. */
  readonly ready: Promise<{ readonly degraded: boolean }>;
  /** Resolves when everything is down. Never rejects. */
  readonly ended: Promise<RunEnd>;
  readonly #actor: ActorRefFrom<typeof bootMachine>;
  readonly #open: OpenPool;
  readonly #running: RunningTasks;
  readonly #endLives: () => Promise<void>;
  readonly #broken = new AbortController();
  readonly #parts: BootRunParts;

  constructor(parts: BootRunParts) {
    const { settings, relay, services, sent, wayDown, until } = parts;
    this.#parts = parts;
    this.until = until;
    const open = openPools(settings.source, settings.migrationSource);
    this.#open = open;
    const { pool, migrationPool } = open;
    this.#running = new RunningTasks(this.#broken.signal);
    const around: RunAround = {
      settings,
      clock: settings.clock,
      pool,
      migrationPool,
      services,
      sent,
      wayDown,
      cut: wayDown.cut,
      tell: relay.tell,
      task: this.#running.task,
    };
    const discover = discoverPhase(around);
    const sort = sortPhase(around, discover.discovered);
    const migrateAll = migrateAllPhase(around, discover.discovered, sort.graph);
    const initAll = initAllPhase(around, sort.graph, migrateAll.searchPath);
    this.#endLives = initAll.end;
    const tasks = { ...discover.tasks, ...sort.tasks, ...migrateAll.tasks, ...initAll.tasks };
    this.#actor = createActor(provideMachines(tasks, this.#tell), {
      input: {
        // More at once than the pool has clients would only wait for each other.
        migrateWidth: Math.min(settings.migrations.concurrency, migrationPool.options.max),
        initWidth: settings.init.concurrency,
      },
    });
    this.ready = this.#whenReady();
    this.ended = this.#whenEnded();
  }

  get stateName(): string {
    return this.#actor.getSnapshot().value;
  }

  begin(): void {
    this.#actor.start();
    // A boot that was stopped before it began has ended already.
    if (this.#actor.getSnapshot().status !== 'active') return;
    this.#actor.send({ type: 'START', until: this.until });
  }

  /** Asks the machine to go down. A machine that has ended takes no events. */
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
    // A broken machine leaves its children running. This signal ends them, and the release waits for them.
    if ('defect' in result) this.#broken.abort(result.defect);
    const errors = await this.#release();
    // The time for what still has a connection is over.
    if (errors.length > 0) this.#open.cut();
    return { ...result, errors };
  }

  async #release(): Promise<readonly Error[]> {
    const { cut } = this.#parts.wayDown;
    // Once the time is over, each of them ends with the same error.
    const errors = new Set<Error>();
    const ends = [() => this.#running.allSettled(), this.#endLives, () => this.#open.end()];
    for (const release of ends) {
      try {
        await untilAborted(release(), cut);
      } catch (thrown) {
        errors.add(toError(thrown));
      }
    }
    return [...errors];
  }
}
