import { readMessage } from '../core/foreign-value.ts';
import type { DatabaseReport, FleetEvent, FleetReport } from '../core/fleet-report.ts';
import { mapBounded } from '../core/map-bounded.ts';
import { onAbort } from '../core/patience.ts';
import { FleetFindings, nameKind } from '../core/fleet-findings.ts';
import {
  checkFleetOptions,
  type FleetSettings,
  type MigrateFleetOptions,
} from './fleet-options.ts';
import { isOfOneDatabase, migrateDatabase } from './migrate-database.ts';
import type { CheckedTarget } from './targets.ts';

/**
 * Migrates many databases with the same plugins: the canaries first, one after the other, then the others side by side. After
 * a failure those that run are finished, and no further one begins. A later run passes over what is up to date. A database
 * that fails is in the report, and throws nothing.
 *
 * @throws BootError `OPTIONS_INVALID`, before any database is looked at
 * @example
 * const report = await migrateFleet({ targets: [{ name: 'acme', url }], boot: () => ({ plugins }), canary: 1 });
 * if (report.outcome !== 'done') console.error(report.failures);
 */
export async function migrateFleet(options: MigrateFleetOptions): Promise<FleetReport> {
  const settings = await checkFleetOptions(options, 'migrateFleet()');
  return new FleetRun(settings).migrate();
}

/** One run over a fleet. */
class FleetRun {
  readonly #settings: FleetSettings;
  readonly #startedAt = performance.now();
  /** By name; the databases of this run in the order of the report. */
  readonly #databases = new Map<string, DatabaseReport>();
  readonly #failures = new FleetFindings();
  #isStopping = false;
  #isListening = true;

  constructor(settings: FleetSettings) {
    this.#settings = settings;
    const { canaries, others } = settings;
    for (const each of canaries) this.#databases.set(each.name, notReached(each, true));
    for (const each of others) this.#databases.set(each.name, notReached(each, false));
  }

  async migrate(): Promise<FleetReport> {
    const { canaries, others, concurrency, shard, listed, signal } = this.#settings;
    this.#emit({
      type: 'fleet.started',
      databases: this.#databases.size,
      canaries: canaries.length,
      listed,
      ...(shard && { shard }),
    });
    const leave = onAbort(signal, () => this.#stop('the run was stopped'));
    await mapBounded(canaries, 1, (each) => this.#migrate(each, true));
    await mapBounded(others, concurrency, (each) => this.#migrate(each, false));
    leave();
    const report = this.#report();
    this.#emit({ type: 'fleet.finished', report });
    return report;
  }

  async #migrate(target: CheckedTarget, isCanary: boolean): Promise<void> {
    if (this.#isStopping) return;
    const { name } = target;
    const startedAt = performance.now();
    this.#emit({ type: 'database.started', database: name, canary: isCanary });
    const ended = await migrateDatabase(target, this.#settings, this.#emit);
    const durationMs = performance.now() - startedAt;
    const database = { ...notReached(target, isCanary), ...ended, durationMs };
    this.#databases.set(name, database);
    this.#emit({ type: 'database.finished', database });
    if (!ended.error) return;
    const kind = this.#failures.addError(name, ended.error);
    const mayGoOn = this.#settings.keepGoing && !isCanary && isOfOneDatabase(ended.error.code);
    if (!mayGoOn) {
      this.#stop(`${isCanary ? 'the canary ' : ''}${name} failed: ${nameKind(kind)}`);
    }
  }

  #stop(because: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#emit({ type: 'fleet.stopping', because });
  }

  #report(): FleetReport {
    const { shard, listed } = this.#settings;
    const databases = [...this.#databases.values()];
    const counts = { done: 0, upToDate: 0, failed: 0, canceled: 0, notReached: 0 };
    for (const { outcome } of databases) counts[outcome] += 1;
    const isWhole = counts.canceled + counts.notReached === 0;
    return {
      outcome: counts.failed > 0 ? 'failed' : isWhole ? 'done' : 'canceled',
      ...(shard && { shard }),
      listed,
      durationMs: performance.now() - this.#startedAt,
      counts,
      failures: this.#failures.list(),
      databases,
    };
  }

  /** A listener that fails is not called again, and stops nothing. */
  readonly #emit = (event: FleetEvent): void => {
    if (!this.#isListening) return;
    try {
      this.#settings.onEvent(event);
    } catch (error) {
      this.#isListening = false;
      process.emitWarning(`onEvent of migrateFleet() failed: ${readMessage(error)}`);
    }
  };
}

function notReached({ name }: CheckedTarget, isCanary: boolean): DatabaseReport {
  return {
    name,
    ...(isCanary && { canary: true }),
    outcome: 'notReached',
    durationMs: 0,
    applied: [],
  };
}
