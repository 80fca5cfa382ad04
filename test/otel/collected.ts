import { context, SpanStatusCode, type Attributes } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type Histogram,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, onTestFinished } from 'vitest';

/** Carries the active span through promises in this test file, as an application sets it up once. */
export function useAsyncContext(): void {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => context.disable());
}

/** The providers of a test, and what they have collected. */
export interface Collected {
  readonly tracerProvider: BasicTracerProvider;
  readonly meterProvider: MeterProvider;
  readonly spans: () => readonly ReadableSpan[];
  /** `init catalog < initAll`, sorted: each span with its parent. */
  readonly tree: () => readonly string[];
  readonly find: (name: string) => ReadableSpan;
  /** The points of a metric: its attributes, and what was counted or measured. */
  readonly points: (metric: string) => Promise<readonly Point[]>;
}

interface Point {
  readonly attributes: Attributes;
  readonly value: number | Histogram;
}

/** Makes providers of SDK 2.x that keep everything in memory. */
export function collect(): Collected {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: measured,
    exportIntervalMillis: 3_600_000,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => meterProvider.shutdown());
  const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
  const nameOf = (id: string | undefined): string =>
    spans().find((span) => span.spanContext().spanId === id)?.name ?? '-';
  return {
    tracerProvider,
    meterProvider,
    spans,
    tree: () =>
      spans()
        .map(({ name, parentSpanContext }) => `${name} < ${nameOf(parentSpanContext?.spanId)}`)
        .toSorted(),
    find: (name) => {
      const found = spans().find((span) => span.name === name);
      if (!found) throw new Error(`no span ${name}`);
      return found;
    },
    points: async (metric) => {
      measured.reset();
      await reader.forceFlush();
      return measured
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ metrics }) => metrics)
        .filter(({ descriptor }) => descriptor.name === metric)
        .flatMap(({ dataPoints }) => dataPoints as readonly DataPoint<number | Histogram>[]);
    },
  };
}

/** Whether a span says that something failed. */
export function isError({ status }: ReadableSpan): boolean {
  return status.code === SpanStatusCode.ERROR;
}
