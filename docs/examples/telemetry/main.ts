import { createRequire } from 'node:module';
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type * as Pg from 'pg';
import { createBoot, definePlugin, formatBootError, BootError } from 'slipway';
import { traceBoot } from 'slipway/otel';

// 1. The SDK, as for any program. The exporters read OTEL_EXPORTER_OTLP_ENDPOINT.
const resource = resourceFromAttributes({ 'service.name': 'harbour', 'service.version': '1.4.0' });
const spanProcessors = [new BatchSpanProcessor(new OTLPTraceExporter())];
const tracers = new BasicTracerProvider({ resource, spanProcessors });
const exporter = new OTLPMetricExporter();
const meters = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({ exporter })],
});
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(tracers);
metrics.setGlobalMeterProvider(meters);

// 2. Spans of pg. They nest in the step of the plugin that queries. The instrumentation patches what require() returns.
new PgInstrumentation().enable();
const { Pool } = createRequire(import.meta.url)('pg') as typeof Pg;

const harbour = definePlugin({
  id: 'harbour',
  migrations: [
    { name: '0000_boats', run: (client) => client.query('CREATE TABLE boats (name text)') },
  ],
  init: async ({ database }) => {
    await database.query('INSERT INTO boats VALUES ($1)', ['Argo']);
  },
});

const pool = new Pool({ connectionString: process.env['DATABASE_URL'] });
const boot = createBoot({ pool, plugins: [harbour] });

// 3. Attach first, then start.
traceBoot(boot);
try {
  await boot.start();
  // … the program runs until it is asked to end.
} catch (error) {
  if (!(error instanceof BootError)) throw error;
  console.error(formatBootError(error));
  process.exitCode = 1;
} finally {
  await boot.stop('the program has ended');
  await pool.end();
  // 4. A process that ends before this loses the spans of its boot, and they are missing most when it failed.
  await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
}
