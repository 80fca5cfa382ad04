import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api';
import type { BootEvent, BootEventOf } from '../core/events.ts';
import { nameTenant } from '../core/tenants.ts';
import { stepIn, type Step } from '../core/steps.ts';
import type { BootRecord } from '../insight/boot-record.ts';
import { listSegments } from '../insight/segments.ts';
import { describeError } from '../insight/span-attributes.ts';
import type { StepTimes } from '../insight/step-times.ts';
import { sumWaits } from '../insight/waits.ts';
import { readFailure } from './boot-spans.ts';

/** In seconds. The default boundaries of OpenTelemetry are made for milliseconds. */
const boundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** The names of the histograms, each with its description. */
const durations = {
  'slipway.boot.duration': 'The time from start() or migrate() to the end of the launch.',
  'slipway.launch.duration':
    'The time from the turn of boot.add() to the end of its launch, into a boot that is up.',
  'slipway.phase.duration': 'The duration of a phase.',
  'slipway.step.duration': 'The duration of a step of a plugin, from its slot to its end.',
  'slipway.step.wait.duration': 'The time that a step of a plugin waited, by reason.',
} as const;

/** The names of the counters. */
const counts = {
  'slipway.migration.files': { unit: '{file}', description: 'Migration files, by outcome.' },
  'slipway.step.retries': { unit: '{retry}', description: 'Attempts that were made again.' },
} as const;

/** Records the metrics of one boot, or of one launch into it. None of them has a file name or the id of a boot: each value would be a series of its own. */
export class BootMetrics {
  readonly #record: BootRecord;
  readonly #getMeter: () => Meter;
  #meter: Meter | undefined;
  readonly #instruments = new Map<string, Histogram | Counter>();
  /** The plugins of which an attempt at a file goes on. */
  readonly #openFiles = new Set<string>();

  /** @param record Has each event before it is added here. */
  constructor(record: BootRecord, getMeter: () => Meter) {
    this.#record = record;
    this.#getMeter = getMeter;
  }

  /** @param times The times of the steps at this event. */
  add(event: BootEvent, times: StepTimes): void {
    switch (event.type) {
      case 'boot.finished':
        this.#finish(event);
        break;
      case 'phase.finished':
        this.#time('slipway.phase.duration', event.durationMs, {
          'slipway.phase': event.phase,
          ...describeEnd(event),
        });
        break;
      case 'plugin.migrate.applying':
        this.#openFiles.add(nameFile(event));
        break;
      case 'plugin.migrate.applied':
        this.#countFile(event, 'applied');
        break;
      case 'plugin.migrate.retrying':
      case 'plugin.init.retrying':
        this.#openFiles.delete(nameFile(event));
        this.#count('slipway.step.retries', {
          'slipway.step': stepIn(event.type),
          'slipway.plugin.id': event.plugin,
        });
        break;
      case 'plugin.migrate.settled':
        if (event.outcome === 'failed') this.#countFile(event, 'failed');
        break;
      case 'plugin.migrate.finished':
      case 'plugin.init.finished':
      case 'plugin.ready.finished':
      case 'plugin.stop.finished':
        if (event.type === 'plugin.migrate.finished' && event.outcome === 'failed') {
          this.#countFile(event, 'failed');
        }
        this.#finishStep(stepIn(event.type), event, times);
        break;
      default:
    }
  }

  #finish(event: BootEventOf<'boot.finished'>): void {
    const { launch } = this.#record;
    const name = launch === undefined ? 'slipway.boot.duration' : 'slipway.launch.duration';
    this.#time(name, event.durationMs, describeEnd(event));
  }

  #countFile(of: OfFile, outcome: 'applied' | 'failed'): void {
    if (!this.#openFiles.delete(nameFile(of))) return;
    this.#count('slipway.migration.files', {
      'slipway.plugin.id': of.plugin,
      'slipway.outcome': outcome,
    });
  }

  /** A step that never ran has no duration. */
  #finishStep(step: Step, event: BootEventOf<`plugin.${Step}.finished`>, times: StepTimes): void {
    const plugin = this.#record.find(event.plugin);
    const { spawnedAtMs, finishedAtMs } = plugin?.steps[step] ?? {};
    if (!plugin || spawnedAtMs === undefined || finishedAtMs === undefined) return;
    const which = { 'slipway.step': step, 'slipway.plugin.id': plugin.id };
    const end = describeEnd(event);
    this.#time('slipway.step.duration', finishedAtMs - spawnedAtMs, { ...which, ...end });
    const waits = sumWaits(listSegments(times, plugin, step));
    for (const [reason, ms] of Object.entries(waits)) {
      this.#time('slipway.step.wait.duration', ms, { ...which, 'slipway.wait.reason': reason });
    }
  }

  #time(name: keyof typeof durations, ms: number, attributes: Attributes): void {
    const histogram = this.#findOrCreate(name, (meter) =>
      meter.createHistogram(name, {
        unit: 's',
        description: durations[name],
        advice: { explicitBucketBoundaries: boundaries },
      }),
    );
    histogram.record(ms / 1_000, attributes);
  }

  #count(name: keyof typeof counts, attributes: Attributes): void {
    const counter = this.#findOrCreate(name, (meter) => meter.createCounter(name, counts[name]));
    counter.add(1, attributes);
  }

  /** Each name belongs to one kind of instrument. */
  #findOrCreate<Kind extends Histogram | Counter>(name: string, create: (m: Meter) => Kind): Kind {
    const known = this.#instruments.get(name) as Kind | undefined;
    if (known) return known;
    const created = create((this.#meter ??= this.#getMeter()));
    this.#instruments.set(name, created);
    return created;
  }
}

interface OfFile {
  readonly plugin: string;
  readonly tenant?: string;
}

/** The files of tenants run side by side. No metric has the name of a tenant. */
function nameFile({ plugin, tenant }: OfFile): string {
  return nameTenant(plugin, tenant);
}

/** The error has the same type as on the span. */
function describeEnd({
  outcome,
  error,
}: {
  readonly outcome: string;
  readonly error?: Error;
}): Attributes {
  const failure = readFailure({ outcome, ...(error && { error }) });
  const errorType = failure && describeError(failure)['error.type'];
  return {
    'slipway.outcome': outcome,
    ...(typeof errorType === 'string' && { 'error.type': errorType }),
  };
}
