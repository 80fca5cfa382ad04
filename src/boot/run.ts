import { createActor, type ActorRefFrom } from 'xstate';
import {
  provideMachines,
  type bootMachine,
  type BootOutput,
  type MachineNews,
  type PhaseNews,
} from '../../machines/index.ts';
import { toError } from '../core/error-record.ts';
import { asBootError, BootError } from '../core/errors.ts';
import type { BootEvent, BootEvents } from '../core/events.ts';
import { untilAborted } from '../core/patience.ts';
import type { BootOutcome } from '../core/steps.ts';
import { openPools, type OpenPool } from '../postgres/connection/connection.ts';
import type { RunAround } from './around/around.ts';
import type { BootSettings } from './options/boot-settings.ts';
import { broken } from './changes.ts';
import type { MachineInspection } from './machine-inspection.ts';
import { Launches } from './launches.ts';
import type { Relay } from './relay.ts';
import { keepBoot } from './around/keep-boot.ts';
import { emitUsualTimes } from './around/emit-usual-times.ts';
import { RunningTasks } from './around/running-tasks.ts';
import type { WorkTelemetry } from '../telemetry/work-telemetry.ts';
import type { ServiceRegistry } from './around/service-registry.ts';
import type { StatementCount } from './around/statement-count.ts';
import type { WayDown } from './around/way-down.ts';

export type Until = 'ready' | 'migrated';

interface BootRunParts {
  readonly settings: BootSettings;
  readonly relay: Relay;
  readonly machines: MachineInspection;
  readonly telemetry: WorkTelemetry;
  readonly services: ServiceRegistry;
  readonly sent: StatementCount;
  readonly wayDown: WayDown;
  readonly until: Until;
  /** Called when the machine begins to go down, before its first event about that. */
  readonly onWayDown: () => void;
}

/** The end of a run. */
export interface RunEnd {
  readonly outcome: BootOutcome;
  /** Why the boot did not come up; left out when it did. */
  readonly error?: BootError;
  /** Every error of the way down. */
  readonly errors: readonly Error[];
}

/** Runs the boot machine from START to its end, with the pools open meanwhile. */
export class BootRun {
  readonly until: Until;
  /** How much may go on at once, in plugins and in connections. */
  readonly limits: Pick<BootEvents['boot.started'], 'slots' | 'poolSize'>;
  readonly launches: Launches;
  /** Resolves when everything is up; stays open when that never happens. */
  readonly ready: Promise<{ readonly outcome: BootOutcome }>;
  /** Resolves when everything is down. Never rejects. */
  readonly ended: Promise<RunEnd>;
  readonly #actor: ActorRefFrom<typeof bootMachine>;
  readonly #open: OpenPool;
  readonly #running: RunningTasks;
  readonly #broken = new AbortController();
  readonly #starting = new AbortController();
  readonly #parts: BootRunParts;
  readonly #around: RunAround;

  constructor(parts: BootRunParts) {
    const { settings, relay, services, sent, telemetry, wayDown, until } = parts;
    this.#parts = parts;
    this.until = until;
    const open = openPools(settings.source, settings.migrationSource);
    this.#open = open;
    const { pool, migrationPool } = open;
    this.#running = new RunningTasks(this.#broken.signal, telemetry);
    const around: RunAround = {
      settings,
      clock: settings.clock,
      pool,
      migrationPool,
      services,
      sent,
      wayDown,
      cut: wayDown.cut,
      emit: relay.emit,
      telemetry,
    };
    this.#around = around;
    this.launches = new Launches(around, relay, this.#running, (change) =>
      this.#actor.send(change),
    );
    const poolSize = migrationPool.options.max;
    // More at once than the pool has clients would only wait for each other.
    const migrateWidth = Math.min(settings.migrations.concurrency, poolSize);
    const initWidth = settings.init.concurrency;
    this.limits = { slots: { migrate: migrateWidth, init: initWidth }, poolSize };
    this.#actor = createActor(provideMachines(this.launches.createTasks(), this.#emit), {
      input: { migrateWidth, initWidth },
    });
    this.ready = this.#whenReady();
    this.ended = this.#whenEnded();
  }

  get stateName(): string {
    return this.#actor.getSnapshot().value;
  }

  begin(): void {
    this.#parts.machines.watch(this.#actor);
    this.#actor.start();
    // A boot that was stopped before it began has ended already.
    if (this.#actor.getSnapshot().status !== 'active') return;
    this.#actor.send({ type: 'START', until: this.until });
  }

  /** Keeps a boot that is up in the history, without waiting. The way down waits until it is written. */
  keep(events: readonly BootEvent[]): void {
    void this.#running.add((signal) => keepBoot(this.#around, events, signal));
  }

  /** Cancels the changes of plugins that wait for their turn. */
  cancelChanges(): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send({ type: 'CLOSE' });
  }

  /** Asks the machine to go down. A machine that has ended takes no events. */
  stop(reason: string): void {
    this.launches.cancelTenants();
    if (this.#actor.getSnapshot().status !== 'active') return;
    this.#actor.send({ type: 'STOP', reason });
  }

  readonly #emit = (news: MachineNews): void => {
    if ('phase' in news && news.launch === undefined) {
      if (news.phase === 'initAll') this.#onInitAll(news.type);
      if (news.phase === 'stopAll' && news.type === 'phase.started') this.#parts.onWayDown();
    }
    this.launches.take(news);
  };

  /** How long the plugins usually take is read while they start. */
  #onInitAll(news: PhaseNews['type']): void {
    if (news === 'phase.finished') this.#starting.abort();
    else if (this.#parts.settings.history) {
      void this.#running.add((signal) =>
        emitUsualTimes(this.#around, AbortSignal.any([this.#starting.signal, signal])),
      );
    }
  }

  #whenReady(): Promise<{ readonly outcome: BootOutcome }> {
    return new Promise((resolve) => {
      const subscription = this.#actor.subscribe({
        next: (snapshot) => {
          if (!snapshot.matches('ready')) return;
          subscription.unsubscribe();
          resolve({ outcome: snapshot.context.launch?.degraded ? 'degraded' : 'ready' });
        },
        // XState throws the error of a machine again, outside of everything, for each subscriber that does not take it.
        error: () => {},
      });
    });
  }

  async #whenEnded(): Promise<RunEnd> {
    const output = await new Promise<BootOutput>((resolve) => {
      // A broken machine leaves its children running. This signal ends them, and the release waits for them.
      const end = (thrown: unknown): void => {
        const defect = toError(thrown);
        this.#broken.abort(defect);
        resolve({ outcome: 'failed', launch: null, stopFailures: [], reason: null, defect });
      };
      this.#actor.subscribe({
        complete: () => {
          const { output: ended } = this.#actor.getSnapshot();
          if (ended) resolve(ended);
          else end(new Error('the machine ended without an outcome'));
        },
        error: end,
      });
    });
    if (output.defect !== undefined) this.launches.changes.failAll(broken(output.defect));
    const failures = output.stopFailures.map(({ error }) => toError(error));
    const errors = await this.#release();
    // The time for what still has a connection is over.
    if (errors.length > 0) this.#open.cut();
    const drained = await this.#parts.wayDown.drain();
    return { ...readEnd(output), errors: [...failures, ...drained, ...errors] };
  }

  async #release(): Promise<readonly Error[]> {
    this.launches.closeMigrations();
    const { cut } = this.#parts.wayDown;
    // Once the time is over, each of them ends with the same error.
    const errors = new Set<Error>();
    const ends = [() => this.#running.allSettled(), this.launches.endLives, () => this.#open.end()];
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

/** Reads from the output of the machine how the boot has ended. */
function readEnd({ launch, reason, defect }: BootOutput): Pick<RunEnd, 'outcome' | 'error'> {
  if (defect !== undefined) return { outcome: 'failed', error: broken(defect) };
  switch (launch?.outcome) {
    case 'launched':
      return { outcome: launch.degraded ? 'degraded' : 'ready' };
    case 'migrated':
      return { outcome: 'migrated' };
    case 'failed': {
      const [first] = launch.failures;
      return { outcome: 'failed', error: asBootError(first?.error) ?? broken(first?.error) };
    }
    default: {
      const where = launch ? `in ${launch.phase}` : 'before it began';
      const message = `The boot was stopped ${where}: ${reason ?? 'stop'}`;
      const error = new BootError('BOOT_CANCELED', message, { phase: launch?.phase });
      return { outcome: 'canceled', error };
    }
  }
}
