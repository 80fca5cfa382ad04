import type { Pool } from 'pg';
import type { Clock } from '../../core/clock.ts';
import type { Emit } from '../../core/events.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import type { WorkTelemetry } from '../../telemetry/work-telemetry.ts';
import type { ServiceRegistry } from './service-registry.ts';
import type { StatementCount } from './statement-count.ts';
import type { WayDown } from './way-down.ts';

/** Everything that a look at plugins and database needs, with or without a run: made once, and handed on whole. */
export interface Around {
  readonly settings: BootSettings;
  readonly clock: Clock;
  /** Of migrations, registry and locks. */
  readonly migrationPool: Pool;
  readonly services: ServiceRegistry;
  readonly emit: Emit;
  /** Counts what is sent to {@link Around.migrationPool}. */
  readonly sent: StatementCount;
  /** Aborted when the time of the way down is used up: nothing waits any longer. */
  readonly cut: AbortSignal;
}

/** Everything that the phases of a run need. */
export interface RunAround extends Around {
  /** Of the plugins. */
  readonly pool: Pool;
  readonly wayDown: WayDown;
  /** Runs plugin code and migrations so that telemetry can follow it. */
  readonly telemetry: WorkTelemetry;
}
