import {
  context,
  diag,
  metrics,
  trace,
  type MeterProvider,
  type Span,
  type TracerProvider,
} from '@opentelemetry/api';
import type { BootEvent } from '../core/events.ts';
import type { Work, WorkWrapper } from '../core/work.ts';
import { BootRecord } from '../insight/boot-record.ts';
import { toLaunchEvent } from '../insight/changes-record.ts';
import { StepTimes } from '../insight/step-times.ts';
import { BootMetrics } from './boot-metrics.ts';
import { BootSpans } from './boot-spans.ts';

/** A boot as `traceBoot()` follows it: its events so far and those to come, and a place around its work. */
export interface TracedBoot {
  readonly id: string;
  readonly events: readonly BootEvent[];
  onAny(listener: (event: BootEvent) => unknown): () => void;
  wrap(wrapper: WorkWrapper): () => void;
}

/** The options of {@link traceBoot}. */
export interface TraceBootOptions {
  /**
   * Makes the tracer.
   *
   * @default the global one
   */
  readonly tracerProvider?: TracerProvider;
  /**
   * Makes the meter.
   *
   * @default the global one
   */
  readonly meterProvider?: MeterProvider;
}

/**
 * Makes spans and metrics of a boot with OpenTelemetry. Code of plugins and queries of migrations run inside of the span of
 * their step, so that the spans of other instrumentations nest in it. The span that is active at `start()` is the parent, or
 * else the one that `TRACEPARENT` in the environment names. A launch that `boot.add()` makes has a span of its own, with a link
 * to that of the boot; the span that is active at `boot.add()` is its parent.
 *
 * Call it before `start()`. Later, spans and metrics of what has happened are made all the same; but work that has begun runs
 * on outside of its span, and the span that is active at this call is the parent.
 *
 * @returns A function that ends it. Spans that are open end with the outcome `running`.
 * @example
 * const boot = createBoot({ pool, plugins });
 * traceBoot(boot);
 * await boot.start();
 */
export function traceBoot(boot: TracedBoot, options: TraceBootOptions = {}): () => void {
  const traces = new BootTraces(boot.id, options);
  let next = 0;
  /** Follows the list rather than what the listener gets: a step may begin while its event still waits for its delivery. */
  const follow = (): void => {
    for (let event = boot.events[next]; event; event = boot.events[next]) {
      next += 1;
      traces.add(event);
    }
  };
  const leaves = [
    boot.onAny(follow),
    boot.wrap((work, run) => {
      follow();
      const active = context.active();
      const span = traces.findSpan(work);
      return context.with(span ? trace.setSpan(active, span) : active, run);
    }),
  ];
  orReport(follow);
  return () => {
    for (const leave of leaves.splice(0)) leave();
    orReport(() => traces.leave());
  };
}

/** What is made of a boot, or of one launch into it. */
interface Made {
  readonly spans: BootSpans;
  readonly figures: BootMetrics;
}

/** The spans and metrics of a boot and of the launches into it. */
class BootTraces {
  readonly #record: BootRecord;
  readonly #options: TraceBootOptions;
  readonly #boot: Made;
  /** By the number of the launch. */
  readonly #launches = new Map<number, Made>();

  constructor(bootId: string, options: TraceBootOptions) {
    this.#record = new BootRecord(bootId);
    this.#options = options;
    this.#boot = this.#make(this.#record);
  }

  add(event: BootEvent): void {
    this.#record.add(event);
    if (event.launch === undefined) addTo(this.#boot, event, this.#record);
    else this.#addToLaunch(event.launch, event);
    // What a stop has left open ends in all of them.
    if (event.type === 'boot.stopped') {
      for (const { spans } of this.#launches.values()) spans.endAll('canceled');
    }
  }

  /** Only the launch that goes on has spans of its phases, and each plugin has a step in one launch at most. */
  findSpan(work: Work): Span | undefined {
    for (const { spans } of [...this.#launches.values()].toReversed()) {
      const span = spans.findSpan(work);
      if (span) return span;
    }
    return this.#boot.spans.findSpan(work);
  }

  leave(): void {
    for (const { spans } of this.#launches.values()) spans.leave();
    this.#boot.spans.leave();
  }

  #addToLaunch(number: number, event: BootEvent): void {
    const launch = this.#record.findLaunch(number);
    const { start } = this.#record;
    // A launch whose turn never came has only an end.
    if (!launch?.record.start || !start) return;
    const known = this.#launches.get(number);
    const made = known ?? this.#make(launch.record, this.#boot.spans);
    this.#launches.set(number, made);
    const own = toLaunchEvent(event, launch, start);
    if (own) addTo(made, own, launch.record);
  }

  #make(record: BootRecord, host?: BootSpans): Made {
    const version = (): string | undefined => this.#record.start?.versions.slipway;
    const { tracerProvider = trace, meterProvider = metrics } = this.#options;
    return {
      spans: new BootSpans(record, () => tracerProvider.getTracer('slipway', version()), host),
      figures: new BootMetrics(record, () => meterProvider.getMeter('slipway', version())),
    };
  }
}

function addTo({ spans, figures }: Made, event: BootEvent, record: BootRecord): void {
  const times = new StepTimes(record, event.elapsedMs);
  try {
    spans.add(event, times);
  } finally {
    figures.add(event, times);
  }
}

/** The caller is the host, which a broken tracer must not harm. Inside of the boot, its logger has the error. */
function orReport(act: () => void): void {
  try {
    act();
  } catch (thrown) {
    diag.error('slipway: a tracer or a meter failed', thrown);
  }
}
