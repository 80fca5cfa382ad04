import { expect } from 'vitest';
import type { OtlpSpan, OtlpTraces } from '../../../src/insight/exports/otlp.ts';

/** Reads the spans, and checks the rules of OTLP/JSON that the types do not say. */
export function readSpans(text: string): readonly OtlpSpan[] {
  expect(text.trimEnd()).not.toContain('\n');
  const traces = JSON.parse(text) as OtlpTraces;
  const { scope, spans = [] } = traces.resourceSpans[0]?.scopeSpans[0] ?? {};
  expect(scope?.name).toBe('slipway');
  const ids = new Map(spans.map((span) => [span.spanId, span]));
  expect(ids.size).toBe(spans.length);
  for (const { traceId, spanId, parentSpanId, startTimeUnixNano, endTimeUnixNano } of spans) {
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(traceId).toBe(spans[0]?.traceId);
    expect(spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(spanId).not.toMatch(/^0+$/);
    expect(parentSpanId === undefined || ids.has(parentSpanId)).toBe(true);
    expect(startTimeUnixNano).toMatch(/^\d{1,20}$/);
    expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
  }
  expect(spans.filter(({ parentSpanId }) => parentSpanId === undefined)).toHaveLength(1);
  return spans;
}
