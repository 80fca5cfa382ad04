import {
  context,
  diag,
  metrics,
  trace,
  type MeterProvider,
  type TracerProvider,
} from '@opentelemetry/api';
import type { BootEvent } from '../core/events.ts';
import type { WorkWrapper } from '../core/work.ts';
import { BootRecord } from '../insight/boot-record.ts';
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
 * else the one that `TRACEPARENT` in the environment names.
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
  const record = new BootRecord(boot.id);
  const version = (): string | undefined => record.start?.versions.slipway;
  const spans = new BootSpans(record, () =>
    (options.tracerProvider ?? trace).getTracer('slipway', version()),
  );
  const figures = new BootMetrics(record, () =>
    (options.meterProvider ?? metrics).getMeter('slipway', version()),
  );
  let next = 0;
  /** Follows the list rather than what the listener gets: a step may begin while its event still waits for its delivery. */
  const follow = (): void => {
    for (let event = boot.events[next]; event; event = boot.events[next]) {
      next += 1;
      record.add(event);
      const times = new StepTimes(record, event.elapsedMs);
      try {
        spans.add(event, times);
      } finally {
        figures.add(event, times);
      }
    }
  };
  const leaves = [
    boot.onAny(follow),
    boot.wrap((work, run) => {
      follow();
      return context.with(spans.contextOf(work), run);
    }),
  ];
  orReport(follow);
  return () => {
    for (const leave of leaves.splice(0)) leave();
    orReport(() => spans.leave());
  };
}

/** The caller is the host, which a broken tracer must not harm. Inside of the boot, its logger has the error. */
function orReport(act: () => void): void {
  try {
    act();
  } catch (thrown) {
    diag.error('slipway: a tracer or a meter failed', thrown);
  }
}
